/** The children of a dynamic supervisor: found by pid, however many they are. */
import type { AnyPid, ExitReason, TimerRef } from "@coppice/core";

/** One of them. It is changed in place: there may be a great many. */
export interface DynamicChild {
  /** What its start added to the template's arguments. */
  readonly args: readonly unknown[];
  /** As long as it waits for its restart, that of the incarnation that ended. */
  pid: AnyPid;
  incarnation: number;
  restarts: number;
  /** How often it has failed in a row, for its backoff. */
  failures: number;
  /** When this incarnation started, in ms of the node's clock. */
  startedAtMs: number;
  lastExit: ExitReason | undefined;
  /** It waits for its restart. */
  wait: DynamicWait | undefined;
}

/** No two waits share a generation, so what a wait of the past has arranged means nothing. */
export interface DynamicWait {
  readonly generation: number;
  /** By a backoff. */
  readonly timer: TimerRef | undefined;
}

/** All of them, in the order of their last start. */
export class DynamicChildren implements Iterable<DynamicChild> {
  readonly #byPid = new Map<AnyPid, DynamicChild>();
  readonly #waiting = new Map<number, DynamicChild>();
  #generation = 0;
  /**
   * The last of those that ignored their restart. As in OTP it stays, without a pid, and stands for all of
   * them: it is shown and counted, and nothing can be done about it.
   */
  ignored: DynamicChild | undefined;

  /** Those that run, and those that wait for their restart. */
  get living(): number {
    return this.#byPid.size;
  }

  /** All that are counted. */
  get size(): number {
    return this.#byPid.size + (this.ignored === undefined ? 0 : 1);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Those that have a pid, or wait for another one. */
  [Symbol.iterator](): Iterator<DynamicChild> {
    return this.#byPid.values();
  }

  find(pid: AnyPid): DynamicChild | undefined {
    return this.#byPid.get(pid);
  }

  add(child: DynamicChild): void {
    this.#byPid.set(child.pid, child);
  }

  remove(child: DynamicChild): void {
    this.#byPid.delete(child.pid);
    this.stopWaiting(child);
  }

  /** It has been started again. */
  replace(child: DynamicChild, pid: AnyPid): void {
    this.remove(child);
    child.pid = pid;
    this.add(child);
  }

  nextGeneration(): number {
    return ++this.#generation;
  }

  wait(child: DynamicChild, wait: DynamicWait): void {
    child.wait = wait;
    this.#waiting.set(wait.generation, child);
  }

  /** Who waits for that; nobody when it is a thing of the past. */
  waitingFor(generation: number): DynamicChild | undefined {
    return this.#waiting.get(generation);
  }

  stopWaiting(child: DynamicChild): void {
    if (child.wait !== undefined) this.#waiting.delete(child.wait.generation);
    child.wait = undefined;
  }
}

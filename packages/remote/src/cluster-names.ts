/**
 * Names kept in the cluster itself: each by one of the members, which rendezvous hashing chooses.
 *
 * What it promises. While the members see each other, a name has at most one holder, and whoever was told
 * that a holder ended can have its name. When they do not, a name can be had on that side alone where its
 * registrar is, and there only when `graceMs` have passed since the holder's node was last connected; the
 * holder is told before that it has lost the name. So two hold a name at once only where a node was
 * stopped, or its clock ran wrong, by more than the difference: then the greater token stays when they see
 * each other again, and the other holder is told. Tokens of a name grow, unless its registrar ends
 * together with all members that it told of its greatest one.
 *
 * What it does not: while a registrar is down, its names (one in as many as there are members) can be
 * had by nobody new.
 */
import { guardedObservable, type AnyPid, type Clock, type Node } from "@coppice/core";
import { Subject, type Observable } from "rxjs";
import { backoffMs, CONNECT_BACKOFF } from "./backoff.js";
import {
  NameRefusedError,
  NameTimeoutError,
  RemoteStoppedError,
  UnreachableError,
} from "./errors.js";
import { NameMember, type NameAnswer } from "./name-member.js";
import type { NameClaim, NameEvent, NameHolder, NameStore } from "./name-store.js";
import type { RemoteEvent } from "./remote-event.js";
import { registrarOf } from "./rendezvous.js";
import type { NodeLife } from "./term.js";

export interface ClusterNamesPorts {
  readonly node: Node;
  readonly clock: Pick<Clock, "set" | "clear" | "hold">;
  readonly members: readonly string[];
  readonly graceMs: number;
  readonly patienceMs: number;
  readonly maxNames: number;
  readonly breached: () => void;
  readonly connected: () => readonly NodeLife[];
  /** Connects with a member, or rejects. */
  readonly reach: (member: string) => Promise<unknown>;
  /** `false` when it is not connected. */
  readonly tell: (member: string, message: unknown) => boolean;
  readonly changes: Observable<RemoteEvent>;
}

export class ClusterNames implements NameStore {
  readonly events: Observable<NameEvent>;
  readonly #events = new Subject<NameEvent>();
  readonly #ports: ClusterNamesPorts;
  readonly #member: NameMember;
  readonly #timers = new Set<unknown>();
  /** Whoever waits for a name: told when this is over. */
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(ports: ClusterNamesPorts) {
    const { node, members, graceMs, patienceMs, maxNames, breached, tell, changes } = ports;
    this.#ports = ports;
    this.events = guardedObservable(node, (subscriber) => this.#events.subscribe(subscriber));
    const home = { name: node.name, incarnation: node.incarnation };
    this.#member = new NameMember(
      { home, members, graceMs, patienceMs, maxNames },
      {
        tell,
        breached,
        isAlive: (pid) => node.isAlive(pid),
        after: (ms, task) => this.#after(ms, task),
        event: (event) => this.#events.next(event),
      },
    );
    changes.subscribe({
      next: (event) => {
        if (event.type === "up" && event.role === "node") {
          this.#member.up({ name: event.node, incarnation: event.incarnation });
        } else if (event.type === "down") {
          this.#member.down(event.node);
          this.#join(event.node, 1);
        }
      },
      complete: () => this.#end(),
    });
    for (const life of ports.connected()) this.#member.up(life);
    for (const member of members) this.#join(member, 0);
  }

  async claim(name: string, pid: AnyPid, timeoutMs: number): Promise<NameClaim> {
    if (this.#isOver) throw new RemoteStoppedError(this.#ports.node.name);
    const registrar = registrarOf(this.#ports.members, name);
    const timer = this.#deadline(name, timeoutMs);
    let takeBack: () => void = () => {};
    try {
      if (registrar !== this.#ports.node.name) {
        await Promise.race([this.#ports.reach(registrar), timer.over]);
      }
      const answer = new Promise<NameAnswer>((resolve) => {
        takeBack = this.#member.claim(name, pid, resolve);
      });
      return claimOf(name, await Promise.race([answer, timer.over]));
    } finally {
      takeBack();
      timer.cancel();
    }
  }

  release(name: string, holder: NameHolder): void {
    this.#member.release(name, holder);
  }

  find(name: string): NameHolder | undefined {
    return this.#member.find(name);
  }

  /** @internal Another member has something to say. */
  received(peer: NodeLife, message: unknown): void {
    this.#member.received(peer, message);
  }

  #deadline(
    name: string,
    timeoutMs: number,
  ): { readonly over: Promise<never>; readonly cancel: () => void } {
    let cancelTimer: () => void = () => {};
    let stopped: () => void = () => {};
    const over = new Promise<never>((_, reject) => {
      const tooLate = (): void => reject(new NameTimeoutError(name, timeoutMs));
      if (timeoutMs < Infinity) cancelTimer = this.#after(timeoutMs, tooLate);
      stopped = () => reject(new RemoteStoppedError(this.#ports.node.name));
    });
    this.#waiting.add(stopped);
    const cancel = (): void => {
      this.#waiting.delete(stopped);
      cancelTimer();
    };
    return { over, cancel };
  }

  /** Members are to be connected always: what one keeps the others have to know. */
  #join(member: string, failures: number): void {
    const { node, members, reach } = this.#ports;
    if (this.#isOver || member === node.name || !members.includes(member)) return;
    const again = (): void => this.#join(member, failures + 1);
    const tryIt = (): void => void reach(member).catch(again);
    if (failures === 0) tryIt();
    else this.#after(backoffMs(failures, node.random(), CONNECT_BACKOFF), tryIt);
  }

  #after(ms: number, task: () => void): () => void {
    if (this.#isOver) return () => {};
    const { clock } = this.#ports;
    const timer = clock.set(() => {
      this.#timers.delete(timer);
      task();
    }, ms);
    // Names alone keep no program alive.
    clock.hold?.(timer, false);
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      clock.clear(timer);
    };
  }

  #end(): void {
    this.#isOver = true;
    for (const timer of this.#timers) this.#ports.clock.clear(timer);
    this.#timers.clear();
    for (const stopped of [...this.#waiting]) stopped();
    this.#member.end();
    this.#events.complete();
  }
}

function claimOf(name: string, answer: NameAnswer): NameClaim {
  if (!("failed" in answer)) return answer;
  const { failed, registrar } = answer;
  if (failed !== "unreachable") throw new NameRefusedError(name, registrar, failed);
  throw new UnreachableError(registrar, "the connection was lost, or was never there");
}

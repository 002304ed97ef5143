/**
 * Who waits for a session with a node of which two connections were made: one of the two is kept, and may
 * not be a session yet.
 */
import type { Clock } from "@coppice/core";
import type { NodeLife } from "./term.js";

/** Who waits for a session. */
export interface Waiting {
  resolve(life: NodeLife): void;
  reject(error: Error): void;
}

interface Group {
  readonly waiting: readonly Waiting[];
  timer: unknown;
}

export class Awaiting {
  readonly #clock: Clock;
  /** As long as a handshake may take. */
  readonly #patienceMs: number;
  readonly #groups = new Map<string, Set<Group>>();

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** They wait for a session with `name`, and for so long; then they are told `error`. */
  add(name: string, waiting: readonly Waiting[], error: Error): void {
    if (waiting.length === 0) return;
    const all = this.#groups.get(name) ?? new Set();
    this.#groups.set(name, all);
    const group: Group = { waiting, timer: undefined };
    group.timer = this.#clock.set(() => {
      all.delete(group);
      if (all.size === 0) this.#groups.delete(name);
      for (const { reject } of waiting) reject(error);
    }, this.#patienceMs);
    all.add(group);
  }

  /** Who waits for that node, and does so no longer. */
  take(name: string): Waiting[] {
    const groups = [...(this.#groups.get(name) ?? [])];
    this.#groups.delete(name);
    for (const { timer } of groups) this.#clock.clear(timer);
    return groups.flatMap(({ waiting }) => waiting);
  }

  /** For how many nodes somebody waits. */
  get size(): number {
    return this.#groups.size;
  }

  /** All, whomever they wait for. */
  takeAll(): Waiting[] {
    return [...this.#groups.keys()].flatMap((name) => this.take(name));
  }
}

/** What the nodes of a simulation are given: its time, and random numbers that no schedule decides. */
import { keyOf, type AnyPid, type Clock, type KeySpace, type Random } from "@coppice/core";
import type { NodeTime } from "./sim-time.js";
import { mix } from "./strategy.js";

/** The clock of one node. */
export class SimClock implements Clock {
  readonly #time: NodeTime;
  readonly #world: { readonly nowMs: number };

  constructor(time: NodeTime, world: { readonly nowMs: number }) {
    this.#time = time;
    this.#world = world;
  }

  now(): number {
    return this.#time.at(this.#world.nowMs);
  }

  set(): never {
    throw new Error("a scheduler that decides is offered timers");
  }

  clear(): void {
    // There is nothing that was set.
  }
}

/** Random numbers that depend on who draws them, and on how many it drew before; not on the schedule. */
export class Draws {
  readonly #seed: number;
  readonly #keySpace: KeySpace;
  #counts: Map<string, number> | undefined = undefined;

  constructor(seed: number, keySpace: KeySpace) {
    this.#seed = seed;
    this.#keySpace = keySpace;
  }

  /** How many each has drawn; `undefined` when nobody has. */
  get counts(): ReadonlyMap<string, number> | undefined {
    return this.#counts;
  }

  /** For the process of that key; for nobody in particular when it is empty. */
  next(who: string): number {
    const counts = (this.#counts ??= new Map());
    const count = (counts.get(who) ?? 0) + 1;
    counts.set(who, count);
    return this.of(this.#keySpace.key(`random:${who}`).hash, count);
  }

  /** The `count`-th of whoever has the hash. */
  of(hash: number, count: number): number {
    const high = mix(this.#seed ^ count, hash);
    return (high * 2 ** 21 + (mix(high, count) >>> 11)) / 2 ** 53;
  }
}

/** The random numbers of one life of a node. */
export class SimRandom implements Random {
  readonly #draws: Draws;
  /** Another life of a node has another, and draws other numbers. */
  readonly #hash: number;
  #count = 0;

  constructor(draws: Draws, hash: number) {
    this.#draws = draws;
    this.#hash = hash;
  }

  next(by?: AnyPid): number {
    return by === undefined
      ? this.#draws.of(this.#hash, ++this.#count)
      : this.#draws.next(keyOf(by));
  }
}

/**
 * A scheduler that decides everything and keeps no more order than the semantics promise.
 *
 * Whatever could happen next waits until `runNext` picks it: the oldest, or, with a seed, any that is
 * first on its channel. Timers go by the virtual clock alone.
 */
import type { Happening, Scheduler } from "@coppice/core";
import { hashText } from "./key-hash.js";
import type { VirtualClock } from "./virtual-clock.js";

export interface FifoSchedulerOptions {
  /** The clock of the node: what is due fires when it gets there. */
  readonly clock: VirtualClock;
  /** Picks a schedule; without it, what was offered first happens first. */
  readonly seed?: number;
}

export interface FifoScheduler extends Scheduler {
  offer(happening: Happening): void;
  withdraw(happening: Happening): void;
  /** How many happenings wait, timers not counted. */
  readonly waiting: number;
  /** Makes the next happening happen; `false` when none waits. */
  runNext(): boolean;
  /** Makes one happening after the other happen, and lets each come to rest, until none waits. */
  runAll(): Promise<void>;
}

export function createFifoScheduler(options: FifoSchedulerOptions): FifoScheduler {
  return new DecidingScheduler(options);
}

class DecidingScheduler implements FifoScheduler {
  readonly #clock: VirtualClock;
  readonly #seed: number | undefined;
  /** Oldest first. */
  readonly #waiting: Happening[] = [];
  readonly #timers = new Map<Happening, unknown>();
  /** Tasks that wait for the event loop to turn. */
  #turns = 0;

  constructor({ clock, seed }: FifoSchedulerOptions) {
    this.#clock = clock;
    this.#seed = seed;
  }

  soon(task: () => void): void {
    queueMicrotask(task);
  }

  afterTurn(task: () => void): void {
    this.#turns++;
    setImmediate(() => {
      this.#turns--;
      task();
    });
  }

  offer(happening: Happening): void {
    if (happening.kind !== "timer") {
      this.#waiting.push(happening);
      return;
    }
    const fire = (): void => {
      this.#timers.delete(happening);
      happening.run();
    };
    const delayMs = (happening.atMs as number) - this.#clock.now();
    this.#timers.set(happening, this.#clock.set(fire, delayMs));
  }

  withdraw(happening: Happening): void {
    const timer = this.#timers.get(happening);
    if (timer !== undefined) {
      this.#clock.clear(timer);
      this.#timers.delete(happening);
      return;
    }
    const index = this.#waiting.indexOf(happening);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  runNext(): boolean {
    const next = this.#seed === undefined ? this.#waiting[0] : this.#preferred(this.#seed);
    if (next === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    next.run();
    return true;
  }

  async runAll(): Promise<void> {
    do {
      // A turn of the event loop drains all microtasks: code that was woken has run until it waits again.
      await new Promise<void>((resolve) => void setImmediate(resolve));
    } while (this.runNext() || this.#turns > 0);
  }

  /** The head of a channel that the seed likes best. Depends on keys alone, so what is unrelated changes nothing. */
  #preferred(seed: number): Happening | undefined {
    const channels = new Set<string>();
    let best: Happening | undefined;
    let least = Infinity;
    for (const happening of this.#waiting) {
      if (channels.has(happening.channel)) continue;
      channels.add(happening.channel);
      const rank = hashText(happening.key, Math.imul(seed, 0x9e3779b1));
      if (rank < least) {
        least = rank;
        best = happening;
      }
    }
    return best;
  }
}

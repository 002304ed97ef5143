/**
 * A clock whose time moves only when it is told to.
 *
 * Nothing waits: a test that takes a minute of its node's time takes none of its own.
 */
import type { Clock } from "@coppice/core";
import { checkNumber } from "./arguments.js";

/** Lets everything happen that needs no time to pass. */
export type Quiesce = () => Promise<void>;

export interface VirtualClock extends Clock {
  /** When the next timer is due; `undefined` when there is none. */
  nextAt(): number | undefined;
  /** Moves time to where the next timer is due and fires it; `false` when there is none. */
  fireNext(): boolean;
  /** How many timers are set that the host would wait for: `hold(handle, false)` takes one out. */
  readonly pending: number;
  /**
   * Lets `ms` milliseconds pass: fires what is due by then, in order of deadline and then of arming,
   * also what is set on the way, and calls `settle` before the first and after each.
   *
   * @throws InvalidArgumentError `ms` is negative or no number
   */
  advance(ms: number, settle?: Quiesce): Promise<void>;
  /** Lets time pass, as `advance` does, until no timer is pending. */
  runOut(settle?: Quiesce): Promise<void>;
}

interface Alarm {
  readonly atMs: number;
  readonly wake: () => void;
  held: boolean;
}

/** Makes a clock that shows 0. */
export function createVirtualClock(): VirtualClock {
  return new SteppedClock();
}

class SteppedClock implements VirtualClock {
  #nowMs = 0;
  /** Next one first; equal deadlines in the order of arming. */
  readonly #alarms: Alarm[] = [];

  now(): number {
    return this.#nowMs;
  }

  set(wake: () => void, delayMs: number): Alarm {
    const alarm: Alarm = { atMs: this.#nowMs + Math.max(0, delayMs), wake, held: true };
    const later = this.#alarms.findIndex((other) => other.atMs > alarm.atMs);
    this.#alarms.splice(later === -1 ? this.#alarms.length : later, 0, alarm);
    return alarm;
  }

  clear(handle: unknown): void {
    const index = this.#alarms.indexOf(handle as Alarm);
    if (index !== -1) this.#alarms.splice(index, 1);
  }

  hold(handle: unknown, held: boolean): void {
    (handle as Alarm).held = held;
  }

  nextAt(): number | undefined {
    return this.#alarms[0]?.atMs;
  }

  get pending(): number {
    return this.#alarms.filter((alarm) => alarm.held).length;
  }

  fireNext(): boolean {
    const alarm = this.#alarms.shift();
    if (alarm === undefined) return false;
    this.#nowMs = Math.max(this.#nowMs, alarm.atMs);
    alarm.wake();
    return true;
  }

  async advance(ms: number, settle: Quiesce = quiesce): Promise<void> {
    checkNumber("advance: ms", ms);
    const endMs = this.#nowMs + ms;
    await settle();
    while ((this.nextAt() ?? Infinity) <= endMs) {
      this.fireNext();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  async runOut(settle: Quiesce = quiesce): Promise<void> {
    await settle();
    while (this.pending > 0) {
      this.fireNext();
      await settle();
    }
  }
}

/**
 * What a node on a virtual clock may put off to a later turn of the event loop: the rest of a turn
 * whose time was up because the clock was moved within it, and the end of the turn after that.
 */
const TURNS = 3;

/**
 * Lets everything happen that needs no time to pass, on nodes with a virtual clock and the host's
 * scheduler: microtasks, and what the node has put off to a later turn of the event loop.
 *
 * Timers and I/O of the host are not waited for.
 */
export async function quiesce(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

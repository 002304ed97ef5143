/**
 * All schedules that differ from the oldest-first one in a few delays.
 *
 * A delay passes over what would have happened next; to take the third oldest costs two. Small numbers
 * of delays find most bugs, and the number of schedules is a polynomial of the length of the run.
 *
 * Emmi, Qadeer, Rakamarić: Delay-bounded scheduling, POPL 2011.
 */
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/** Leads one run after the other; `learn` when each is over. */
export class DelayBounded implements Strategy {
  /** All schedules with so many delays were run. */
  done = false;
  readonly #delays: number;
  /** How many are passed over at each step, and how many could be. */
  readonly #taken: number[] = [];
  readonly #possible: number[] = [];
  #depth = 0;
  #spent = 0;

  constructor(delays: number) {
    this.#delays = delays;
  }

  pick(enabled: readonly Transition[]): Transition | undefined {
    const inOrder = oldestFirst(enabled);
    if (inOrder.length === 0) return undefined;
    const depth = this.#depth++;
    const taken = (this.#taken[depth] ??= 0);
    this.#possible[depth] = Math.min(inOrder.length - 1, this.#delays - this.#spent);
    this.#spent += taken;
    return inOrder[taken];
  }

  learn(): void {
    let depth = this.#depth;
    this.#depth = this.#spent = 0;
    while (--depth >= 0) {
      const next = (this.#taken[depth] as number) + 1;
      if (next <= (this.#possible[depth] as number)) {
        this.#taken[depth] = next;
        this.#taken.length = depth + 1;
        return;
      }
    }
    this.done = true;
  }
}

/** What a kernel offers, oldest first; timers after everything else, faults not at all. */
function oldestFirst(enabled: readonly Transition[]): Transition[] {
  return [
    ...enabled.filter(({ kind }) => kind !== "timer" && kind !== "fault"),
    ...enabled.filter(({ kind }) => kind === "timer"),
  ];
}

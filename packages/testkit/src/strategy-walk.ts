/**
 * The uniform walk: each enabled transition is as likely as every other, a timer a quarter as likely.
 *
 * It is made without a stream of random numbers. Each transition, when it becomes possible, draws how
 * long it waits, exponentially distributed, from the seed and its key; the one whose wait is over first
 * happens next. As such waits have no memory, at each step all enabled are equally likely to be it; yet
 * when it happens, counted in these waits, depends on its key and on what made it possible alone.
 */
import { unit } from "./key-hash.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

const TIMER_WEIGHT = 0.25;
/** No wait is over at the very beginning. */
const UNDRAWN = 0;

/** The uniform walk of this seed, for one run. Picks no faults. */
export function walk(seed: number): Strategy {
  /** When the wait of each is over, by the order in which they became possible. */
  const dueAt: number[] = [];
  let now = 0;
  return {
    pick(enabled: readonly Transition[]): Transition | undefined {
      let first: Transition | undefined;
      let firstAt = Infinity;
      for (const transition of enabled) {
        const { kind, order } = transition;
        if (kind === "fault") continue;
        while (dueAt.length <= order) dueAt.push(UNDRAWN);
        let at = dueAt[order] as number;
        if (at === UNDRAWN) {
          const weight = kind === "timer" ? TIMER_WEIGHT : 1;
          at = now - Math.log(unit(seed, transition.keyHash)) / weight;
          dueAt[order] = at;
        }
        if (at < firstAt) {
          first = transition;
          firstAt = at;
        }
      }
      if (first !== undefined) now = Math.max(now, firstAt);
      return first;
    },
  };
}

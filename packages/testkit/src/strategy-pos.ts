/**
 * Partial order sampling, keyed: each enabled transition has a priority, and the highest goes first.
 *
 * A priority is drawn anew when another transition of the same process has happened: it is made of the
 * seed, the key, and how many the process has handled. So it does not depend on what others do.
 *
 * Yuan, Yang, Gu: Partial order aware concurrency sampling, CAV 2018.
 */
import { unit } from "./key-hash.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/** Keyed POS of this seed, for one run. Timers weigh a quarter. Picks no faults. */
export function partialOrderSampling(seed: number): Strategy {
  const handled = new Map<string, number>();
  return {
    pick(enabled: readonly Transition[]): Transition | undefined {
      let best: Transition | undefined;
      let highest = -1;
      for (const transition of enabled) {
        const { kind } = transition;
        if (kind === "fault") continue;
        const draw = unit(seed, transition.keyHash, handled.get(transition.actor) ?? 0);
        // The largest of draws to the power of 1/weight is each with a chance in proportion to its weight.
        const priority = kind === "timer" ? draw ** 4 : draw;
        if (priority > highest) {
          best = transition;
          highest = priority;
        }
      }
      if (best !== undefined) handled.set(best.actor, (handled.get(best.actor) ?? 0) + 1);
      return best;
    },
  };
}

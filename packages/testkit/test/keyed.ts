/** Strategies for tests, which go by keys alone. */
import { mix, type Strategy } from "../src/strategy.js";
import type { Transition } from "../src/transition.js";

/** Partial-order sampling by key: the same for a process whatever goes on beside it. Faults: at most one. */
export function keyedOrder(seed: number): Strategy {
  let faults = 1;
  const priority = ({ keyHash }: Transition): number => mix(seed, keyHash);
  return {
    pick(enabled) {
      const allowed = enabled.filter(({ kind }) => kind !== "fault" || faults > 0);
      const picked = allowed.reduce((best, each) =>
        priority(each) < priority(best) ? each : best,
      );
      if (picked.kind === "fault") faults--;
      return picked;
    },
  };
}

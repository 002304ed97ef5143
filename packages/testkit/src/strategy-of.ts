/** The strategy that a schedule stands for. */
import { constrained, EAGER } from "./constrained-strategy.js";
import type { Schedule } from "./schedule.js";
import { FIFO, LIFO, seeded, type Strategy } from "./strategy.js";

/** A strategy for one run under `schedule`: it remembers what has happened. */
export function strategyOf(schedule: Schedule): Strategy {
  return constrained(schedule.constraints, fillOf(schedule));
}

function fillOf({ strategy, seed }: Schedule): Strategy {
  switch (strategy) {
    case "fifo":
      return FIFO;
    case "lifo":
      return LIFO;
    case "eager":
      return EAGER;
    default:
      return seeded(seed);
  }
}

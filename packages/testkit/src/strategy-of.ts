/** The strategy that a schedule stands for. */
import { InvalidArgumentError } from "@coppice/core";
import { constrained, EAGER } from "./constrained-strategy.js";
import { isSchedule, type Schedule } from "./schedule.js";
import { FIFO, LIFO, type Strategy } from "./strategy.js";
import { pct } from "./strategy-pct.js";
import { partialOrderSampling } from "./strategy-pos.js";
import { surw } from "./strategy-surw.js";
import { walk } from "./strategy-walk.js";

/**
 * A strategy for one run under `schedule`: it remembers what has happened.
 *
 * @throws InvalidArgumentError `schedule` is none
 */
export function strategyOf(schedule: Schedule): Strategy {
  if (!isSchedule(schedule)) {
    const expected = "a schedule, as createSchedule and parseSchedule make them";
    throw new InvalidArgumentError("strategyOf: schedule", expected, schedule);
  }
  return constrained(schedule.constraints, fillOf(schedule));
}

function fillOf({ strategy, seed, length }: Schedule): Strategy {
  switch (strategy) {
    case "fifo":
      return FIFO;
    case "lifo":
      return LIFO;
    case "eager":
      return EAGER;
    case "walk":
      return walk(seed);
    case "pct2":
      return pct({ seed, depth: 2, length });
    case "pct3":
      return pct({ seed, depth: 3, length });
    case "pos":
      return partialOrderSampling(seed);
    case "surw":
      return surw({ seed });
    default:
      return strategy satisfies never;
  }
}

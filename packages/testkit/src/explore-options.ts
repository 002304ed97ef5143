/** What an exploration is told: how long, by which strategies, and what counts as an order. */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import {
  checkBoolean,
  checkNumber,
  checkOptionalFunction,
  checkOptionalList,
  checkSeed,
  checkWhole,
  isText,
} from "./arguments.js";
import type { KindOf } from "./dpor.js";
import { samplers, type Sampler } from "./portfolio.js";

export interface ExploreOptions {
  /** At most so many runs; 10,000 by default, `Infinity` when `ms` is given. */
  readonly runs?: number;
  /** Begins no run after so many ms of real time; no limit by default. */
  readonly ms?: number;
  /** Decides all that is drawn; 1 by default. */
  readonly seed?: number;
  /** Goes on after a violation, and counts; `false` by default. */
  readonly all?: boolean;
  /**
   * How many runs source-DPOR may take; 0 for none. By default 2,000 or a fifth of `runs`, whichever is more, but
   * a third of `runs` at the most; where only time is limited, 2,000 or a fifth of it.
   */
  readonly dporRuns?: number;
  /** Strategies to draw from in turn; all by default, `[]` for none. */
  readonly strategies?: readonly Sampler[];
  /** After all that, every schedule with at most so many delays; none by default. */
  readonly delays?: number;
  /**
   * At most so many faults in a run that is drawn; 2 by default. That something is mended again, or takes long, is
   * none. Without faults in the program it says nothing.
   */
  readonly faultBudget?: number;
  /**
   * Messages to one process count as ordered only if a receive could have taken either; `false` by
   * default. Guards have to depend on the message alone.
   */
  readonly observers?: boolean;
  /**
   * Pairs of kinds of messages whose order at one process does not matter; see `kindOf`. Tried out on
   * random schedules, which are not counted as runs.
   */
  readonly commutes?: readonly (readonly [string, string])[];
  /** The kind of what arrives; by `messageKindOf` by default. */
  readonly kindOf?: KindOf;
  /** Counts how many schedules the classes stand for, where they are few enough; `false` by default. */
  readonly countOrders?: boolean;
}

export const exploreKeys: readonly string[] = [
  "runs",
  "ms",
  "seed",
  "all",
  "dporRuns",
  "strategies",
  "delays",
  "faultBudget",
  "observers",
  "commutes",
  "kindOf",
  "countOrders",
];

/** @throws InvalidArgumentError an option is unknown or of the wrong kind */
export function checkExploreOptions(options: ExploreOptions): void {
  checkKeys("explore: options", options, exploreKeys);
  const { runs, ms, dporRuns, delays, faultBudget, strategies, seed } = options;
  const { all, observers, countOrders, commutes, kindOf } = options;
  for (const [option, value] of Object.entries({ all, observers, countOrders })) {
    checkBoolean(`explore: options.${option}`, value);
  }
  checkOptionalFunction("explore: options.kindOf", kindOf);
  checkWhole("explore: options.delays", delays, 0);
  checkOptionalList(
    "explore: options.commutes",
    commutes,
    "pairs of kinds",
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText),
  );
  for (const [option, value] of Object.entries({ runs, ms, dporRuns, faultBudget })) {
    if (value !== undefined) checkNumber(`explore: options.${option}`, value);
  }
  checkSeed("explore: options.seed", seed);
  const isList = strategies === undefined || Array.isArray(strategies);
  const wrong = isList ? strategies?.find((name) => !samplers.includes(name)) : strategies;
  if (wrong !== undefined) {
    const expected = `names of ${samplers.join(", ")}`;
    throw new InvalidArgumentError("explore: options.strategies", expected, wrong);
  }
}

/** Strategies: who decides what happens next. */
import { InvalidArgumentError } from "@coppice/core";
import { has } from "./arguments.js";
import type { Step } from "./run.js";
import type { Transition } from "./transition.js";

/** What a strategy may know of the run so far. */
export interface RunView {
  /** The steps that were made. */
  readonly steps: readonly Step[];
  /** How many they are. */
  readonly step: number;
  readonly nowMs: number;
}

export interface Strategy {
  /**
   * Picks one of the enabled: heads of channels, timers that may fire, faults within their budget; oldest
   * first. `undefined` ends the run, as `stopped`; anything else is an `InvalidArgumentError`.
   */
  pick(enabled: readonly Transition[], view: RunView): Transition | undefined;
}

/** @throws InvalidArgumentError it is none */
export function checkStrategy(argument: string, strategy: Strategy): void {
  if (has(strategy, "pick")) return;
  const expected = "a strategy, as FIFO or strategyOf(schedule) is";
  throw new InvalidArgumentError(argument, expected, strategy);
}

/** What became possible first happens first; faults never. */
export const FIFO: Strategy = { pick: (enabled) => pickBy(enabled, (a, b) => a.order < b.order) };

/** What became possible last happens first; faults never. */
export const LIFO: Strategy = { pick: (enabled) => pickBy(enabled, (a, b) => a.order > b.order) };

/** A priority for each key that the seed alone decides: what is unrelated changes nothing. */
export function seeded(seed: number): Strategy {
  return {
    pick: (enabled) => pickBy(enabled, (a, b) => mix(seed, a.keyHash) < mix(seed, b.keyHash)),
  };
}

/** The first by `isBefore`, of those that are no faults and, while there are others, no timers. */
function pickBy(
  enabled: readonly Transition[],
  isBefore: (a: Transition, b: Transition) => boolean,
): Transition | undefined {
  let best: Transition | undefined;
  let bestClass = 2;
  for (const transition of enabled) {
    const { kind } = transition;
    if (kind === "fault") continue;
    const itsClass = kind === "timer" ? 1 : 0;
    if (itsClass > bestClass) continue;
    if (itsClass < bestClass || best === undefined || isBefore(transition, best)) {
      best = transition;
      bestClass = itsClass;
    }
  }
  return best;
}

/** A whole number of 32 bits from two, each bit of which depends on all. */
export function mix(seed: number, value: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

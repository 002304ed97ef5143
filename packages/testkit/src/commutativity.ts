/**
 * Is it true that two kinds of messages commute? Tried out: a run is made again with two of them the other
 * way round, and has to go on as before.
 */
import { CoppiceError } from "@coppice/core";
import type { KindOf } from "./dpor.js";
import { hashWith } from "./key-hash.js";
import type { Run, Step } from "./run.js";
import type { Strategy } from "./strategy.js";
import type { Swaps } from "./trace-class.js";

/** Messages whose order was said not to matter were swapped, and it did. */
export class CommutativityError extends CoppiceError {
  override readonly name = "CommutativityError";
  readonly code = "COMMUTATIVITY";
  readonly kinds: readonly [string, string];
  constructor(kinds: readonly [string, string], swapped: readonly [string, string], why: string) {
    const [first, second] = swapped;
    super(`"${kinds[0]}" and "${kinds[1]}" do not commute: with ${first} after ${second} ${why}`);
    this.kinds = kinds;
  }
}

/** Two neighbours of a run that are said to commute. */
interface Neighbours {
  readonly at: number;
  readonly kinds: readonly [string, string];
}

/**
 * Swaps one pair of neighbours that are said to commute, if the run has one, and looks whether the same
 * happens after it.
 *
 * @throws CommutativityError it does not
 */
export function checkSwap(
  run: Run,
  make: (strategy: Strategy) => Run,
  options: {
    readonly kindOf: KindOf;
    readonly commutes: readonly (readonly [string, string])[];
    readonly seed: number;
  },
): void {
  const candidates = neighboursOf(run.steps, options);
  if (candidates.length === 0) return;
  const { at, kinds } = candidates[
    hashWith(options.seed, candidates.length) % candidates.length
  ] as Neighbours;
  const keys = run.steps.map(({ transition }) => transition.key);
  const swapped = [keys[at + 1], keys[at]] as [string, string];
  const order = keys.toSpliced(at, 2, ...swapped);
  const again = make({
    pick: (enabled, view) => enabled.find(({ key }) => key === order[view.step]),
  });
  const fail = (why: string): never => {
    throw new CommutativityError(kinds, [swapped[1], swapped[0]], why);
  };
  if (again.steps.length < run.steps.length) fail(`${order[again.steps.length]} cannot happen`);
  const said = new Map(run.steps.map(({ transition }) => [transition.key, transition.describe()]));
  for (const { transition } of again.steps) {
    const before = said.get(transition.key);
    const now = transition.describe();
    if (before !== now) fail(`${transition.key} is ${now} instead of ${before ?? "nothing"}`);
  }
  const violated = (one: Run): string =>
    one.violations
      .map(({ check }) => check)
      .sort()
      .join(", ");
  if (violated(run) !== violated(again))
    fail(`"${violated(again)}" is violated instead of "${violated(run)}"`);
}

/** Which messages may change places. */
export function swapsOf(commutes: readonly (readonly [string, string])[], kindOf: KindOf): Swaps {
  const pairs = new Set(commutes.flatMap(([a, b]) => [`${a}\0${b}`, `${b}\0${a}`]));
  return (one, other) => pairs.has(`${kindOf(one)}\0${kindOf(other)}`);
}

function neighboursOf(
  steps: readonly Step[],
  {
    kindOf,
    commutes,
  }: { readonly kindOf: KindOf; readonly commutes: readonly (readonly [string, string])[] },
): Neighbours[] {
  const swaps = swapsOf(commutes, kindOf);
  const found: Neighbours[] = [];
  for (let at = 0; at + 1 < steps.length; at++) {
    const { transition: first, enabled } = steps[at] as Step;
    const { transition: second } = steps[at + 1] as Step;
    if (first.access.objectId !== second.access.objectId) continue;
    if (!enabled.includes(second)) continue;
    if (swaps(first, second)) found.push({ at, kinds: [`${kindOf(first)}`, `${kindOf(second)}`] });
  }
  return found;
}

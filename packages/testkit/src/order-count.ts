/**
 * How many orders one class stands for: the linear extensions of what has to come before what.
 *
 * The sum over all classes of a program is the number of its schedules, though only one of each was run.
 */
import { footprintOf, interfere } from "./dependence.js";
import type { Step } from "./run.js";

/** With more there are too many to count. */
const MOST_STEPS = 30;
const MOST_PREFIXES = 50_000;

/**
 * In how many orders these steps can take place without a change to what comes of it; `undefined` when
 * counting takes too long.
 */
export function countOrders(steps: readonly Step[]): number | undefined {
  if (steps.length > MOST_STEPS) return undefined;
  const pasts = pastsOf(steps);
  /** Ways to each set of steps that have been made, as bits. */
  let ways = new Map<number, number>([[0, 1]]);
  for (let made = 0; made < steps.length; made++) {
    const next = new Map<number, number>();
    for (const [set, count] of ways) {
      for (const [index, past] of pasts.entries()) {
        const bit = 1 << index;
        if ((set & bit) !== 0 || (past & ~set) !== 0) continue;
        next.set(set | bit, (next.get(set | bit) ?? 0) + count);
      }
    }
    if (next.size > MOST_PREFIXES) return undefined;
    ways = next;
  }
  const [orders] = ways.values();
  return orders !== undefined && Number.isSafeInteger(orders) ? orders : undefined;
}

/** For each step those that come directly before it in each order, as bits. */
function pastsOf(steps: readonly Step[]): number[] {
  const footprints = steps.map((step) => footprintOf(step));
  return steps.map(({ transition, creator }, index) => {
    let past = creator >= 0 ? 1 << creator : 0;
    const opened = openedBy(steps, index);
    if (opened >= 0) past |= 1 << opened;
    for (let before = 0; before < index; before++) {
      const other = steps[before] as Step;
      if (
        other.transition.channel === transition.channel ||
        interfere(footprints[before] as never, footprints[index] as never)
      ) {
        past |= 1 << before;
      }
    }
    return past;
  });
}

/** The last step before which this one was not possible; -1 for set-up. */
function openedBy(steps: readonly Step[], index: number): number {
  const { keyId } = (steps[index] as Step).transition;
  let first = index;
  while (first > 0 && (steps[first - 1] as Step).enabled.some((one) => one.keyId === keyId)) {
    first--;
  }
  return first - 1;
}

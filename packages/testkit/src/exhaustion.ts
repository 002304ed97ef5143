/**
 * Everything there is, as far as it goes: source-DPOR until it comes to an end or is stopped.
 *
 * It runs one schedule of each class. That is all there is to see, except for those who look at states
 * between steps and do not say at what: for them every order of all steps has to be run after that.
 */
import { checkSwap, swapsOf } from "./commutativity.js";
import { SourceDpor, type KindOf } from "./dpor.js";
import { hashWith } from "./key-hash.js";
import { observedClass } from "./observers.js";
import { countOrders } from "./order-count.js";
import type { Profile } from "./ready-set.js";
import type { Run } from "./run.js";
import type { Strategy } from "./strategy.js";
import { walk } from "./strategy-walk.js";
import { classOf } from "./trace-class.js";

export interface ExhaustionOptions {
  readonly profile: Profile;
  readonly observers: boolean;
  readonly commutes: readonly (readonly [string, string])[] | undefined;
  readonly kindOf: KindOf;
  readonly seed: number;
  readonly countOrders: boolean;
  /** Makes a run that counts. */
  readonly make: (strategy: Strategy) => Run;
  /** Makes one that does not. */
  readonly tryOut: (strategy: Strategy) => Run;
  /** May there be one more, after so many? */
  readonly goesOn: (runs: number) => boolean;
  /** Is there anyone who looks, does not say at what, and has not seen all there is to see? */
  readonly needsOrders: () => boolean;
}

export interface Exhaustion {
  readonly runs: number;
  readonly classes: number;
  readonly orders: number | undefined;
  /** Classes that have a schedule that failed. */
  readonly failing: number;
  /** Runs that ended at the step limit. */
  readonly cut: number;
  /** One schedule of each class was run. */
  readonly isDone: boolean;
  /** So was every schedule, for those who need that. */
  readonly isOrdered: boolean;
}

/** With the first runs, and then with one in so many, two messages that are said to commute are swapped. */
const SWAP_ALL = 100;
const SWAP_EVERY = 8;

export function exhaust(options: ExhaustionOptions): Exhaustion {
  const { profile, observers, commutes, kindOf, goesOn, make, needsOrders } = options;
  const swaps = commutes && swapsOf(commutes, kindOf);
  const idOf = ({ steps }: Run): number =>
    observers ? observedClass(steps, swaps) : classOf(steps, swaps);
  const dpor = new SourceDpor({ kindOf, commutes, observers, profile });
  const seen = new Set<number>();
  const failing = new Set<number>();
  let runs = 0;
  let classes = 0;
  let orders: number | undefined = options.countOrders ? 0 : undefined;
  while (!dpor.done && goesOn(runs)) {
    runs++;
    const run = make(dpor);
    const was = dpor.learn(run);
    if (commutes !== undefined) tryOutSwap(options, commutes, runs);
    if (was !== "class") continue;
    if (observers || mayRepeat(run, profile)) {
      const id = idOf(run);
      if (seen.has(id)) continue;
      seen.add(id);
    }
    classes++;
    if (run.violations.length > 0) failing.add(idOf(run));
    if (orders !== undefined) orders = add(orders, countOrders(run.steps));
  }
  const isDone = dpor.done && dpor.cut === 0;
  let isOrdered = !needsOrders();
  if (isDone && !isOrdered) {
    const all = new SourceDpor({ profile, ordered: true });
    while (!all.done && goesOn(runs) && needsOrders()) {
      runs++;
      const run = make(all);
      all.learn(run);
      if (run.violations.length > 0) failing.add(idOf(run));
    }
    isOrdered = all.done || !needsOrders();
    if (all.done) orders = all.classes;
  }
  return { runs, classes, orders, failing: failing.size, cut: dpor.cut, isDone, isOrdered };
}

/**
 * May a run of the same class have been there before? Of timers that are due at once the first moves the clock,
 * and who reads it comes after whichever that was: no order of two steps says this. Under `instant`, a timer
 * waits for what is queued at its process. Such classes are told apart by what each thing went through.
 */
function mayRepeat({ steps }: Run, profile: Profile): boolean {
  const enough = profile === "instant" ? 1 : 2;
  let timers = 0;
  for (const { transition } of steps) {
    if (transition.kind === "timer" && ++timers >= enough) return true;
  }
  return false;
}

function tryOutSwap(
  { kindOf, seed, tryOut }: ExhaustionOptions,
  commutes: readonly (readonly [string, string])[],
  runs: number,
): void {
  if (runs > SWAP_ALL && hashWith(seed, runs) % SWAP_EVERY !== 0) return;
  const sample = tryOut(walk(hashWith(seed, runs)));
  checkSwap(sample, tryOut, { kindOf, commutes, seed: runs });
}

function add(sum: number, more: number | undefined): number | undefined {
  return more === undefined ? undefined : sum + more;
}

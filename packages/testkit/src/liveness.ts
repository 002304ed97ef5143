/**
 * Liveness in a simulation: a storm, in which anything goes, and then a calm, in which what is owed has
 * to be settled. Only the calm is judged: an unfair schedule can keep anything from happening.
 */
import type { Node, NodeEvent } from "@coppice/core";
import type { Reads } from "./looks.js";
import type { Step } from "./run.js";
import type { Simulation } from "./simulation.js";
import type { RunView, Strategy } from "./strategy.js";
import { createWatch, type AnyMonitor, type Watch, type WatchOptions } from "./temporal.js";
import type { Transition } from "./transition.js";

/** What monitors of a simulation watch. */
export type SimEvent =
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "event"; readonly node: string; readonly event: NodeEvent };

export interface LivenessOptions extends WatchOptions {
  /** Whose events the monitors see, besides the steps; none by default. */
  readonly nodes?: readonly Node[];
  /**
   * How many steps the storm lasts; give the same to `calmAfter`. By default there is no calm: what is
   * owed is looked at when nothing can happen any more.
   */
  readonly stormSteps?: number;
  /**
   * What the monitors' verdicts depend on, as `reads` of `always`; everything by default. An exploration
   * is then exhaustive only after every order of all steps.
   */
  readonly reads?: Reads | undefined;
}

/**
 * Has monitors watch a simulation. What they find is a violation under their names.
 *
 * Without `calmAfter` around the strategy, the second part of a run is as unfair as the first, and what
 * the monitors say of it proves nothing.
 */
export function checkLiveness(
  sim: Simulation,
  monitors: readonly AnyMonitor<SimEvent>[],
  options: LivenessOptions = {},
): Watch<SimEvent> {
  const { nodes = [], stormSteps = Infinity, reads, ...watchOptions } = options;
  const watch = createWatch(monitors, watchOptions);
  const observe = (event: SimEvent): void => {
    for (const { check, message } of watch.observe(event)) sim.fail(check, message);
  };
  for (const node of nodes) {
    node.events.subscribe((event) => observe({ type: "event", node: node.name, event }));
  }
  // When the storm is over depends on how many steps there were, of whatever kind.
  const counts = stormSteps < Infinity;
  let steps = 0;
  sim.observe(
    (step) => {
      observe({ type: "step", step });
      if (++steps === stormSteps) watch.calm();
    },
    { reads: counts ? undefined : reads },
  );
  sim.finally("liveness", () => {
    for (const { check, message } of watch.atRest()) sim.fail(check, message);
  });
  return watch;
}

export interface CalmOptions {
  /** A timer that could fire goes first after so many steps, although there are messages; 100 by default. */
  readonly timerSteps?: number;
}

/** What puts an end to a fault. */
const MENDS = /^fault:(heal|resume|up):/;

/**
 * The strategy `storm` for so many steps, and then a fair one: what is broken is mended, no fault happens
 * any more, and what became possible first happens first. Nothing waits for ever.
 *
 * @example
 * import { calmAfter, seeded } from "@coppice/testkit";
 * const strategy = calmAfter(seeded(7), 100);
 * strategy.pick([], { steps: [], step: 0, nowMs: 0 }); // => undefined
 */
export function calmAfter(
  storm: Strategy,
  stormSteps: number,
  options: CalmOptions = {},
): Strategy {
  const { timerSteps = 100 } = options;
  return {
    pick(enabled, view) {
      const picked = view.step < stormSteps ? storm.pick(enabled, view) : undefined;
      return picked ?? pickFairly(enabled, view, timerSteps);
    },
  };
}

function pickFairly(
  enabled: readonly Transition[],
  { step }: RunView,
  timerSteps: number,
): Transition | undefined {
  const mend = enabled.find(({ key }) => MENDS.test(key));
  if (mend !== undefined) return mend;
  let first: Transition | undefined;
  let timer: Transition | undefined;
  for (const transition of enabled) {
    if (transition.kind === "fault") continue;
    if (transition.kind === "timer") timer = isEarlier(transition, timer) ? transition : timer;
    else first = isEarlier(transition, first) ? transition : first;
  }
  const isOverdue = timer !== undefined && step - timer.creator >= timerSteps;
  return isOverdue ? timer : (first ?? timer);
}

function isEarlier(one: Transition, other: Transition | undefined): boolean {
  if (other === undefined) return true;
  const [at, otherAt] = [one.atMs ?? 0, other.atMs ?? 0];
  return at === otherAt ? one.order < other.order : at < otherAt;
}

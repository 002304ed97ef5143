/**
 * Liveness in a simulation: a storm, in which anything goes, and then a calm, in which what is owed has
 * to be settled. Only the calm is judged: an unfair schedule can keep anything from happening.
 */
import { checkKeys, type Node, type NodeEvent } from "@coppice/core";
import { checkOptionalFunction, checkOptionalList, checkSimulation, has } from "./arguments.js";
import type { Reads } from "./looks.js";
import type { Step } from "./run.js";
import type { Simulation } from "./simulation.js";
import { textOf } from "./states.js";
import {
  checkMonitors,
  createWatch,
  type AnyMonitor,
  type TemporalViolation,
  type Watch,
  type WatchOptions,
} from "./temporal.js";

/** What monitors of a simulation watch. */
export type SimEvent =
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "event"; readonly node: string; readonly event: NodeEvent };

export interface LivenessOptions extends WatchOptions {
  /** Whose events the monitors see, besides the steps; none by default. */
  readonly nodes?: readonly Node[];
  /**
   * For runs led by `calmAfter`: how many steps the storm lasts, the same as there. A simulation with the option
   * `calm` knows by itself. Where there is no calm, what is owed is looked at when nothing can happen any more.
   */
  readonly stormSteps?: number;
  /**
   * All that decides how the program goes on, besides what is under way, set or waiting in mailboxes. When it is
   * the same twice in the calm of a simulation with the option `calm`, and something was owed all the time, the run
   * goes round for ever: that is a violation at once, and not only at the end of the calm. What you leave out here
   * is taken to be always the same. None by default.
   */
  readonly state?: () => unknown;
  /**
   * What the monitors' verdicts depend on, as `reads` of `always`; everything by default. An exploration
   * is then exhaustive only after every order of all steps.
   */
  readonly reads?: Reads | undefined;
}

/**
 * Has monitors watch a simulation. What they find is a violation under their names.
 *
 * With the option `calm` of the simulation each run is judged in its calm, and is over when every monitor has had its
 * time. Without it a run is as unfair to its end as its strategy, and only what is owed at rest is a violation.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind, or two monitors have one name
 */
export function checkLiveness(
  sim: Simulation,
  monitors: readonly AnyMonitor<SimEvent>[],
  options: LivenessOptions = {},
): Watch<SimEvent> {
  checkKeys("checkLiveness: options", options, [
    "nodes",
    "stormSteps",
    "state",
    "reads",
    "factor",
    "atLeast",
  ]);
  checkSimulation("checkLiveness: sim", sim);
  checkOptionalList("checkLiveness: options.nodes", options.nodes, "nodes", (each) =>
    has(each, "spawn"),
  );
  checkMonitors("checkLiveness: monitors", monitors);
  checkOptionalFunction("checkLiveness: options.state", options.state);
  const { nodes = [], stormSteps = Infinity, state, reads, ...watchOptions } = options;
  const { calm } = sim;
  const watch = createWatch(monitors, watchOptions);
  let steps = 0;
  const tell = (violations: readonly TemporalViolation[]): void => {
    for (const { check, message } of violations) sim.fail(check, message);
  };
  const observe = (event: SimEvent): void => {
    if (calm?.hasBegun ?? steps >= stormSteps) watch.calm();
    tell(watch.observe(event));
  };
  for (const node of nodes) {
    node.events.subscribe((event) => observe({ type: "event", node: node.name, event }));
  }
  // When the storm is over depends on how many steps there were, of whatever kind.
  const counts = stormSteps < Infinity || calm !== undefined;
  sim.observe(
    (step) => {
      observe({ type: "step", step });
      steps++;
      if (calm?.hasBegun !== true || state === undefined) return;
      tell(watch.comesTo(`${textOf(state)}\n${calm.situation()}`));
    },
    { reads: counts ? undefined : reads },
  );
  calm?.until(() => watch.calmLeft === 0);
  sim.finally("liveness", () => {
    tell(watch.atRest());
  });
  return watch;
}

/**
 * Exploration: from the schedules that cost nothing to all of them, and to samples where all are too many.
 *
 * Oldest first, newest first and eager timers; then source-DPOR, which runs each class of schedules once
 * and, when it comes to an end within its share, has shown all there is, with some samples in between; then
 * several strategies in turn, as no single one is good at everything; then, if asked for, all schedules with
 * few delays.
 */
import { checkFunction, checkKeys, KeySpace } from "@coppice/core";
import { checkExploreOptions, exploreKeys, type ExploreOptions } from "./explore-options.js";
import { Explorer, type Circumstances, type Exploration, type Runner } from "./explorer.js";
import type { SimulationOptions } from "./kernel-options.js";
import { programRunner, type Program } from "./run-program.js";
import { steadyRunner } from "./steady.js";

/**
 * Explores the schedules of a program. In one go, and only from a macrotask: see `inMacrotask`.
 *
 * @param options.simulation how runs are made: the profile, the clock, the step limit, …
 * @throws NotInMacrotaskError this is a microtask, as all code after an `await`
 * @throws CommutativityError messages of kinds in `commutes` do not commute
 * @throws UnsteadyRunError the same schedule did something else the second time
 * @throws DivergenceError the program does not do the same when it is led the same way
 * @example
 * import { explore, inMacrotask } from "@coppice/testkit";
 * const { statement } = await inMacrotask(() =>
 *   explore((sim) => {
 *     const node = sim.node();
 *     const sink = node.spawn(async (self) => { for (;;) await self.receive(); });
 *     for (const word of ["a", "b", "c"]) node.spawn((self) => self.send(sink, word));
 *   }),
 * );
 * statement.text; // => "exhaustive: 6 of 6 inequivalent schedules (profile pairFifo, faults 0, timers 0, 0 violations)"
 */
export function explore(
  program: Program,
  options: ExploreOptions & { readonly simulation?: SimulationOptions } = {},
): Exploration {
  checkFunction("explore: program", program);
  checkKeys("explore: options", options, [...exploreKeys, "simulation"]);
  const { simulation = {}, ...rest } = options;
  if (typeof simulation !== "object") checkKeys("explore: options.simulation", simulation, []);
  const keySpace = simulation.keySpace ?? new KeySpace({ interns: true });
  const notesTakes = rest.observers === true;
  const run: Runner = programRunner(program, { ...simulation, notesTakes, keySpace });
  const { profile = "pairFifo", clock, calm } = simulation;
  const bounds = boundsOf(simulation);
  // Under bounds what may happen is up to time, and in the calm to age: there is no choice to be reversed.
  const dpor = typeof clock !== "object" && calm === undefined;
  const steady = steadyRunner(run);
  const exploration = exploreRuns(steady.run, rest, { profile, bounds, dpor });
  steady.end();
  return exploration;
}

/** What is left out by the way runs are made. */
export function boundsOf({ clock, horizonMs, calm, plan = [] }: SimulationOptions): string[] {
  const bounds: string[] = [];
  if (typeof clock === "object") bounds.push("bounded clock");
  if (horizonMs !== undefined && horizonMs < Infinity) bounds.push(`horizon ${horizonMs} ms`);
  if (calm !== undefined) bounds.push(`fair after ${calm.stormSteps} steps`);
  // What a plan forces happens at its time, and not where it would make a difference.
  if (plan.length > 0) bounds.push("planned faults");
  return bounds;
}

/**
 * As `explore`, of whatever makes runs.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function exploreRuns(
  run: Runner,
  options: ExploreOptions = {},
  circumstances: Circumstances = { profile: "pairFifo", bounds: [], dpor: true },
): Exploration {
  checkFunction("explore: run", run);
  checkExploreOptions(options);
  return new Explorer(run, options, circumstances).explore();
}

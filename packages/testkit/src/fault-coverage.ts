/**
 * Fault coverage: each process is killed at each point of its life, one at a time, and it is seen what
 * the others make of it.
 */
import { checkFunction, InvalidArgumentError, keyOf, type AnyPid } from "@coppice/core";
import type { SimulationOptions } from "./kernel-options.js";
import { runProgramAsync, type Program } from "./run-program.js";
import type { Run } from "./run.js";
import type { KernelSimulation } from "./kernel-simulation.js";
import { FIFO, type Strategy } from "./strategy.js";

export interface CrashTarget {
  readonly pid: AnyPid;
  /** Stable over schedules. */
  readonly key: string;
  /** Its label and those of its ancestors: `shop/workers/w1`. */
  readonly path: string;
}

export interface FaultCoverageOptions extends Omit<SimulationOptions, "plan"> {
  /** The schedule; what became possible first happens first, by default. */
  readonly strategy?: Strategy;
  /** Which processes are killed; all by default. */
  readonly targets?: (target: CrashTarget) => boolean;
}

export interface CrashPoint {
  readonly path: string;
  readonly key: string;
  /** Before which step of the run without crashes, from 0. */
  readonly step: number;
  /** What would have happened next there; `"rest"` when nothing more would. */
  readonly next: string;
  readonly survived: boolean;
  /** The violations, and how the run ended if it did not come to rest. */
  readonly problems: readonly string[];
}

export interface FaultCoverage {
  readonly points: readonly CrashPoint[];
  readonly survived: number;
  /** From 0 to 1; 1 when there was nothing to kill. */
  readonly ratio: number;
}

/** Fewer crash points were survived than have to be; or the program fails without any crash. */
export class FaultCoverageError extends Error {
  override readonly name = "FaultCoverageError";
  readonly code = "FAULT_COVERAGE";
}

/**
 * Runs a program once as it is, and then once for each process and each step at which it was there: with
 * that process killed before that step. A crash is survived when the run comes to rest without violations.
 *
 * What it means to survive is what the program checks: a program without checks survives everything. Of
 * the program's own faults, crashes are left to this.
 *
 * @throws FaultCoverageError the program has violations, or does not come to rest, without any crash
 * @example
 * import { faultCoverage, formatFaultCoverage } from "@coppice/testkit";
 * const coverage = await faultCoverage((sim) => {
 *   const node = sim.node();
 *   let saved = false;
 *   node.spawnOpt<never>({ label: "saver" }, async (self) => {
 *     await self.yield();
 *     saved = true;
 *   });
 *   sim.finally("it is saved", () => saved);
 * });
 * formatFaultCoverage(coverage);
 * // => "0 of 1 crash points survived\nnot: saver before step 0 (resume:n/1#1): it is saved: it does not hold"
 */
export async function faultCoverage(
  program: Program,
  options: FaultCoverageOptions = {},
): Promise<FaultCoverage> {
  const { strategy = FIFO, targets = () => true, ...simulation } = options;
  checkFunction("faultCoverage: program", program);
  checkFunction("faultCoverage: options.targets", targets);
  const quiet = withoutCrashes(strategy);
  const found: { readonly step: number; readonly next: string; readonly target: CrashTarget }[] =
    [];
  let simulated: KernelSimulation | undefined;
  const look = (next: string): void => {
    const { kernel, world } = simulated as KernelSimulation;
    for (const pid of world.processes()) {
      const path = kernel.lives.get(pid.node)?.node.processInfo(pid)?.path ?? "";
      const target = { pid, key: keyOf(pid), path };
      if (targets(target)) found.push({ step: kernel.steps.length, next, target });
    }
  };
  const looking: Strategy = {
    pick: (enabled, view) => {
      const picked = quiet.pick(enabled, view);
      if (picked !== undefined) look(picked.key);
      return picked;
    },
  };
  const baseline = await runProgramAsync(
    (sim) => {
      simulated = sim as KernelSimulation;
      sim.finally("fault coverage", () => look("rest"));
      return program(sim);
    },
    looking,
    simulation,
  );
  const problems = problemsOf(baseline);
  if (problems.length > 0) {
    throw new FaultCoverageError(`without any crash: ${problems.join("; ")}`);
  }
  const points: CrashPoint[] = [];
  for (const { step, next, target } of found) {
    const plan = [{ fault: `crash:${target.key}`, at: { step } }];
    const run = await runProgramAsync(withCrashes(program), quiet, { ...simulation, plan });
    const { path, key } = target;
    const broken = problemsOf(run);
    points.push({ path, key, step, next, survived: broken.length === 0, problems: broken });
  }
  const survived = points.filter((point) => point.survived).length;
  return { points, survived, ratio: points.length === 0 ? 1 : survived / points.length };
}

/** Every process may be killed: when, the plan says. */
function withCrashes(program: Program): Program {
  return (sim) => {
    const result = program(sim);
    sim.faults.crashAny();
    return result;
  };
}

function withoutCrashes(strategy: Strategy): Strategy {
  return {
    pick: (enabled, view) =>
      strategy.pick(
        enabled.filter(({ kind, key }) => kind !== "fault" || !key.startsWith("fault:crash:")),
        view,
      ),
  };
}

function problemsOf({ violations, outcome }: Run): string[] {
  const problems = violations.map(({ check, message }) => `${check}: ${message}`);
  if (outcome !== "quiescent") problems.push(`it did not come to rest (${outcome})`);
  return problems;
}

/** `37 of 40 crash points survived`, and one line for each that was not. */
export function formatFaultCoverage({ points, survived }: FaultCoverage): string {
  const lines = [`${survived} of ${points.length} crash points survived`];
  for (const point of points) {
    if (point.survived) continue;
    const { path, key, step, next, problems } = point;
    const where = next === "rest" ? "at rest" : `before step ${step} (${next})`;
    lines.push(`not: ${path === "" ? key : path} ${where}: ${problems.join("; ")}`);
  }
  return lines.join("\n");
}

/**
 * For CI: refuses when too few were survived.
 *
 * @param atLeast the share that has to be, from 0 to 1; all by default
 * @throws FaultCoverageError it is less; the message lists what was not survived
 * @throws InvalidArgumentError `atLeast` is no number from 0 to 1
 */
export function requireFaultCoverage(coverage: FaultCoverage, atLeast = 1): void {
  if (!(atLeast >= 0 && atLeast <= 1)) {
    throw new InvalidArgumentError(
      "requireFaultCoverage: atLeast",
      "a number from 0 to 1",
      atLeast,
    );
  }
  if (coverage.ratio < atLeast) throw new FaultCoverageError(formatFaultCoverage(coverage));
}

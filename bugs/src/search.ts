/** The search for one bug, the explanation of what was found, and the search for false alarms. */
import {
  createSchedule,
  explain,
  explore,
  formatSchedule,
  runProgram,
  strategyOf,
  type Explanation,
  type ExploredFailure,
  type Run,
  type Schedule,
  type SimulationOptions,
} from "@coppice/testkit";
import { KeySpace } from "@coppice/core";
import type { Entry } from "./entry.js";

export interface Found {
  /** How many schedules it took, the failing one included. */
  readonly schedules: number;
  /** By what it was found. */
  readonly strategy: string;
  readonly explanation: Explained | undefined;
}

export interface Explained {
  readonly base: string;
  readonly constraints: number;
  readonly minimal: boolean;
  /** Whether a run that passes although it differs in one constraint is there to be shown. */
  readonly hasTwin: boolean;
  /** How many runs explaining took. */
  readonly replays: number;
  /** The explanation as one line, and the trace it stands for. */
  readonly token: string;
  readonly hash: string;
}

/** Looks for the bug with one seed. `undefined` when `budget` schedules do not show it. */
export function search(entry: Entry, seed: number, budget: number): Found | undefined {
  const simulation = simulationOf(entry);
  const program = entry.program("buggy");
  const { failures } = explore(program, { runs: budget, seed, simulation });
  const [failure] = failures;
  if (failure === undefined) return undefined;
  return {
    schedules: failure.index + 1,
    strategy: failure.strategy,
    explanation: explained(entry, failure, simulation),
  };
}

function explained(
  entry: Entry,
  failure: ExploredFailure,
  simulation: SimulationOptions,
): Explained | undefined {
  const program = entry.program("buggy");
  const explanation = explain((strategy) => runProgram(program, strategy, simulation), failure.run);
  if (explanation === undefined) return undefined;
  const { base, constraints, minimal, twin, replays } = explanation;
  return {
    base,
    constraints: constraints.length,
    minimal,
    hasTwin: twin !== undefined,
    replays,
    token: formatSchedule(scheduleOf(entry, explanation)),
    hash: explanation.run.hash(),
  };
}

function scheduleOf(entry: Entry, { base, constraints }: Explanation): Schedule {
  return createSchedule({ profile: entry.profile ?? "pairFifo", strategy: base, constraints });
}

/** One run of the buggy variant under a schedule. */
export function replay(entry: Entry, schedule: Schedule): Run {
  return runProgram(entry.program("buggy"), strategyOf(schedule), simulationOf(entry));
}

/** How many of so many schedules of the mended variant fail. */
export function falseAlarms(entry: Entry, schedules: number, seed: number): number {
  if (schedules === 0) return 0;
  const simulation = simulationOf(entry);
  return explore(entry.program("fixed"), { runs: schedules, seed, all: true, simulation }).failing;
}

function simulationOf(entry: Entry): SimulationOptions {
  return { profile: entry.profile ?? "pairFifo", keySpace: new KeySpace({ interns: true }) };
}

/**
 * One test over programs and schedules: draws programs, searches failing schedules of each, shrinks what it
 * found and explains it. No part of any test runner; `testActors` is that.
 */
import fc from "fast-check";
import { cases, type Case } from "./cases.js";
import { countClasses } from "./class-count.js";
import { explain } from "./explain.js";
import { reportFailure, type FailureReport } from "./failure-report.js";
import { hostMs } from "./host-time.js";
import { missedKeys } from "./missed-keys.js";
import { withNames } from "./process-names.js";
import { UnreachedError } from "./reach.js";
import { asJsonValues, formatReplay, parseReplay, type ReplayValues } from "./replay-token.js";
import { runProgram } from "./run-program.js";
import type { Run } from "./run.js";
import { createSchedule, type Schedule } from "./schedule.js";
import { programOf, runCase, Searcher, type ActorTest } from "./searcher.js";
import { withStates } from "./states.js";
import { strategyOf } from "./strategy-of.js";
import { checkSteady } from "./steady.js";
import type { Strategy } from "./strategy.js";

/** What was done, and nothing failed. */
export interface Passed {
  readonly programs: number;
  /** Of all programs together. */
  readonly schedules: number;
  /** What this says of the last program: whether these were all its schedules, or what bounded the search. */
  readonly statement: string;
}

/** What a failing case is, and what to say of it. */
export interface ActorFailure {
  readonly token: string;
  readonly violation: string;
  readonly report: (options: { readonly replay: string; readonly twin: boolean }) => FailureReport;
  readonly cause: unknown;
}

/** Searches. Only from a macrotask. */
export function searchCases<V extends readonly unknown[]>(
  test: ActorTest<V>,
): Passed | ActorFailure {
  const searchUntilMs = hostMs() + (test.budgetMs * 2) / 3;
  const passed = { programs: 0, schedules: 0, statement: "" };
  const searcher = new Searcher(test);
  // What is wrong with the test itself is no failure of the program, and not to be shrunk.
  let broken: { readonly error: unknown } | undefined;
  const guarded =
    (predicate: (drawn: Case<V>) => boolean): ((drawn: Case<V>) => boolean) =>
    (drawn) => {
      if (broken !== undefined) return true;
      try {
        return predicate(drawn);
      } catch (error) {
        if (fc.PreconditionFailure.isFailure(error)) throw error;
        broken = { error };
        return true;
      }
    };
  const property = propertyOf(
    test,
    guarded(({ values, seed, schedule }) => {
      if (schedule !== undefined) return passes(test, values, schedule);
      const ms = searchUntilMs - hostMs();
      // Whatever the budget is, something is run.
      if (ms <= 0 && passed.programs > 0) return true;
      const { runs, statement, found } = searcher.search(values, seed, Math.max(ms, 1));
      passed.programs++;
      passed.schedules += runs;
      passed.statement = statement;
      return found === undefined;
    }),
    (values, seed) => {
      try {
        return searcher.search(values, seed, Infinity).found;
      } catch (error) {
        if (fc.PreconditionFailure.isFailure(error)) return undefined;
        throw error;
      }
    },
  );
  const outcome = fc.check(property, {
    seed: test.seed,
    numRuns: test.runs,
    interruptAfterTimeLimit: test.budgetMs,
  });
  if (broken !== undefined) throw (broken as { readonly error: unknown }).error;
  if (!outcome.failed) {
    const unreached = searcher.unreached();
    if (unreached.length > 0) throw new UnreachedError(unreached);
    return passed;
  }
  if (outcome.counterexample === null)
    throw outcome.errorInstance ?? new Error("no counterexample");
  const [{ values, seed, schedule }] = outcome.counterexample;
  // The first time, it is the schedule that is explained.
  const times = outcome.numShrinks - 1;
  const shrunk = times < 1 ? "" : times === 1 ? "; shrunk once" : `; shrunk ${times} times`;
  const byPath: ReplayValues = {
    type: "path",
    seed: outcome.seed,
    path: outcome.counterexamplePath as string,
  };
  return describeFailure(
    test,
    values,
    schedule ?? (searcher.search(values, seed, Infinity).found as Schedule),
    `program ${outcome.numRuns}, ${searcher.first}${shrunk}`,
    byPath,
    true,
  );
}

/** A case that failed once passes. */
export interface Replayed {
  /** What its token names and the run never came to. */
  readonly missed: readonly string[];
}

/** Runs one case again. Only from a macrotask. */
export function replayCase<V extends readonly unknown[]>(
  test: ActorTest<V>,
  token: string,
  foundBy: string,
): Replayed | ActorFailure {
  const { schedule, values } = parseReplay(token);
  const drawn = valuesOf(test, values);
  const run = runCase(test, drawn, strategyOf(schedule));
  if (run.violations.length === 0) return { missed: missedKeys(schedule, run) };
  return describeFailure(test, drawn, schedule, foundBy, values);
}

function valuesOf<V extends readonly unknown[]>(test: ActorTest<V>, values: ReplayValues): V {
  if (values.type === "none") return [] as readonly unknown[] as V;
  if (values.type === "json") return values.values as V;
  let seen: V | undefined;
  const property = propertyOf(test, (drawn) => {
    seen ??= drawn.values;
    return true;
  });
  fc.check(property, { seed: values.seed, path: values.path, endOnFailure: true, numRuns: 1 });
  if (seen === undefined) throw new Error(`fast-check finds nothing at ${values.path}`);
  return seen;
}

function propertyOf<V extends readonly unknown[]>(
  test: ActorTest<V>,
  predicate: (drawn: Case<V>) => boolean,
  search: (values: V, seed: number) => Schedule | undefined = (values, seed) =>
    new Searcher(test).search(values, seed, Infinity).found,
): fc.IProperty<[Case<V>]> {
  const values = fc.tuple<[...V]>(...test.arbitraries);
  const run = (drawn: V, strategy: Strategy): Run => runCase(test, drawn, strategy);
  return fc.property(cases<V>(values, { run, search }), predicate);
}

function passes<V extends readonly unknown[]>(
  test: ActorTest<V>,
  values: V,
  schedule: Schedule,
): boolean {
  return runCase(test, values, strategyOf(schedule)).violations.length === 0;
}

function describeFailure<V extends readonly unknown[]>(
  test: ActorTest<V>,
  values: V,
  schedule: Schedule,
  foundBy: string,
  byPath: ReplayValues,
  counts = false,
): ActorFailure {
  const { program, nameOf } = withNames(programOf(test, values));
  const run = (strategy: Strategy): Run => runProgram(program, strategy, test.simulation);
  const failing = run(strategyOf(schedule));
  checkSteady(failing, run(strategyOf(schedule)));
  const explanation = explain(run, failing);
  const explained =
    explanation === undefined
      ? schedule
      : createSchedule({
          profile: schedule.profile,
          strategy: explanation.base,
          constraints: explanation.constraints,
        });
  const [first] = failing.violations;
  const violation = explanation?.violation ?? first;
  const watched = withStates(program);
  runProgram(watched.program, strategyOf(explained), test.simulation);
  const states = watched.around(violation?.step ?? -1);
  const classes = counts ? `; ${countClasses(program, test.simulation, true)}` : "";
  return {
    token: formatReplay({ schedule: explained, values: asJsonValues(values) ?? byPath }),
    violation: `${violation?.check}: ${violation?.message}`,
    cause: violation?.error,
    report: ({ replay, twin }) =>
      reportFailure(
        explanation ?? {
          base: "fifo",
          constraints: [],
          run: failing,
          violation: first as NonNullable<typeof first>,
          minimal: false,
          failingBases: [],
          twin: undefined,
          replays: 0,
        },
        {
          foundBy: `${foundBy}${classes}`,
          replay,
          states,
          twin,
          nameOf,
          ...(values.length === 0
            ? {}
            : { program: values.map((each) => fc.stringify(each)).join(", ") }),
        },
      ),
  };
}

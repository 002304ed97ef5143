/**
 * Tests over programs and schedules for jest, vitest and node:test.
 *
 * A test runs synchronously in a macrotask of its own, so that the runner has no say in when code runs. One
 * budget bounds everything: the search, the shrinking, and the runner's timeout.
 */
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkFunction, InvalidArgumentError } from "@coppice/core";
import fc from "fast-check";
import { replayCase, searchCases, type ActorFailure, type Passed } from "./actor-test.js";
import { addFailingToken, readFailingTokens } from "./failing-tokens.js";
import type { FailureReport } from "./failure-report.js";
import { fnv1a } from "./key-hash.js";
import type { SimulationOptions } from "./kernel-options.js";
import { OutdatedTokenError } from "./missed-keys.js";
import { replayLine } from "./replay-line.js";
import { createKernel } from "./run-program.js";
import type { ActorBody, ActorTest, Arbitraries } from "./searcher.js";
import { inWatchedMacrotask, refuseStrays } from "./stray-rejections.js";
import { tryToWrite, withNotes, writeReport } from "./written-report.js";

export interface TestActorsOptions extends SimulationOptions {
  /**
   * How long all of it may take, 1000 by default: two thirds for the search, the rest to shrink and explain.
   * `COPPICE_BUDGET` says otherwise for all tests.
   */
  readonly budgetMs?: number;
  /** How many programs are drawn; 100 by default, 1 when there is nothing to draw. */
  readonly runs?: number;
  /** How many schedules each program is run under at most; 100 by default, 2000 when there is nothing to draw. */
  readonly schedules?: number;
  /**
   * Where the search starts; a number made of the test's name by default, so that a suite that
   * passes keeps passing. `COPPICE_SEED` says otherwise for all tests.
   */
  readonly searchSeed?: number;
  /**
   * The folder for tokens of what failed; `__coppice__` beside the test by default, `false` for none. They run
   * first from then on. Nothing is written where the environment says `CI`.
   */
  readonly store?: string | false;
  /** A folder for the chart, the graph and the trace of failures; `COPPICE_REPORTS` by default, or none. */
  readonly reports?: string;
  /** Whether the report shows a run that passes, too; `COPPICE_TWIN` by default, or `false`. */
  readonly twin?: boolean;
  /** Told what was done when nothing failed; what it throws fails the test. */
  readonly whenPassed?: (passed: Passed) => void;
}

/** How a test runner is told of a test: jest's and vitest's `test`, and node:test's, fit. */
export type DefineTest = (name: string, run: () => Promise<void>, timeoutMs: number) => unknown;

/** Defines a test: see `testActors`. */
export type TestActors = <const A extends readonly fc.Arbitrary<unknown>[]>(
  name: string,
  arbitraries: A,
  body: ActorBody<ValuesOf<A>>,
  options?: TestActorsOptions,
) => void;

/** What a list of arbitraries draws. */
export type ValuesOf<A extends readonly fc.Arbitrary<unknown>[]> = {
  -readonly [K in keyof A]: A[K] extends fc.Arbitrary<infer T> ? T : never;
};

/** A test failed: the message is the report. */
export class ScheduleFailureError extends Error {
  override readonly name = "ScheduleFailureError";
  readonly code = "SCHEDULE_FAILURE";
  /** Replays it, as the value of `COPPICE_REPLAY`. */
  readonly token: string;
  readonly report: FailureReport;
  constructor(token: string, report: FailureReport, cause: unknown) {
    super(report.text, cause === undefined ? undefined : { cause });
    this.token = token;
    this.report = report;
    // Where it was found says nothing: the report does.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/**
 * Defines a test of a program under many schedules: `body` sets it up in a simulation, from one value of each
 * arbitrary, and says what must hold.
 *
 * | environment | |
 * | --- | --- |
 * | `COPPICE_REPLAY=token` | runs exactly that; does not pass when what it names did not happen |
 * | `COPPICE_BUDGET=ms` | the budget of each test |
 * | `COPPICE_SEED=number` | where each search starts |
 * | `COPPICE_REPORTS=folder` | charts, graphs and traces of failures are written there |
 * | `COPPICE_TWIN=1` | shows a run that passes beside the one that fails |
 * | `COPPICE_TEST_COMMAND=command` | what runs tests, as `npm test --`, for the line that replays a failure |
 *
 * The test fails with `ScheduleFailureError`, whose message says why and how to see it again, or with
 * `UnsteadyRunError` when the program does not depend on its schedule alone. A replay that passes although its token
 * names what did not happen fails with `OutdatedTokenError`. A promise that is rejected in a run while nobody waits for
 * it makes it a `StrayRejectionError`; in jest, which lets nobody else hear of those, the error itself.
 *
 * Uses the global `test`, as jest has it; for others `testActors.with(test)`.
 *
 * @throws InvalidArgumentError an option is unknown or of the wrong kind
 */
export const testActors: TestActors & {
  /** The same with the `test` function of a runner. */
  readonly with: (define: DefineTest) => TestActors;
} = Object.assign(
  ((name, arbitraries, body, options): void => {
    const { test } = globalThis as { test?: unknown };
    if (typeof test !== "function") {
      const expected = "a global function, as jest has it; else use testActors.with(test)";
      throw new InvalidArgumentError("testActors: test", expected, test);
    }
    defineWith(test as DefineTest, name, arbitraries as never, body, options);
  }) as TestActors,
  {
    with: (define: DefineTest): TestActors => {
      checkFunction("testActors.with: test", define);
      return (name, arbitraries, body, options) =>
        defineWith(define, name, arbitraries as never, body, options);
    },
  },
);

function defineWith<V extends readonly unknown[]>(
  define: DefineTest,
  name: string,
  arbitraries: Arbitraries<V>,
  body: ActorBody<V>,
  options: TestActorsOptions = {},
): void {
  const file = callerFile();
  const test = testOf(name, arbitraries, body, options);
  const run = (): Promise<void> =>
    inWatchedMacrotask(
      () => runTest(name, test, options, file),
      (passed, strays) => {
        refuseStrays(strays);
        if (passed !== undefined) options.whenPassed?.(passed);
      },
    );
  // What was found may be explained, and a machine may be slow; the search itself ends in time.
  define(name, run, test.budgetMs * 3 + 10_000);
}

/** What is no option of the simulation. */
const ownOptions: readonly string[] = [
  "budgetMs",
  "runs",
  "schedules",
  "searchSeed",
  "store",
  "reports",
  "twin",
  "whenPassed",
];

function testOf<V extends readonly unknown[]>(
  name: string,
  arbitraries: Arbitraries<V>,
  body: ActorBody<V>,
  options: TestActorsOptions,
): ActorTest<V> {
  if (typeof name !== "string") throw new InvalidArgumentError("testActors: name", "text", name);
  if (!Array.isArray(arbitraries)) {
    throw new InvalidArgumentError("testActors: arbitraries", "an array", arbitraries);
  }
  checkFunction("testActors: body", body);
  const { budgetMs, runs, schedules, searchSeed, whenPassed } = options;
  const simulation: SimulationOptions = Object.fromEntries(
    Object.entries(options).filter(([option]) => !ownOptions.includes(option)),
  );
  const count = (option: string, value: number): number => {
    if (Number.isInteger(value) && value >= 1) return value;
    throw new InvalidArgumentError(
      `testActors: options.${option}`,
      "a whole number of at least 1",
      value,
    );
  };
  for (const [index, arbitrary] of arbitraries.entries()) {
    if (arbitrary instanceof fc.Arbitrary) continue;
    const what = `testActors: arbitraries[${index}]`;
    throw new InvalidArgumentError(what, "an arbitrary of fast-check", arbitrary);
  }
  checkOwnOptions(options);
  const single = arbitraries.length === 0;
  if (whenPassed !== undefined) checkFunction("testActors: options.whenPassed", whenPassed);
  // Refuses what it does not know.
  createKernel(simulation);
  const { COPPICE_BUDGET, COPPICE_SEED } = process.env;
  return {
    arbitraries,
    body,
    runs: count("runs", runs ?? (single ? 1 : 100)),
    schedules: count("schedules", schedules ?? (single ? 2_000 : 100)),
    seed: numberIn("COPPICE_SEED", COPPICE_SEED) ?? searchSeed ?? fnv1a(name),
    budgetMs: count("budgetMs", numberIn("COPPICE_BUDGET", COPPICE_BUDGET) ?? budgetMs ?? 1_000),
    simulation,
  };
}

function checkOwnOptions({ searchSeed, store, reports, twin }: TestActorsOptions): void {
  const check = (option: string, isRight: boolean, expected: string, value: unknown): void => {
    if (value === undefined || isRight) return;
    throw new InvalidArgumentError(`testActors: options.${option}`, expected, value);
  };
  check("searchSeed", Number.isInteger(searchSeed), "a whole number", searchSeed);
  check("store", store === false || typeof store === "string", "a folder, or false", store);
  check("reports", typeof reports === "string", "a folder", reports);
  check("twin", typeof twin === "boolean", "a boolean", twin);
}

/** Runs it; what a search that found nothing did, and nothing of a replay. */
function runTest<V extends readonly unknown[]>(
  name: string,
  test: ActorTest<V>,
  options: TestActorsOptions,
  file: string | undefined,
): Passed | undefined {
  const fail = (failure: ActorFailure, keep?: () => void): never => {
    const plain = failure.report({
      replay: replayLine(failure.token, name, file),
      twin: options.twin ?? isOn("COPPICE_TWIN"),
    });
    const folder = options.reports ?? process.env["COPPICE_REPORTS"];
    const unwritten: string[] = [];
    if (folder !== undefined && folder !== "") {
      tryToWrite(folder, () => writeReport(folder, name, plain), unwritten);
    }
    if (store !== undefined && keep !== undefined) tryToWrite(dirname(store), keep, unwritten);
    const report = { ...plain, text: withNotes(plain.text, unwritten) };
    throw new ScheduleFailureError(failure.token, report, failure.cause);
  };
  const store = storeOf(options, file);
  const { COPPICE_REPLAY } = process.env;
  if (COPPICE_REPLAY !== undefined && COPPICE_REPLAY !== "") {
    const replayed = replayCase(test, COPPICE_REPLAY, "replay");
    if ("token" in replayed) fail(replayed);
    else if (replayed.missed.length > 0) {
      throw new OutdatedTokenError(COPPICE_REPLAY, replayed.missed);
    }
    return undefined;
  }
  if (store !== undefined) {
    for (const { token } of readFailingTokens(store, name)) {
      const replayed = replayCase(test, token, `failed before: ${basename(store)}`);
      // What it names may be gone with what was wrong: the others, and the search, are still to come.
      if ("token" in replayed) fail(replayed);
    }
  }
  const result = searchCases(test);
  if (!("token" in result)) return result;
  return fail(result, () => {
    if (store === undefined || isOn("CI")) return;
    addFailingToken(store, name, { token: result.token, violation: result.violation });
  });
}

function storeOf({ store }: TestActorsOptions, file: string | undefined): string | undefined {
  if (store === false) return undefined;
  const test = file ?? "tests";
  const folder = store ?? (file === undefined ? undefined : join(dirname(test), "__coppice__"));
  return folder === undefined ? undefined : join(folder, `${basename(test)}.json`);
}

/** The file that calls `testActors`, as the stack tells. */
function callerFile(): string | undefined {
  const own = new Error("here").stack?.split("\n").slice(1) ?? [];
  const here = fileOf(own[0]);
  for (const line of own) {
    const file = fileOf(line);
    if (file !== undefined && file !== here) return file;
  }
  return undefined;
}

function fileOf(line: string | undefined): string | undefined {
  // There may be brackets in the path, as there are around it.
  const [, place] =
    /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\).*?):\d+:\d+\)?$/.exec(line ?? "") ?? [];
  if (place === undefined) return undefined;
  return place.startsWith("file://") ? fileURLToPath(place) : place;
}

/** Set, and not to what says that it is not. */
function isOn(name: string): boolean {
  return !/^(?:|0|false|no|off)$/i.test(process.env[name] ?? "");
}

function numberIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  if (Number.isInteger(number)) return number;
  throw new InvalidArgumentError(`the environment's ${name}`, "a whole number", text);
}

/** What a test of actors is, and the search for schedules under which one of its programs fails. */
import { errorText, isErrorLike } from "@coppice/core";
import fc from "fast-check";
import { explain } from "./explain.js";
import { explore } from "./explore.js";
import { hostMs } from "./host-time.js";
import type { SimulationOptions } from "./kernel-options.js";
import { NeverAtRestError } from "./never-at-rest.js";
import { runProgram, type Program } from "./run-program.js";
import type { Run } from "./run.js";
import { createSchedule, type Schedule } from "./schedule.js";
import type { Simulation } from "./simulation.js";
import { checkSteady, sameWay, UnsteadyRunError } from "./steady.js";
import type { Strategy } from "./strategy.js";

/** Sets a program up from values that were drawn. A throw is a violation. */
export type ActorBody<V extends readonly unknown[]> = (
  sim: Simulation,
  ...values: V
) => void | PromiseLike<void>;

/** An arbitrary for each of the values. */
export type Arbitraries<V extends readonly unknown[]> = {
  readonly [K in keyof V]: fc.Arbitrary<V[K]>;
};

export interface ActorTest<V extends readonly unknown[]> {
  readonly arbitraries: Arbitraries<V>;
  readonly body: ActorBody<V>;
  /** How many programs are drawn. */
  readonly runs: number;
  /** How many schedules each of them is run under. */
  readonly schedules: number;
  readonly seed: number;
  /** For everything: two thirds are for the search, the rest is for what was found. */
  readonly budgetMs: number;
  readonly simulation: SimulationOptions;
}

interface Searched {
  readonly runs: number;
  readonly statement: string;
  readonly found: Schedule | undefined;
}

/** Searches failing schedules of programs, and remembers those that it found: asked again, it does not search again. */
export class Searcher<V extends readonly unknown[]> {
  readonly #test: ActorTest<V>;
  readonly #found = new WeakMap<V, Searched>();
  /** Where the first failure was found. */
  first = "";
  readonly #startedMs: number = hostMs();
  readonly #seen = new Set<string>();
  readonly #unseen = new Set<string>();

  constructor(test: ActorTest<V>) {
    this.#test = test;
  }

  /** What should be seen sometimes, and was in no schedule of any program. */
  unreached(): readonly string[] {
    return [...this.#unseen].filter((name) => !this.#seen.has(name));
  }

  search(values: V, seed: number, ms: number): Searched {
    const known = this.#found.get(values);
    if (known !== undefined) return known;
    const { schedules: runs, simulation } = this.#test;
    const {
      runs: made,
      statement,
      failures,
      restless,
      coverage,
    } = explore(programOf(this.#test, values), {
      runs,
      seed,
      dporRuns: Math.ceil(runs * DPOR_SHARE),
      ...(ms === Infinity ? {} : { ms }),
      simulation,
    });
    for (const name of coverage.seen) this.#seen.add(name);
    for (const name of coverage.unseen) this.#unseen.add(name);
    const [failure] = failures;
    if (failure === undefined && restless !== undefined) throw new NeverAtRestError(restless);
    if (failure === undefined) return { runs: made, statement: statement.text, found: undefined };
    if (this.first === "") {
      const took = duration(hostMs() - this.#startedMs);
      this.first = `schedule ${failure.index + 1} (${failure.strategy}), ${took}`;
    }
    const found = scheduleOf(this.#test, values, failure.run);
    const searched = { runs: made, statement: statement.text, found };
    this.#found.set(values, searched);
    return searched;
  }
}

function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/** How much of the schedules of a program may go to the attempt to run all there are. */
const DPOR_SHARE = 0.4;

/** A failing run as the schedule that explains it. */
function scheduleOf<V extends readonly unknown[]>(
  test: ActorTest<V>,
  values: V,
  failing: Run,
): Schedule {
  const { profile = "pairFifo" } = test.simulation;
  const explanation = explain((strategy) => runCase(test, values, strategy), failing);
  if (explanation !== undefined) {
    return createSchedule({
      profile,
      strategy: explanation.base,
      constraints: explanation.constraints,
    });
  }
  // Not even in the same order does it fail again.
  checkSteady(failing, runCase(test, values, sameWay(failing)));
  throw new UnsteadyRunError(failing.steps.length, "a violation", "none");
}

export function runCase<V extends readonly unknown[]>(
  test: ActorTest<V>,
  values: V,
  strategy: Strategy,
): Run {
  return runProgram(programOf(test, values), strategy, test.simulation);
}

/** The body as a program: what it throws is a violation like any other. */
export function programOf<V extends readonly unknown[]>(
  { body }: ActorTest<V>,
  values: V,
): Program {
  return (sim) => {
    const fail = (error: unknown): void => {
      // The values make no sense, and nothing is wrong with the program.
      if (fc.PreconditionFailure.isFailure(error)) throw error;
      const kind = isErrorLike(error) ? error.name : "a value";
      // Some errors say nothing.
      sim.fail(`the test's body threw ${kind}`, errorText(error, { most: Infinity }) || kind);
    };
    try {
      return body(sim, ...values)?.then(undefined, fail);
    } catch (error) {
      return fail(error);
    }
  };
}

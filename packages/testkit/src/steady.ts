/**
 * The same schedule has to take the same course. Of what fails that is seen the first times, of what
 * passes now and then; and the first run once more, for what outlives a run shows there.
 */
import { CoppiceError } from "@coppice/core";
import type { Run } from "./run.js";
import type { Strategy } from "./strategy.js";

/** The same schedule of the same program did something else the second time. */
export class UnsteadyRunError extends CoppiceError {
  override readonly name = "UnsteadyRunError";
  readonly code = "UNSTEADY_RUN";
  constructor(step: number, first: string, second: string) {
    super(
      `the same schedule took another course the second time, at step ${step}: first ${first}, then ${second}; ` +
        "something decides that the simulation does not know of: what outlives a run, real time, real randomness",
    );
  }
}

/** @throws UnsteadyRunError they differ, in their steps or in the checks that failed */
export function checkSteady(first: Run, second: Run): void {
  if (first.hash() === second.hash()) {
    const [ours, theirs] = [checksOf(first), checksOf(second)];
    if (ours !== theirs) throw new UnsteadyRunError(first.steps.length, ours, theirs);
    return;
  }
  const keyAt = (run: Run, step: number): string => run.steps[step]?.transition.key ?? "the end";
  const length = Math.max(first.steps.length, second.steps.length);
  let step = 0;
  while (step < length && keyAt(first, step) === keyAt(second, step)) step++;
  throw new UnsteadyRunError(step, keyAt(first, step), keyAt(second, step));
}

function checksOf({ violations }: Run): string {
  if (violations.length === 0) return "no violation";
  return violations
    .map(({ check }) => `"${check}"`)
    .sort()
    .join(", ");
}

/** Goes the way of a run, as far as that is possible. */
export function sameWay({ steps, outcome, calmFrom }: Run): Strategy {
  return {
    pick(enabled, { step }) {
      if (step === calmFrom) return undefined;
      // Some steps nobody is asked about.
      const key = steps[step]?.transition.key;
      if (key === undefined) {
        // Where it was at rest nothing should be possible.
        return outcome === "quiescent" ? enabled.find(({ kind }) => kind !== "fault") : undefined;
      }
      // Where it cannot, whatever is possible tells more than nothing.
      return enabled.find((transition) => transition.key === key) ?? enabled[0];
    },
  };
}

const ONE_IN = 100;
const FAILING = 10;

type Runner = (strategy: Strategy) => Run;

/** Makes runs, and some of them twice. */
export interface SteadyRunner {
  /** @throws UnsteadyRunError the second time it was another */
  readonly run: Runner;
  /** The first one once more, when all are made. @throws UnsteadyRunError it is another now */
  end(): void;
}

export function steadyRunner(make: Runner): SteadyRunner {
  let first: Run | undefined;
  let runs = 0;
  let failed = 0;
  const end = (): void => {
    if (first !== undefined) checkSteady(first, make(sameWay(first)));
  };
  const run = (strategy: Strategy): Run => {
    const made = make(strategy);
    first ??= made;
    runs++;
    if (made.violations.length > 0 && failed++ < FAILING) checkSteady(made, make(sameWay(made)));
    if (runs % ONE_IN === 0) {
      checkSteady(made, make(sameWay(made)));
      end();
    }
    return made;
  };
  return { run, end };
}

/** How many classes of schedules a program has, and how many of them fail, as far as that is to be had cheaply. */
import { explore } from "./explore.js";
import type { SimulationOptions } from "./kernel-options.js";
import type { Program } from "./run-program.js";
import { count, number } from "./statement.js";

/** So many schedules at the most, and no longer than this. */
const MOST_RUNS = 1_000;
const MOST_MS = 250;

/**
 * `5 classes exist, 1 fails`; where that is not known, what is. Only from a macrotask.
 *
 * @param isFailing a run is known that fails: if no class does, there is something that decides and is not seen
 */
export function countClasses(
  program: Program,
  simulation: SimulationOptions,
  isFailing = false,
): string {
  const { statement, coverage, runs, failing } = explore(program, {
    runs: MOST_RUNS,
    dporRuns: MOST_RUNS,
    ms: MOST_MS,
    strategies: [],
    all: true,
    simulation,
  });
  const { violations } = statement;
  const hidden = isFailing && violations === 0 ? HIDDEN : "";
  if (statement.kind === "exhaustive") return `${tell(statement.classes, violations, "")}${hidden}`;
  const [budget, ...others] = statement.bounds;
  // All that a budget of faults allows is all that can be said, and it is said what that was.
  if (budget?.startsWith("faults ≤") === true && others.length === 0) {
    return `${tell(statement.classes, violations, ` with ${budget}`)}${hidden}`;
  }
  const atLeast = `at least ${count(coverage.classes, "class", "classes")} exist`;
  // None of the first thousand says nothing of those that fail, one of which is told of beside this.
  return failing === 0 ? atLeast : `${atLeast}, and of ${count(runs, "schedule")} ${fail(failing)}`;
}

const HIDDEN = ": what decides is shared where the simulation does not see it, see `sim.shared`";

function tell(classes: number, failing: number, when: string): string {
  const exist = classes === 1 ? "1 class exists" : `${number(classes)} classes exist`;
  return `${exist}${when}, ${fail(failing)}`;
}

function fail(failing: number): string {
  return failing === 1 ? "1 fails" : `${number(failing)} fail`;
}

/** What an exploration by states has shown, in a sentence that is exactly true. */
import { circumstancesOf, count, number } from "./statement.js";

/** What the sentence is made of. */
export interface StateFindings {
  readonly states: number;
  readonly transitions: number;
  readonly runs: number;
  /** In so many states something is violated. */
  readonly violations: number;
  readonly profile: string;
  /** The most faults in one run. */
  readonly faults: number;
  /** How many different timers took part. */
  readonly timers: number;
  /** All that was left out. */
  readonly bounds: readonly string[];
}

export interface StateStatement extends StateFindings {
  readonly kind: "exhaustive" | "bounded";
  readonly text: string;
}

export function stateStates(findings: StateFindings): StateStatement {
  const { states, runs, bounds } = findings;
  const kind = bounds.length === 0 ? "exhaustive" : "bounded";
  const visited =
    kind === "exhaustive"
      ? `exhaustive: ${number(states)} of ${count(states, "distinct state")}`
      : `bounded(${bounds.join(", ")}): ${count(states, "distinct state")} in ${count(runs, "run")}`;
  return { ...findings, kind, text: `${visited} (${circumstancesOf(findings)})` };
}

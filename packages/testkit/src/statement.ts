/**
 * What an exploration has shown, in a sentence that is exactly true.
 *
 * It says "exhaustive" only when nothing was left out: no cap, no step limit, no budget that was used up.
 */

/** What the sentence is made of. */
export interface Findings {
  readonly runs: number;
  /** Classes of schedules that were explored, one run each. */
  readonly classes: number;
  /** How many schedules these stand for, if that was counted. */
  readonly orders?: number | undefined;
  readonly violations: number;
  readonly profile: string;
  /** The most faults in one run. */
  readonly faults: number;
  /** How many different timers took part. */
  readonly timers: number;
  /** All that was left out: `cap 2000`, `stopped at the first violation`, `delays ≤ 2`, …. */
  readonly bounds: readonly string[];
}

export interface Statement extends Findings {
  readonly kind: "exhaustive" | "bounded";
  readonly text: string;
}

/**
 * Puts findings into a sentence.
 *
 * @example
 * import { stateFindings } from "@coppice/testkit";
 * const found = { runs: 31, classes: 30, violations: 0, profile: "pairFifo", faults: 0, timers: 0 };
 * stateFindings({ ...found, bounds: [] }).text; // => "exhaustive: 30 of 30 inequivalent schedules (profile pairFifo, faults 0, timers 0, 0 violations)"
 * stateFindings({ ...found, bounds: ["cap 31"] }).text; // => "bounded(cap 31): 30 inequivalent schedules in 31 runs (profile pairFifo, faults 0, timers 0, 0 violations)"
 */
export function stateFindings(findings: Findings): Statement {
  const { runs, classes, orders, bounds } = findings;
  const kind = bounds.length === 0 ? "exhaustive" : "bounded";
  const counted = orders === undefined ? "" : `${number(orders)} orders, `;
  const circumstances = `(${counted}${circumstancesOf(findings)})`;
  const explored =
    kind === "exhaustive"
      ? `exhaustive: ${number(classes)} of ${count(classes, "inequivalent schedule")}`
      : `bounded(${bounds.join(", ")}): ${count(classes, "inequivalent schedule")} in ${count(runs, "run")}`;
  return { ...findings, kind, text: `${explored} ${circumstances}` };
}

/** `profile pairFifo, faults 0, timers 0, 0 violations` */
export function circumstancesOf({
  profile,
  faults,
  timers,
  violations,
}: Pick<Findings, "profile" | "faults" | "timers" | "violations">): string {
  return (
    `profile ${profile}, faults ${number(faults)}, timers ${number(timers)}, ` +
    count(violations, "violation")
  );
}

/** `1 run`, `2,000 runs`. */
export function count(many: number, one: string, more = `${one}s`): string {
  return `${number(many)} ${many === 1 ? one : more}`;
}

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

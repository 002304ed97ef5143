/** The report: what came of it all, as a table and a verdict. */
import Table from "cli-table3";
import { EXIT } from "./exit-code.js";
import type { Outcome, Progress } from "./ledger.js";
import { showPath, type RawPath } from "./raw-path.js";
import { bytesText, countText, crashTotal, kindsText, ofThings, secondsText } from "./text.js";

export interface Report {
  readonly outcome: Outcome;
  readonly restarts: number;
  readonly elapsedMs: number;
}

export function reportTable(report: Report): string {
  const { outcome, restarts, elapsedMs } = report;
  const { bytes, crashes, nodeStrikes, retriedFiles, retries, skipped } = outcome;
  const table = new Table({
    // No colours of its own: it looks the same wherever it goes.
    style: { head: [], border: [], compact: true },
  });
  const left = Object.entries(skipped).map(([kind, count]) => ofThings(count, kind));
  const { killed, paused } = nodeStrikes;
  const nodes = killed + paused === 0 ? [] : [["nodes", `${killed} killed, ${paused} paused`]];
  table.push(
    ["files", countText(outcome.files.length)],
    ["bytes", `${countText(bytes)} (${bytesText(bytes)})`],
    ["unreadable", unreadableText(outcome)],
    ["left alone", left.join(", ") || "nothing"],
    ["crashes", `${countText(crashTotal(crashes))}: ${kindsText(crashes)}`],
    ...nodes,
    ["restarts", countText(restarts)],
    ["retried files", `${countText(retriedFiles)} (${ofThings(retries, "time")})`],
    ["time", secondsText(elapsedMs)],
    ["verdict", verdict(outcome)],
  );
  return table.toString();
}

/** Is each file that was found in the result, once? Counted, not assumed. */
export function verdict({ files, unreadable, found, lost, twice }: Outcome): string {
  const sum = `${countText(files.length)} hashed, ${countText(unreadable)} unreadable`;
  const wrong = `${countText(lost)} lost, ${countText(twice)} twice`;
  const judgement = lost === 0 && twice === 0 ? "every file once" : "NOT every file once";
  return `${judgement}: ${countText(found)} found, ${sum}, ${wrong}`;
}

export function exitCodeOf({ lost, twice, failures }: Outcome): number {
  if (lost > 0 || twice > 0) return EXIT.failed;
  return failures.length > 0 ? EXIT.unreadable : EXIT.ok;
}

function unreadableText({ unreadable, unreadableDirectories }: Progress): string {
  if (unreadableDirectories === 0) return countText(unreadable);
  const directories = ofThings(unreadableDirectories, "directory", "directories");
  return `${countText(unreadable)}, and ${directories}`;
}

/** What could not be read, and why. */
export function failuresText({ failures }: Pick<Outcome, "failures">): string {
  const lines = failures.map(({ path, reason }) => `  ${showPath(path)}: ${reason}\n`);
  return `unreadable:\n${lines.join("")}`;
}

/** What was done when the run was stopped, and what was left. */
export function interruptedText(run: {
  readonly status: Progress;
  readonly left: readonly RawPath[];
}): string {
  const { hashed, unreadable, left, walked } = run.status;
  const more = left - run.left.length;
  return [
    `Stopped in order: ${ofThings(hashed, "file")} hashed, ${countText(unreadable)} unreadable, ${countText(left)} left${run.left.length > 0 ? ":" : "."}`,
    ...run.left.map((path) => `  ${showPath(path)}`),
    ...(more > 0 ? [`  and ${countText(more)} more`] : []),
    ...(walked ? [] : ["The walk had not ended: there may be more files than that."]),
    "",
  ].join("\n");
}

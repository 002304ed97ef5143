/** All that was measured of one entry, and what is to be thought of it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inMacrotask } from "@coppice/testkit";
import type { Request } from "./arguments.js";
import type { Entry } from "./entry.js";
import { falseAlarms, search, type Explained, type Found } from "./search.js";

export interface Verdict {
  readonly id: string;
  readonly title: string;
  readonly searches: number;
  /** Schedules of each search that found it, fewest first. */
  readonly schedules: readonly number[];
  readonly strategies: Readonly<Record<string, number>>;
  /** The largest explanation of all searches, and the published optimum. */
  readonly constraints: number | undefined;
  readonly optimum: number;
  /** The most runs that an explanation took. */
  readonly replays: number;
  readonly token: string | undefined;
  readonly replaysElsewhere: boolean;
  readonly alarms: number;
  readonly alarmSchedules: number;
  /** What is wrong; nothing, when it passes. */
  readonly complaints: readonly string[];
}

/** At most one constraint more than the optimum, and none where that is at most three. */
const SMALL = 3;
/** That an explanation may take. */
const MOST_REPLAYS = 100;

export async function judge(entry: Entry, request: Request): Promise<Verdict> {
  const found: Found[] = [];
  for (let seed = 1; seed <= request.seeds; seed++) {
    const result = await inMacrotask(() => search(entry, seed, request.budget));
    if (result !== undefined) found.push(result);
  }
  const alarms = await inMacrotask(() => falseAlarms(entry, request.alarms, 1));
  const explanations = found.flatMap(({ explanation }) => explanation ?? []);
  const widest = explanations.toSorted((a, b) => b.constraints - a.constraints)[0];
  const replaysElsewhere = widest !== undefined && (await replaysInFreshProcess(entry, widest));
  const { constraints: optimum } = entry.optimum;
  const strategies: Record<string, number> = {};
  for (const { strategy } of found) strategies[strategy] = (strategies[strategy] ?? 0) + 1;

  const complaints: string[] = [];
  if (found.length < request.seeds) {
    complaints.push(`found by ${found.length} of ${request.seeds} searches`);
  }
  if (explanations.length < found.length) complaints.push("not every failure could be explained");
  if (widest !== undefined && widest.constraints > optimum + (optimum > SMALL ? 1 : 0)) {
    complaints.push(`explained by ${widest.constraints} constraints where ${optimum} do`);
  }
  if (explanations.some(({ minimal }) => !minimal))
    complaints.push("an explanation is not minimal");
  const replays = Math.max(0, ...explanations.map((each) => each.replays));
  if (replays > MOST_REPLAYS) complaints.push(`explaining took ${replays} runs`);
  if (found.length > 0 && !replaysElsewhere) complaints.push("does not replay in another process");
  if (alarms > 0) complaints.push(`${alarms} false alarms`);
  return {
    id: entry.id,
    title: entry.title,
    searches: request.seeds,
    schedules: found.map(({ schedules }) => schedules).toSorted((a, b) => a - b),
    strategies,
    constraints: widest?.constraints,
    optimum,
    replays,
    token: widest?.token,
    replaysElsewhere,
    alarms,
    alarmSchedules: request.alarms,
    complaints,
  };
}

async function replaysInFreshProcess(entry: Entry, { token, hash }: Explained): Promise<boolean> {
  const script = fileURLToPath(new URL("replay.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, entry.id, token]);
  const replayed = JSON.parse(stdout) as { checks: readonly string[]; hash: string };
  return replayed.checks.length > 0 && replayed.hash === hash;
}

/** What an application tells of itself, as data and as text for its operator. */
import {
  formatReason,
  formatTerm,
  isCrash,
  type AnyPid,
  type ExitReason,
  type Report,
} from "@coppice/core";
import type { ApplicationEnd, GivenUp, Holder, StopCause, StopProblem } from "./application-end.js";
import { describeState } from "./explain-shutdown.js";
import type { SupervisorReported } from "./supervisor-message.js";
import { formatSupervisorReport } from "./supervisor-report-text.js";

/**
 * | type | when |
 * | --- | --- |
 * | `"started"` | its tree runs |
 * | `"startFailed"` | it does not: a child did not start, and those before it were stopped again |
 * | `"supervisorReport"` | a supervisor of its tree has something to tell |
 * | `"stopping"` | it begins to stop |
 * | `"slow"` | it still stops when half of its time is over; `lines` say what it waits for |
 * | `"stopped"` | it has, with all its processes |
 * | `"unhandledRejection"` | nobody handles a rejection; `pid` and `path` say whose, where that is known |
 * | `"forced"` | a second signal: the program ends at once, and `holders` had not ended |
 * | `"leftBehind"` | at the deadline, processes outside the tree had not ended, or all had, and something else kept the program running |
 */
export type ApplicationReport = { readonly application: string } & (
  | { readonly type: "started"; readonly supervisor: AnyPid }
  | { readonly type: "startFailed"; readonly reason: ExitReason }
  | {
      readonly type: "supervisorReport";
      readonly reported: SupervisorReported;
      /** The application is stopping. */
      readonly stopping: boolean;
    }
  | { readonly type: "stopping"; readonly cause: StopCause; readonly deadlineMs: number }
  | { readonly type: "slow"; readonly lines: readonly string[] }
  | { readonly type: "stopped"; readonly end: ApplicationEnd }
  | {
      readonly type: "unhandledRejection";
      readonly error: unknown;
      readonly pid: AnyPid | undefined;
      readonly path: string | undefined;
    }
  | { readonly type: "forced"; readonly signal: string; readonly holders: readonly Holder[] }
  | { readonly type: "leftBehind"; readonly processes: readonly string[] }
);

type SupervisorReportOf = Extract<ApplicationReport, { readonly type: "supervisorReport" }>;

/**
 * Text for what an operator has to know; `undefined` for all else: what goes well, but for the
 * beginning of the end.
 *
 * @example
 * import { formatApplicationReport } from "@coppice/supervisor";
 * const report = { type: "startFailed", application: "shop", reason: "no_disk" } as const;
 * formatApplicationReport(report); // => "shop did not start: no_disk"
 */
export function formatApplicationReport(report: ApplicationReport): string | undefined {
  const { application } = report;
  switch (report.type) {
    case "started":
      return undefined;
    case "startFailed":
      return describeStartFailure(application, report.reason);
    case "supervisorReport":
      return describeSupervisorReport(report);
    case "stopping":
      return describeStop(application, report.cause, report.deadlineMs);
    case "slow":
      return `half of the time to stop is over: ${cutOff(report.lines).join("; ")}`;
    case "stopped": {
      const lines = report.end.problems
        // Those of children were told as they happened.
        .filter(({ type }) => type !== "shutdownFailed")
        .map((problem) => describeProblem(application, problem));
      return lines.length === 0 ? undefined : cutOff(lines).join("\n");
    }
    case "unhandledRejection": {
      const { pid, path, error } = report;
      const who = pid === undefined ? "an unknown process" : `process ${nameOf(path, pid)}`;
      return `unhandled rejection in ${who}: ${describeError(error)}`;
    }
    case "forced": {
      const { signal, holders } = report;
      const unfinished = cutOff(holders.map(describeHolder)).map((line) => `; ${line}`);
      return `${signal} again: ${application} is ended at once${unfinished.join("")}`;
    }
    case "leftBehind": {
      const { processes } = report;
      return processes.length === 0
        ? `${application} has stopped, but something outside its processes kept the program running until the deadline: a timer, a socket, a file`
        : `killed at the deadline, outside the tree of ${application}: ${processes.join(", ")}`;
    }
    default:
      return report satisfies never;
  }
}

/** How bad it is what an application tells. */
export function levelOf(report: ApplicationReport): Report["level"] {
  switch (report.type) {
    case "started":
      return "info";
    case "stopping":
      return report.cause.type === "failed" ? "error" : "info";
    case "stopped":
      return formatApplicationReport(report) === undefined ? "info" : "error";
    case "slow":
      return "warning";
    case "supervisorReport":
      return formatApplicationReport(report) === undefined ? "info" : "warning";
    case "startFailed":
    case "unhandledRejection":
    case "forced":
    case "leftBehind":
      return "error";
    default:
      return report satisfies never;
  }
}

/** Names the child that did not start, however deep, and says why. */
function describeStartFailure(application: string, reason: ExitReason): string {
  const path = [application];
  let why = reason;
  for (;;) {
    const { type, id, reason: inner } = failedChild(why);
    if (type !== "failed_to_start_child") break;
    path.push(String(id));
    why = inner as ExitReason;
  }
  const child = path.length === 1 ? "" : ` its child ${path.join("/")} failed:`;
  const { alreadyStarted } = Object(why) as { readonly alreadyStarted?: unknown };
  const text =
    alreadyStarted === undefined
      ? describeReason(why)
      : `it runs already, as ${String(alreadyStarted)}`;
  return `${application} did not start:${child} ${text}`;
}

function failedChild(reason: ExitReason): Readonly<Record<string, unknown>> {
  const { shutdown } = Object(reason) as { readonly shutdown?: unknown };
  return Object(shutdown) as Readonly<Record<string, unknown>>;
}

function describeSupervisorReport({ reported, stopping }: SupervisorReportOf): string | undefined {
  const { path, report } = reported;
  switch (report.type) {
    case "childStarted":
      return undefined;
    case "shutdownFailed": {
      const { id, reason, pid } = report;
      // A child that says "normal" where "shutdown" is expected has done no harm.
      if (isHarmless(reason)) return undefined;
      if (reason !== "killed") return formatSupervisorReport(reported);
      return `child ${path}/${id} ${String(pid)} was killed: it had not ended in its time`;
    }
    case "intensityExceeded":
      return stopping ? undefined : formatSupervisorReport(reported);
    case "childTerminated":
    case "startFailed":
      return formatSupervisorReport(reported);
    default:
      return report satisfies never;
  }
}

/** Has a child that ended so while it was stopped ended in order? */
export function isHarmless(reason: ExitReason): boolean {
  return reason === "normal" || reason === "shutdown" || Object.hasOwn(Object(reason), "shutdown");
}

function describeStop(application: string, cause: StopCause, deadlineMs: number): string {
  const limit = deadlineMs === Infinity ? "" : `, within ${deadlineMs} ms`;
  switch (cause.type) {
    case "requested":
      return `${application} stops`;
    case "signal":
      return `${cause.signal}: ${application} stops${limit}; again to end it at once`;
    case "unhandledRejection":
      return `${application} stops${limit}, because of the unhandled rejection`;
    case "ended":
      return `${application} has ended by itself: ${describeReason(cause.reason)}`;
    case "failed":
      return `${application} has failed: ${describeFailure(cause.reason, cause.gaveUp)}`;
    default:
      return cause satisfies never;
  }
}

function describeFailure(reason: ExitReason, gaveUp: readonly GivenUp[]): string {
  if (gaveUp.length === 0) return describeReason(reason);
  return gaveUp
    .map(({ path, child, intensity, periodMs, reason: last }, index) => {
      // Of a supervisor that gave up it says no more than that.
      const why =
        index < gaveUp.length - 1 || last === undefined ? "" : `, last by ${formatReason(last)}`;
      return `${path} gave up, as its child ${child} failed more than ${times(intensity)} in ${periodMs} ms${why}`;
    })
    .join("; ");
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function describeProblem(application: string, problem: StopProblem): string {
  switch (problem.type) {
    case "stuck":
      return `killed at the deadline: ${describeHolder(problem)}`;
    case "shutdownFailed":
      return `${nameOf(problem.path, problem.pid)} did not stop in order: ${describeReason(problem.reason)}`;
    case "callbackFailed":
      return `${problem.callback} of ${application} failed: ${describeReason(problem.reason)}`;
    case "startFailed":
      return describeStartFailure(application, problem.reason);
    default:
      return problem satisfies never;
  }
}

export function describeHolder({ path, process }: Holder): string {
  if (process === undefined) return `${path} has not ended`;
  return `${nameOf(path, process.pid)} has not ended: ${describeState(process)}`;
}

/** So many processes are named. */
const NAMED = 10;

function cutOff(lines: readonly string[]): readonly string[] {
  const more = lines.length - NAMED;
  return more <= 1 ? lines : [...lines.slice(0, NAMED), `and ${more} more`];
}

/** A process by its place and its pid. */
export function nameOf(path: string | undefined, pid: AnyPid): string {
  return path === undefined || path === String(pid) ? String(pid) : `${path} ${String(pid)}`;
}

function describeReason(reason: ExitReason): string {
  return isCrash(reason) ? describeError(reason.error) : formatReason(reason);
}

/** With its stack. Getters of hostile errors may throw. */
function describeError(error: unknown): string {
  try {
    if (Object.prototype.toString.call(error) === "[object Error]" || error instanceof Error) {
      const { name, message, stack } = error as Error;
      const head = `${name}: ${message}`;
      if (typeof stack !== "string") return head;
      return stack.startsWith(name) ? stack : `${head}\n${stack}`;
    }
  } catch {
    // Whatever can be shown of it is shown below.
  }
  return formatTerm(error);
}

/** Supervisor reports in words, for a log. */
import { formatReason, isCrash, stackOf, type ExitReason, type Report } from "@coppice/core";
import type { SupervisorReported } from "./supervisor-message.js";
import type { Consequence, SupervisorReport } from "./supervisor-report.js";

/** How bad it is what a supervisor reports. */
export function levelOf(report: SupervisorReport): Report["level"] {
  switch (report.type) {
    case "childStarted":
      return "info";
    case "childTerminated":
      return isCrash(report.reason) || report.consequence.type === "giveUp" ? "error" : "warning";
    case "shutdownFailed":
      return "warning";
    case "startFailed":
    case "intensityExceeded":
      return "error";
    default:
      return report satisfies never;
  }
}

/**
 * A report as text: which child it is about, what happened, and what the supervisor does about it.
 *
 * @example
 * import { formatSupervisorReport } from "@coppice/supervisor";
 * import { createNode } from "@coppice/core";
 * const node = createNode({ name: "demo" });
 * const pid = node.spawn(() => undefined);
 * const report = { type: "childTerminated", id: "w1", pid, reason: "no_disk", consequence: { type: "restart" } } as const;
 * formatSupervisorReport({ type: "supervisorReport", supervisor: pid, path: "shop/workers", report });
 * // => "child shop/workers/w1 <demo.1> ended: no_disk; it is restarted"
 * await node.stop();
 */
export function formatSupervisorReport({ path, report }: SupervisorReported): string {
  const child = `${path}/${report.id}`;
  switch (report.type) {
    case "childStarted": {
      const { pid, restarts, incarnation } = report;
      const again = restarts === 0 && incarnation === 1 ? "" : ` (start ${incarnation})`;
      return `child ${child} started as ${String(pid)}${again}`;
    }
    case "childTerminated": {
      const { pid, reason, consequence } = report;
      return `child ${child} ${String(pid)} ended: ${withStack(reason, describeConsequence(consequence))}`;
    }
    case "startFailed": {
      const { reason, consequence } = report;
      return `child ${child} did not start: ${withStack(reason, describeConsequence(consequence))}`;
    }
    case "shutdownFailed": {
      const { pid, reason, count = 1 } = report;
      const who = count === 1 ? `child ${child} ${String(pid)} was` : `${count} ${child} were`;
      return `${who} stopped, but ended otherwise: ${withStack(reason, "")}`;
    }
    case "intensityExceeded": {
      const { intensity, periodMs } = report;
      const times = intensity === 1 ? "1 restart" : `${intensity} restarts`;
      return `supervisor ${path} gives up: child ${child} needed more than ${times} in ${periodMs} ms`;
    }
    default:
      return report satisfies never;
  }
}

function describeConsequence(consequence: Consequence): string {
  switch (consequence.type) {
    case "restart":
      return "; it is restarted";
    case "restartLater": {
      const { minMs, maxMs } = consequence;
      const bounds = [Math.round(minMs), Math.round(maxMs)];
      const delay = bounds[0] === bounds[1] ? `${bounds[0]}` : bounds.join(" to ");
      return `; it is restarted in ${delay} ms`;
    }
    case "giveUp":
      return "; its supervisor gives up";
    case "autoShutdown":
      return "; with it its supervisor shuts down";
    case "startFails":
      return "; its supervisor does not start";
    case "none":
      return "; it is not restarted";
    default:
      return consequence satisfies never;
  }
}

/** One line with the reason and what follows; below it the stack, if it was a crash. */
function withStack(reason: ExitReason, consequence: string): string {
  const line = `${formatReason(reason)}${consequence}`;
  if (!isCrash(reason)) return line;
  return `${line}\n  ${stackOf(reason.error).split("\n").join("\n  ")}`;
}

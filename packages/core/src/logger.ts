/** What is printed when nobody else would hear of it. */
import { formatCrashReport, stackOf } from "./crash-report.js";
import type { NodeEvent } from "./event.js";
import { errorText } from "./error-text.js";
import { formatTerm } from "./exit-reason.js";
import { hostPrint } from "./host.js";

/** The default logger: failures that no monitor, link or caller was told of, one entry each. */
export function logToConsole(event: NodeEvent): void {
  const text = formatFailure(event);
  if (text !== undefined) hostPrint(`[coppice] ${text}`);
}

/** Who may send to a process decides how many messages it gets: it shall not decide how much is printed. */
const UNDELIVERED_PER_SECOND = 10;

/** What is printed of messages that are undelivered, and what of how many more there were. */
const PRINTED: ReadonlyMap<string, string> = new Map([
  ["unhandled", "that processes had no use for"],
  ["unsendable", "that could not be sent"],
]);

/**
 * The same, for one node: of messages that processes have no use for it prints ten a second, and how many
 * more there were; likewise of those that could not be sent.
 *
 * @param now the time of the node, in ms
 */
export function consoleLogger(
  now: () => number,
  print: (line: string) => void = hostPrint,
): (event: NodeEvent) => void {
  const printed = new Map<string, { sinceMs: number; count: number }>();
  return (event) => {
    const what = event.type === "undelivered" ? PRINTED.get(event.why) : undefined;
    if (event.type === "undelivered" && what !== undefined) {
      const nowMs = now();
      const before = printed.get(event.why) ?? { sinceMs: -Infinity, count: 0 };
      const isOver = nowMs - before.sinceMs >= 1000;
      const left = before.count - UNDELIVERED_PER_SECOND;
      if (isOver && left > 0) print(`[coppice] ${left} more messages ${what}`);
      const { sinceMs, count } = isOver ? { sinceMs: nowMs, count: 0 } : before;
      printed.set(event.why, { sinceMs, count: count + 1 });
      if (count >= UNDELIVERED_PER_SECOND) return;
    }
    const text = formatFailure(event);
    if (text !== undefined) print(`[coppice] ${text}`);
  };
}

/**
 * Text for events that are failures, and for reports of them; `undefined` for all others, and for crashes
 * that were watched: who watched tells what is to be told.
 */
export function formatFailure(event: NodeEvent): string | undefined {
  switch (event.type) {
    case "crashed":
      return event.watched ? undefined : formatCrashReport(event.report);
    case "report":
      return event.report.level === "info" ? undefined : event.report.format();
    case "zombie": {
      const who = event.label === undefined ? "" : ` (${event.label})`;
      return `process ${String(event.pid)}${who} did not unwind within ${event.unwindMs} ms of its exit signal and was declared dead; its code still waits for something`;
    }
    case "fenced":
      return event.count === 1
        ? `process ${String(event.pid)} is dead, but its code attempted ${event.operation}; that had no effect`
        : undefined;
    case "blocked": {
      // Code that no process of this node is known to have run is not ours to blame.
      const { blockedMs, cpuMs, pid, suspects } = event;
      if (suspects.length === 0) return undefined;
      const who =
        pid !== undefined
          ? `process ${String(pid)}`
          : `one of the processes ${suspects.map(String).join(", ")}`;
      const ms = `${Math.round(blockedMs)} ms`;
      if (cpuMs === undefined) {
        return `${who} held the event loop for ${ms}, unless the whole program was stopped`;
      }
      return cpuMs >= blockedMs / 2
        ? `${who} held the event loop for ${ms}`
        : `the event loop stood still for ${ms}, of which the program computed for ${Math.round(cpuMs)} ms: the whole program was stopped or starved, or ${who} waited for something synchronously`;
    }
    case "disposerFailed":
      return `a resource of process ${String(event.pid)} could not be disposed: ${stackOf(event.error)}`;
    case "unwindFailed":
      return `process ${String(event.pid)} failed while it unwound: ${stackOf(event.error)}`;
    case "subscriberFailed":
      return `a subscriber of the node's events failed: ${stackOf(event.error)}`;
    case "undelivered":
      // What comes too late for the dead is everyday; what a live process does not know is a mistake.
      switch (event.why) {
        case "unhandled":
          return `process ${String(event.to)} has no use for a message it got: ${formatTerm(event.message, 200)}`;
        case "unsendable":
          return `a message from ${String(event.from)} to ${String(event.to)} could not be sent: ${errorText(event.error)}; it was ${formatTerm(event.message, 200)}`;
        default:
          return undefined;
      }
    case "highWater":
      return `the mailbox of process ${String(event.pid)} holds ${event.size} messages`;
    default:
      return undefined;
  }
}

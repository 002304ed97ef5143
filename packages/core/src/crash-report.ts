/**
 * Crash reports: who ended by an error, why, and what it was doing.
 *
 * OTP: https://www.erlang.org/doc/man/proc_lib.html (crash reports)
 */
import { formatTerm, isErrorLike, saidBy, type CrashReason } from "./exit-reason.js";
import { ancestorsOf, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import { pathOf } from "./process-path.js";

export interface CrashReport {
  readonly pid: AnyPid;
  /** Its registered name, if it had one. */
  readonly name: string | undefined;
  readonly label: string | undefined;
  /** Its label and those of its ancestors, from the topmost down, e.g. `shop/workers/w1`. */
  readonly path: string;
  /** What it ran: the name of the function or the handler. */
  readonly initialCall: string;
  /** Who spawned it, who spawned that, …; nearest first. */
  readonly ancestors: readonly AnyPid[];
  readonly reason: CrashReason;
  readonly stack: string;
  /** What it was doing, e.g. `handling message "increment"`. */
  readonly during: string;
  /** How many messages were left in the mailbox. */
  readonly mailboxSize: number;
  /** The type of the message it worked on, if any. */
  readonly lastMessageType: string | undefined;
  readonly links: readonly AnyPid[];
  /** A monitor, or a linked process that traps exits, is told of this end. */
  readonly watched: boolean;
}

export function crashReport(process: Process, reason: CrashReason, during: string): CrashReport {
  return {
    pid: process.pid,
    name: process.registeredName,
    label: process.extra?.label,
    path: pathOf(process.pid),
    initialCall: process.initialCall,
    ancestors: ancestorsOf(process.pid),
    reason,
    stack: stackOf(reason.error),
    during,
    mailboxSize: process.mailbox?.size ?? 0,
    lastMessageType: process.working === undefined ? undefined : messageType(process.working),
    links: process.links?.linked() ?? [],
    watched: process.isWatched(),
  };
}

/** `"ping"` for `{ type: "ping" }`; else something short that says what it was. */
export function messageType(message: unknown): string {
  try {
    if (typeof message === "object" && message !== null) {
      const { type, request } = message as { type?: unknown; request?: unknown };
      if (type === "call") return `call ${formatTerm(request, 60)}`;
      if (typeof type === "string") return type;
      if (Array.isArray(message)) return formatTerm(message[0], 60);
    }
  } catch {
    // A getter that throws, or a revoked proxy.
  }
  return formatTerm(message, 60);
}

/** The report as text, for a log. */
export function formatCrashReport(report: CrashReport): string {
  const { pid, name, label, path, ancestors, links } = report;
  // A path of one step says no more than label, name or pid.
  const called = path.includes("/") ? path : label;
  const who = [String(pid), name && `"${name}"`, called && `(${called})`].filter(Boolean).join(" ");
  return [
    `process ${who} crashed while ${report.during}`,
    `  ${report.stack.split("\n").join("\n  ")}`,
    `  initial call: ${report.initialCall}; ancestors: ${ancestors.map(String).join(", ") || "none"}`,
    `  mailbox: ${report.mailboxSize} messages; links: ${links.map(String).join(", ") || "none"}`,
  ].join("\n");
}

/** How many causes of an error are shown; a chain of them may be a ring. */
const MAX_CAUSES = 8;

/** The stack of an error and of its causes. Getters of hostile errors may throw; what they hide is left out. */
export function stackOf(error: unknown): string {
  const stacks: string[] = [];
  let at = error;
  while (isErrorLike(at) && stacks.length <= MAX_CAUSES) {
    stacks.push(ownStackOf(at));
    at = causeOf(at);
  }
  return stacks.length === 0 ? formatTerm(error) : stacks.join("\ncaused by ");
}

function ownStackOf(error: Error): string {
  const head = saidBy(error, true);
  let stack: unknown;
  try {
    ({ stack } = error);
  } catch {
    stack = undefined;
  }
  if (typeof stack !== "string") return head;
  // V8 writes the head when the error is made; the message may have changed, or the name be a subclass's.
  return stack.startsWith(head.split(":", 1)[0] as string) ? stack : `${head}\n${stack}`;
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}

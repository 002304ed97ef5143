/** What happens to a message, or to a signal that became one, when it reaches its process. */
import { crash } from "./death.js";
import { MailboxOverflowError } from "./errors.js";
import { Mailbox, type Origin } from "./mailbox.js";
import type { Process } from "./process.js";

/** A user's translation of `Down` or `Exit` into the process's own messages. */
export type SignalMap = (signal: never) => unknown;

/**
 * The message arrives: a process that waits for it goes on with it, else it is queued.
 *
 * Bounds hold for messages; signals (`Down`, `Exit`) are never dropped.
 */
export function deliver(
  process: Process,
  message: unknown,
  origin: Origin,
  kind: "message" | "signal",
): void {
  if (process.life !== "alive") {
    process.node.undelivered(process.pid, message, origin, "dead");
    return;
  }
  const wake = process.wake;
  if (wake !== undefined && (process.guard === undefined || accepts(process, message))) {
    process.wake = undefined;
    if (process.waitLimit !== undefined) process.endWait();
    process.node.turn.resume(wake, message);
    return;
  }
  const mailbox = (process.mailbox ??= new Mailbox());
  if (
    mailbox.size >= process.mailboxMark &&
    !admitCrowded(process, mailbox, message, origin, kind)
  ) {
    return;
  }
  mailbox.push(message, origin);
  if (process.handler !== undefined) process.node.turn.ready(process);
}

/** Does the pending receive take it? An error of the guard is the receiver's: its receive rejects with it. */
function accepts(process: Process, message: unknown): boolean {
  try {
    return (process.guard as (message: unknown) => boolean)(message);
  } catch (error) {
    process.wakeWithError(error);
    return false;
  }
}

/** The mailbox has reached its limit or a high-water mark. Tells whether the message is to be queued. */
function admitCrowded(
  process: Process,
  mailbox: Mailbox,
  message: unknown,
  origin: Origin,
  kind: "message" | "signal",
): boolean {
  const { node, pid } = process;
  const { limit = Infinity, overflow = "drop-newest" } = process.extra?.mailbox ?? {};
  if (mailbox.size >= limit && kind === "message") {
    switch (overflow) {
      case "drop-newest":
        node.undelivered(pid, message, origin, "overflow");
        return false;
      case "drop-oldest": {
        const [oldest, from] = mailbox.oldest();
        mailbox.shift();
        node.undelivered(pid, oldest, from, "overflow");
        return true;
      }
      case "exit":
        node.undelivered(pid, message, origin, "overflow");
        crash(process, new MailboxOverflowError(pid, limit), "taking in a message");
        return false;
      default:
        overflow satisfies never;
    }
  }
  if (mailbox.size >= process.highWater) {
    node.emit(() => ({ type: "highWater", pid, size: mailbox.size }));
    process.raiseHighWater();
  }
  return true;
}

/** Translates a signal; an error of the translation crashes the process it is for. */
export function mapOrCrash(
  process: Process,
  map: SignalMap | undefined,
  signal: { readonly type: "down" | "exit" },
): { value: unknown } | undefined {
  if (map === undefined) return { value: signal };
  try {
    return { value: map(signal as never) };
  } catch (error) {
    crash(process, error, `mapping ${signal.type === "down" ? "a Down" : "an Exit"} to a message`);
    return undefined;
  }
}

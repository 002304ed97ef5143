/** What happens to a message, or to a signal that became one, when it reaches its process. */
import { crash } from "./death.js";
import type { Erased } from "./erased.js";
import { MailboxOverflowError } from "./errors.js";
import { Mailbox, type Origin } from "./mailbox.js";
import { refuseThenable } from "./post.js";
import type { Process } from "./process.js";

/** A user's translation of `Down` or `Exit` into the process's own messages. */
export type SignalMap = (signal: Erased) => unknown;

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
  // One that stands in the run queue has a message before this one to take.
  if (
    wake !== undefined &&
    !process.queued &&
    (process.guard === undefined || accepts(process, wake, message))
  ) {
    if (process.node.turn.mayGoOn()) {
      process.wake = undefined;
      if (process.waitLimit !== undefined) process.endWait();
      process.noteWaiting();
      process.node.turn.ran(process);
      const { offers } = process.node;
      if (offers !== undefined) offers.took(process.pid, message, process.guard, process.polling);
      wake(message);
      return;
    }
    // The event loop has to turn first. Until then the message waits in the mailbox, even a full one:
    // it has a taker.
    (process.mailbox ??= new Mailbox()).push(message, origin);
    process.node.turn.ready(process);
    return;
  }
  const mailbox = (process.mailbox ??= new Mailbox());
  if (mailbox.size < process.mailboxMark) mailbox.push(message, origin);
  else if (!pushCrowded(process, mailbox, message, origin, kind)) return;
  if (process.handler === undefined || !process.started || process.busy) return;
  if (process.selects === undefined || selects(process, message)) process.node.turn.ready(process);
}

/** Does the handler take it at present? An error of its guard is found when the guard is asked again. */
function selects(process: Process, message: unknown): boolean {
  try {
    return (process.selects as (message: unknown) => boolean)(message);
  } catch {
    return true;
  }
}

/** Does the pending receive take it? An error of the guard is the receiver's: its receive rejects with it. */
function accepts(process: Process, wake: Process["wake"], message: unknown): boolean {
  process.node.turn.ran(process);
  try {
    const accepted = (process.guard as (message: unknown) => boolean)(message);
    // A guard that sends to its own process has ended the receive it guards.
    return accepted && process.wake === wake;
  } catch (error) {
    process.wakeWithError(error);
    return false;
  }
}

/** Queues the message although the mailbox is near a mark or full, if it can be. Tells whether it was. */
function pushCrowded(
  process: Process,
  mailbox: Mailbox,
  message: unknown,
  origin: Origin,
  kind: "message" | "signal",
): boolean {
  const limit = process.extra?.mailbox?.limit ?? Infinity;
  if (kind === "message" && mailbox.size >= limit && !makeRoom(process, mailbox, limit)) {
    process.node.undelivered(process.pid, message, origin, "overflow");
    return false;
  }
  mailbox.push(message, origin);
  if (mailbox.size >= process.highWater) {
    process.node.tell({ type: "highWater", pid: process.pid, size: mailbox.size });
    process.raiseHighWater();
  }
  return true;
}

/** Does what the process chose for a full mailbox. Tells whether there is room now. */
function makeRoom(process: Process, mailbox: Mailbox, limit: number): boolean {
  const overflow = process.extra?.mailbox?.overflow ?? "drop-newest";
  switch (overflow) {
    case "drop-newest":
      return false;
    case "drop-oldest": {
      const dropped = mailbox.dropOldest();
      if (dropped === undefined) return false;
      process.node.undelivered(process.pid, dropped[0], dropped[1], "overflow");
      return true;
    }
    case "exit":
      crash(process, new MailboxOverflowError(process.pid, limit), "taking in a message");
      return false;
    default:
      return overflow satisfies never;
  }
}

/** Translates a signal; an error of the translation crashes the process it is for. */
export function mapOrCrash(
  process: Process,
  map: SignalMap | undefined,
  signal: { readonly type: "down" | "exit" },
): { value: unknown } | undefined {
  if (map === undefined) return { value: signal };
  process.node.turn.ran(process);
  try {
    const value = map(signal);
    if (typeof value === "object" && value !== null) refuseThenable(value);
    return { value };
  } catch (error) {
    crash(process, error, `mapping ${signal.type === "down" ? "a Down" : "an Exit"} to a message`);
    return undefined;
  }
}

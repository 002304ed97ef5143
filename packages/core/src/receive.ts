/**
 * Receiving: the code of a process takes the oldest message that it accepts, or waits for one.
 *
 * OTP: https://www.erlang.org/doc/system/expressions.html#receive
 */
import { checkReceive } from "./check.js";
import type { ErasedGuard } from "./erased.js";
import { ReceiveError } from "./errors.js";
import { NOTHING } from "./mailbox.js";
import type { Process } from "./process.js";
import { TIMEOUT, type ReceiveOptions } from "./self.js";
import { settleOwn } from "./signal.js";
import { Deadline } from "./timer-queue.js";
import { endedWait } from "./wait.js";

/** The next message of a process that is alive, or `TIMEOUT`. */
export function receive(
  process: Process,
  guardOrOptions: ErasedGuard | { readonly timeoutMs?: number | undefined } | undefined,
  maybeOptions: ReceiveOptions | undefined,
): Promise<unknown> {
  if (process.handler !== undefined && !process.busy) {
    const why = "a handler is called with each message, and receives only within an async step";
    throw new ReceiveError(process.pid, why);
  }
  if (process.wake !== undefined) {
    throw new ReceiveError(process.pid, "it is waiting in another receive already");
  }
  let guard: ErasedGuard | undefined;
  let timeoutMs: number | undefined;
  if (guardOrOptions !== undefined || maybeOptions !== undefined) {
    ({ guard, timeoutMs } = checkReceive(guardOrOptions, maybeOptions));
  }
  const { node } = process;
  const { turn } = node;
  turn.ran(process);
  process.noteWaiting();
  process.awaiting = undefined;
  const { offers } = node;
  // Whether all has arrived that was sent to it, so that a look finds what there is to be found.
  let hasAll = false;
  if (timeoutMs === 0) {
    settleOwn(process);
    if (offers !== undefined) hasAll = offers.looks(process.pid);
    // Its end may have been among what was sent to it.
    if (process.life !== "alive") return endedWait(process, "receive");
  }
  const { mailbox } = process;
  const hasMail = mailbox !== undefined && mailbox.size > 0;
  const heldUp = (hasMail || timeoutMs === 0) && !turn.mayGoOn();
  if (hasMail && !heldUp) {
    let message: unknown;
    try {
      message = guard === undefined ? mailbox.shift() : mailbox.take(guard, NOTHING);
    } catch (error) {
      return Promise.reject(error);
    }
    if (message !== NOTHING) {
      turn.took();
      if (offers !== undefined) offers.took(process.pid, message, guard, timeoutMs === 0);
      return (process.receiving = Promise.resolve(message));
    }
  }
  if (timeoutMs === 0 && !heldUp && (offers === undefined || hasAll)) {
    if (offers !== undefined) offers.took(process.pid, TIMEOUT, guard, true);
    return (process.receiving = Promise.resolve(TIMEOUT));
  }
  process.polling = timeoutMs === 0;
  process.guard = guard;
  if (timeoutMs === 0 && offers !== undefined) {
    // From when it was woken until it looks others run: what they send may be there by then, or not.
    process.waitLimit = new PollLimit(process);
    offers.look(process, process.waitLimit);
  }
  if (timeoutMs !== undefined && timeoutMs > 0 && timeoutMs < Infinity) {
    process.waitLimit = new ReceiveLimit(process);
    node.timers.arm(process.waitLimit, timeoutMs, process);
  }
  const receiving = new Promise((resolve) => {
    process.wake = resolve;
  });
  // Only now that it waits: within a step of a handler nothing else is ready.
  if (heldUp) turn.ready(process);
  return (process.receiving = receiving);
}

/** A body's receive, held up by the event loop, takes what is there now. */
export function lookAgain(process: Process): void {
  const { wake, guard, mailbox, polling } = process;
  if (wake === undefined) return;
  let message: unknown = NOTHING;
  try {
    if (mailbox !== undefined && mailbox.size > 0) {
      message = guard === undefined ? mailbox.shift() : mailbox.take(guard, NOTHING);
    }
  } catch (error) {
    process.wakeWithError(error);
    return;
  }
  if (message === NOTHING) {
    if (!polling) return;
    message = TIMEOUT;
  }
  process.wake = undefined;
  process.endWait();
  process.noteWaiting();
  wake(message);
}

/** Where a scheduler decides: a receive that only looks has found nothing. */
class PollLimit extends Deadline {
  readonly #process: Process;

  constructor(process: Process) {
    super();
    this.#process = process;
  }

  override fire(): void {
    const { node, pid, guard, wake } = this.#process;
    this.#process.waitLimit = undefined;
    if (wake === undefined) return;
    this.#process.wake = undefined;
    this.#process.noteWaiting();
    node.offers?.took(pid, TIMEOUT, guard, true);
    node.turn.resume(this.#process, wake, TIMEOUT);
  }
}

/** The timeout of a receive. */
class ReceiveLimit extends Deadline {
  readonly #process: Process;

  constructor(process: Process) {
    super();
    this.#process = process;
  }

  override fire(): void {
    const process = this.#process;
    process.waitLimit = undefined;
    // A message that is held up by the event loop came in time.
    if (process.queued) lookAgain(process);
    const { wake } = process;
    if (wake === undefined) return;
    process.wake = undefined;
    process.noteWaiting();
    process.node.turn.resume(process, wake, TIMEOUT);
  }
}

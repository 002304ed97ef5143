/** Running processes: starting a body, and calling a handler with its messages. */
import { messageType } from "./crash-report.js";
import { bodyThrew, settled } from "./death.js";
import type { Process } from "./process.js";
import { TIMEOUT } from "./self.js";
import type { Turn } from "./turn.js";

/** A process that was ready goes on. */
export function runProcess(process: Process, turn: Turn): void {
  if (!process.started) startProcess(process, turn);
  else if (process.handler !== undefined) runHandler(process, turn);
  else lookAgain(process);
}

/** A body's receive, held up by the event loop, takes what is there now. */
export function lookAgain(process: Process): void {
  const { wake, guard, mailbox, polling } = process;
  if (wake === undefined) return;
  let message: unknown = TIMEOUT;
  try {
    if (mailbox !== undefined && mailbox.size > 0) {
      message = guard === undefined ? mailbox.shift() : mailbox.take(guard as never, TIMEOUT);
    }
  } catch (error) {
    process.wakeWithError(error);
    return;
  }
  if (message === TIMEOUT && !polling) return;
  process.wake = undefined;
  process.endWait();
  wake(message);
}

/** How many messages a handler may take before others get their turn. */
const QUANTUM = 64;

export function startProcess(process: Process, turn: Turn): void {
  process.started = true;
  turn.ran(process);
  const args = process.args as never[];
  process.args = undefined;
  const { handler } = process;
  process.busy = handler !== undefined;
  process.unsettled = handler === undefined;
  let result: unknown;
  try {
    result =
      handler === undefined
        ? process.body(process as never, ...args)
        : handler.init(process as never, ...args);
  } catch (error) {
    bodyThrew(process, error, "starting");
    return;
  }
  if (handler !== undefined) {
    stepDone(process, turn, result, "starting");
  } else if (isThenable(result)) {
    result.then(
      () => settled(process),
      (error: unknown) => rejected(process, error),
    );
  } else settled(process);
}

/** The body has thrown. Which message it worked on is known to the promise of its last receive. */
function rejected(process: Process, error: unknown): void {
  const { receiving } = process;
  if (process.life !== "alive" || receiving === undefined || process.wake !== undefined) {
    bodyThrew(process, error, "running");
    return;
  }
  const threw = (): void => bodyThrew(process, error, doing(process));
  void receiving.then((message) => {
    if (message !== TIMEOUT) process.working = message;
    threw();
  }, threw);
}

/** Calls the handler with the messages that have arrived. */
function runHandler(process: Process, turn: Turn): void {
  const { handler } = process;
  if (handler === undefined) return;
  for (let taken = 0; ; taken++) {
    const { mailbox } = process;
    if (mailbox === undefined || mailbox.size === 0) return;
    if (taken === QUANTUM || (taken > 0 && !turn.mayGoOn())) {
      turn.ready(process);
      return;
    }
    const message = mailbox.shift();
    process.working = message;
    process.busy = true;
    process.awaiting = undefined;
    turn.ran(process);
    let next: unknown;
    try {
      next = handler.message(process.state as never, message as never, process as never);
    } catch (error) {
      bodyThrew(process, error, doing(process));
      return;
    }
    if (typeof next === "object" && next !== null && isThenable(next)) {
      stepDone(process, turn, next, undefined);
      return;
    }
    process.state = next;
    process.busy = false;
    if (process.life !== "alive") {
      settled(process);
      return;
    }
    process.working = undefined;
  }
}

/** The handler has returned the next state, or a promise of it. */
function stepDone(process: Process, turn: Turn, next: unknown, during: string | undefined): void {
  if (isThenable(next)) {
    next.then(
      (state) => stepDone(process, turn, state, during),
      (error: unknown) => bodyThrew(process, error, during ?? doing(process)),
    );
    return;
  }
  turn.ran(process);
  process.state = next;
  process.busy = false;
  process.working = undefined;
  if (process.life !== "alive") settled(process);
  else if (process.mailbox !== undefined && process.mailbox.size > 0) turn.ready(process);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function doing(process: Process): string {
  return process.working === undefined
    ? "running"
    : `handling message ${messageType(process.working)}`;
}

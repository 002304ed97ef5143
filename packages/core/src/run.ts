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
  } else {
    whenSettled(
      result,
      () => settled(process),
      (error) => rejected(process, error),
    );
  }
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
    let isPromise: boolean;
    try {
      next = handler.message(process.state as never, message as never, process as never);
      isPromise = typeof next === "object" && next !== null && !isPlainState(next);
    } catch (error) {
      bodyThrew(process, error, doing(process));
      return;
    }
    if (isPromise) {
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
  whenSettled(
    next,
    (state) => {
      turn.ran(process);
      process.state = state;
      process.busy = false;
      process.working = undefined;
      if (process.life !== "alive") settled(process);
      else if (process.mailbox !== undefined && process.mailbox.size > 0) turn.ready(process);
    },
    (error) => bodyThrew(process, error, during ?? doing(process)),
  );
}

/** Calls back at once with what is no promise, else when it has settled. A `then` that throws rejects. */
function whenSettled(
  value: unknown,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  let isPromise: boolean;
  try {
    isPromise = typeof value === "object" && value !== null && !isPlainState(value);
  } catch (error) {
    rejected(error);
    return;
  }
  if (!isPromise) fulfilled(value);
  else if (value instanceof Promise) void value.then(fulfilled, rejected);
  else void Promise.resolve(value).then(fulfilled, rejected);
}

/** An object that is no promise. */
function isPlainState(value: object): boolean {
  return typeof (value as { then?: unknown }).then !== "function";
}

function doing(process: Process): string {
  return process.working === undefined
    ? "running"
    : `handling message ${messageType(process.working)}`;
}

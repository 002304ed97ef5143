/** Running processes: starting a body, and calling a handler with its messages. */
import type { HandlerSelf } from "./body.js";
import { messageType } from "./crash-report.js";
import { bodyThrew, leave, reasonOf, settled } from "./death.js";
import type { Erased } from "./erased.js";
import { ExitSignal, ReceiveError } from "./errors.js";
import { NOTHING } from "./mailbox.js";
import type { Process } from "./process.js";
import { lookAgain } from "./receive.js";
import { TIMEOUT } from "./self.js";
import { settleOwn } from "./signal.js";
import { isThenable } from "./thenable.js";
import { Deadline } from "./timer-queue.js";
import type { Turn } from "./turn.js";

/** A process that was ready goes on. */
export function runProcess(process: Process, turn: Turn): void {
  if (!process.started) startProcess(process, turn);
  else if (process.handler !== undefined && !process.busy) runHandler(process, turn);
  else lookAgain(process);
}

/** How many messages a handler may take before others get their turn. */
const QUANTUM = 64;

function startProcess(process: Process, turn: Turn): void {
  process.started = true;
  turn.ran(process);
  const args = process.args as readonly unknown[];
  process.args = undefined;
  const { handler } = process;
  process.busy = handler !== undefined;
  process.unsettled = handler === undefined;
  let result: unknown;
  let isPending = false;
  try {
    if (handler === undefined) result = process.body(selfOf(process), ...args);
    else {
      result = handler.init(selfOf(process), ...args);
      isPending = isThenable(result);
    }
  } catch (error) {
    stepThrew(process, error, "starting");
    return;
  }
  if (handler === undefined) {
    whenSettled(
      result,
      () => settled(process),
      (error) => rejected(process, error),
    );
  } else if (isPending) whenStepSettled(process, turn, result, "starting");
  else stepDone(process, turn, result);
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
  if (handler === undefined || process.busy) return;
  for (let taken = 0; ; taken++) {
    if (process.idle === "now") settleOwn(process);
    const { mailbox } = process;
    const hasMail = mailbox !== undefined && mailbox.size > 0;
    if (!hasMail && !isIdle(process)) return;
    if (taken === QUANTUM || (taken > 0 && !turn.mayGoOn())) {
      turn.ready(process);
      return;
    }
    let next: unknown;
    let isPending: boolean;
    try {
      const { selects } = process;
      const message = !hasMail
        ? NOTHING
        : selects === undefined
          ? mailbox.shift()
          : mailbox.take(selects, NOTHING);
      if (process.idle !== undefined) {
        if (message === NOTHING) {
          if (!isIdle(process)) return;
          if (process.idle === "now" && looksLater(process)) continue;
        }
        endIdle(process);
      } else if (message === NOTHING) return;
      process.busy = true;
      process.awaiting = undefined;
      turn.ran(process);
      if (message === NOTHING) {
        process.working = undefined;
        next = handler.idle?.(process.state, selfOf(process));
      } else {
        process.working = message;
        next = handler.message(process.state, message, selfOf(process));
      }
      isPending = isThenable(next);
    } catch (error) {
      stepThrew(process, error, doing(process));
      return;
    }
    if (isPending) {
      whenStepSettled(process, turn, next, undefined);
      return;
    }
    process.state = next;
    if (process.leaving !== "no" || process.wake !== undefined) {
      stepEndsOddly(process);
      return;
    }
    process.busy = false;
    if (process.life !== "alive") {
      settled(process);
      return;
    }
    process.working = undefined;
  }
}

/** It is to be called when there is no message, and the time for that has come. */
function isIdle({ idle }: Process): boolean {
  return idle === "now" || idle === "due";
}

/**
 * Where a scheduler decides, a handler that is idle at once looks for messages in a happening of its own, as a receive
 * does that does not wait. Where all that was sent is there by now, it looks again. `false` where nobody decides.
 */
function looksLater(process: Process): boolean {
  const { offers } = process.node;
  if (offers === undefined) return false;
  if (offers.looks(process.pid)) {
    process.idle = "due";
    return true;
  }
  const limit = new IdleLimit(process);
  process.idle = limit;
  offers.look(process, limit);
  return true;
}

/** What `idleAfter` asked for is over: a message was taken, its time has come, or it was asked anew. */
export function endIdle(process: Process): void {
  if (process.idle instanceof Deadline) process.node.timers.disarm(process.idle);
  process.idle = undefined;
}

/** The time that `idleAfter` gave is over. */
export class IdleLimit extends Deadline {
  readonly #process: Process;

  constructor(process: Process) {
    super();
    this.#process = process;
  }

  override fire(): void {
    this.#process.idle = "due";
    this.#process.node.turn.ready(this.#process);
  }
}

/** The handler has returned a promise of the next state. */
function whenStepSettled(
  process: Process,
  turn: Turn,
  next: unknown,
  during: string | undefined,
): void {
  whenSettled(
    next,
    (state) => stepDone(process, turn, state),
    (error) => stepThrew(process, error, during ?? doing(process)),
  );
}

/** The handler has the next state. */
function stepDone(process: Process, turn: Turn, state: unknown): void {
  turn.ran(process);
  process.state = state;
  if (process.leaving !== "no" || process.wake !== undefined) {
    stepEndsOddly(process);
    return;
  }
  process.busy = false;
  process.noteWaiting();
  process.working = undefined;
  if (process.life !== "alive") settled(process);
  else if (hasWork(process)) turn.ready(process);
}

function hasWork(process: Process): boolean {
  return isIdle(process) || (process.mailbox !== undefined && process.mailbox.size > 0);
}

/** The step is over, although it called `exit`, or waits in a `receive`. */
function stepEndsOddly(process: Process): void {
  if (process.leaving === "asked" || process.wake === undefined) {
    const { reason } = process.extra?.leavingFor ?? { reason: "normal" };
    stepThrew(process, new ExitSignal(process.pid, reason), doing(process));
    return;
  }
  const why = "the step that it belongs to is over; the handler has to return a promise";
  const error = new ReceiveError(process.pid, why);
  process.wakeWithError(error);
  process.receiving?.catch(() => undefined);
  stepThrew(process, error, doing(process));
}

function isExitOf(process: Process, thrown: unknown): boolean {
  return thrown instanceof ExitSignal && thrown.pid === process.pid;
}

/** A step has failed: a handler that wants to know of it is told first. */
function stepThrew(process: Process, thrown: unknown, during: string): void {
  const { handler } = process;
  if (handler?.failed === undefined || process.life !== "alive" || process.leaving === "told") {
    bodyThrew(process, thrown, during);
    return;
  }
  process.leaving = "told";
  process.busy = true;
  const reason = reasonOf(process, thrown);
  if (process.extra !== undefined) process.extra.leavingFor = undefined;
  const end = (): void => {
    const leavingFor = process.extra?.leavingFor;
    if (process.life !== "alive") settled(process);
    else if (leavingFor !== undefined) leave(process, leavingFor.reason);
    else if (isExitOf(process, thrown)) leave(process, reason);
    else bodyThrew(process, thrown, during);
  };
  const failed = (error: unknown): void => {
    if (isExitOf(process, error)) end();
    else bodyThrew(process, error, "terminating");
  };
  let told: unknown;
  try {
    told = handler.failed(process.state, reason, selfOf(process));
  } catch (error) {
    failed(error);
    return;
  }
  whenSettled(told, end, failed);
}

/** Calls back at once with what is no promise, else when it has settled. A `then` that throws rejects. */
function whenSettled(
  value: unknown,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  let isPending: boolean;
  try {
    isPending = isThenable(value);
  } catch (error) {
    rejected(error);
    return;
  }
  if (!isPending) fulfilled(value);
  else if (value instanceof Promise) void value.then(fulfilled, rejected);
  else void Promise.resolve(value).then(fulfilled, rejected);
}

/** As its own code sees it: every process is made as a `ProcessSelf`, whose node that code sees as a `Node`. */
function selfOf(process: Process): HandlerSelf<Erased> {
  return process as Process & HandlerSelf<Erased>;
}

function doing(process: Process): string {
  return process.working === undefined
    ? "running"
    : `handling message ${messageType(process.working)}`;
}

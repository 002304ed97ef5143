/**
 * How a process ends.
 *
 * Code cannot be preempted in JavaScript, so an end has two steps. *Exiting*: it takes no more
 * messages, `self.signal` aborts, what it waits for on the runtime rejects, its `finally` blocks run
 * and what it owns is disposed. *Dead*: the name is free, links and monitors are told. A body that
 * does not settle within its `unwindMs` is declared dead and reported as a zombie. `kill` declares
 * death at once.
 *
 * ```text
 * alive ──(returns, throws, exit signal)──► exiting ──(body settled, or unwindMs over)──► dead
 *   └──────────────────────────────(kill)──────────────────────────────────────────────────┘
 * ```
 */
import { crashReport } from "./crash-report.js";
import { ExitSignal, isEnd, ThrownValueError } from "./errors.js";
import { isErrorLike, type ExitReason } from "./exit-reason.js";
import { breakLinks } from "./link.js";
import { disposeOwned } from "./own.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Deadline } from "./timer-queue.js";
import { abandonWatches, tellWatchers } from "./watching.js";

/** Ends a process for good when it has not unwound in time. */
class UnwindLimit extends Deadline {
  readonly process: Process;

  constructor(process: Process) {
    super();
    this.process = process;
  }

  override fire(): void {
    const { process } = this;
    process.unwindLimit = undefined;
    if (process.life === "dead") return;
    process.zombie = true;
    die(process);
  }
}

/** An error nobody caught ends the process. `during` says what it was doing. */
export function crash(process: Process, error: unknown, during: string): void {
  if (process.life !== "alive") return;
  const reason = { error: toError(process, error) };
  process.crash = { reason, during };
  beginExit(process, reason);
}

/** The process has to end with `reason`; a process that exits already keeps its reason. */
export function beginExit(process: Process, reason: ExitReason): void {
  if (process.life !== "alive") return;
  becomeExiting(process);
  process.exitReason = reason;
  if (!process.isRunning) {
    settled(process);
    return;
  }
  process.unwindLimit = new UnwindLimit(process);
  process.node.timers.arm(process.unwindLimit, process.unwindMs, process);
  abortAndReject(process);
}

/**
 * The process ends by itself with `reason`. Of several such reasons the last counts, as of several
 * exceptions in OTP; none overrules an exit signal.
 */
export function exitByItself(process: Process, reason: ExitReason): void {
  if (unwindsByItself(process)) process.exitReason = reason;
  else beginExit(process, reason);
}

/** Its code unwinds from an exit of its own: nothing else has ended it. */
function unwindsByItself(process: Process): boolean {
  return (
    process.life === "exiting" &&
    process.isRunning &&
    !process.signalled &&
    process.crash === undefined
  );
}

/** From now on it is not there for others. */
function becomeExiting(process: Process): void {
  process.life = "exiting";
  process.node.access(process.pid, "alive", process.pid, "write");
}

/** `kill`: no questions asked, nothing waited for. What it still attempts has no effect. */
export function dieAtOnce(process: Process, reason: ExitReason): void {
  if (process.life === "dead") return;
  process.exitReason = reason;
  die(process);
}

/** The body or the handler has returned or thrown, or was never started. */
export function settled(process: Process): void {
  process.node.turn.ran(process);
  process.unsettled = process.busy = false;
  if (process.life === "dead") return;
  if (process.life === "alive") {
    becomeExiting(process);
    abortAndReject(process);
  }
  const disposal = disposeOwned(process);
  if (disposal === undefined) {
    die(process);
    return;
  }
  if (process.unwindLimit === undefined) {
    process.unwindLimit = new UnwindLimit(process);
    process.node.timers.arm(process.unwindLimit, process.unwindMs, process);
  }
  void disposal.then(() => {
    if (process.life !== "dead") die(process);
  });
}

/** The process has said what it had to say about its end. */
export function leave(process: Process, reason: ExitReason): void {
  beginExit(process, reason);
  settled(process);
}

/** What a step that threw ends its process with: the reason it gave `exit`, or the error. */
export function reasonOf(process: Process, thrown: unknown): ExitReason {
  if (thrown instanceof ExitSignal && thrown.pid === process.pid) return thrown.reason;
  return { error: toError(process, thrown) };
}

/** The body threw. Its own exit signal is no crash, nor is what follows from it. */
export function bodyThrew(process: Process, thrown: unknown, during: string): void {
  if (process.life === "alive") {
    crashed(process, thrown, during);
  } else if (process.life === "exiting" && !followsFromExit(process, thrown)) {
    if (unwindsByItself(process)) crashed(process, thrown, during);
    else process.node.report(process, "unwindFailed", thrown);
  }
  settled(process);
}

function crashed(process: Process, thrown: unknown, during: string): void {
  const reason = { error: toError(process, thrown) };
  process.crash = { reason, during };
  process.exitReason = reason;
}

function die(process: Process): void {
  const { node, pid } = process;
  const { unwindLimit } = process;
  if (unwindLimit !== undefined) node.timers.disarm(unwindLimit);
  process.unwindLimit = undefined;
  const reason = process.exitReason;
  const { crash } = process;
  const report = crash === undefined ? undefined : crashReport(process, crash.reason, crash.during);
  process.life = "dead";
  ProcessId.attach(pid, undefined);
  node.access(pid, "alive", pid, "write");
  node.registry.release(process);
  node.timers.forget(process);
  node.removeProcess(process);
  const place = process.extra?.key;
  place?.among.delete(place.key);
  if (!process.started) node.offers?.withdrawStart(process);
  const { mailbox } = process;
  process.mailbox = undefined;
  if (process.isRunning) abortAndReject(process);
  abandonWatches(process);
  breakLinks(process);
  tellWatchers(process);
  // Subscribers may do anything, so they hear of it when nothing is left half-done.
  if (report !== undefined) node.crashed(report);
  if (mailbox !== undefined && mailbox.size > 0) {
    for (const [message, origin] of mailbox.entries()) {
      node.undelivered(pid, message, origin, "dead");
    }
  }
  if (node.observed) node.emit(() => ({ type: "exited", pid, reason }));
  if (process.zombie) node.zombie(process);
  // After kill or as a zombie: nobody else will.
  void disposeOwned(process);
}

/** Wakes all that the process waits for on the runtime, so that `finally` runs. */
function abortAndReject(process: Process): void {
  // Most end when they wait for nothing.
  const { extra, wake, calls } = process;
  if (wake === undefined && calls === 0 && !extra?.abort && !extra?.waits?.size) return;
  const signal = new ExitSignal(process.pid, process.exitReason);
  process.extra?.abort?.abort(signal);
  if (process.wake !== undefined) process.wakeWithError(signal);
  process.rejectWaits(signal);
}

function isOwnExit(process: Process, thrown: unknown): boolean {
  // A dead process that goes on is told so by every operation; that was reported as fenced.
  return isEnd(thrown) && thrown.pid === process.pid;
}

function followsFromExit(process: Process, thrown: unknown): boolean {
  try {
    for (let error = thrown, depth = 0; depth < 10; depth++) {
      if (isOwnExit(process, error)) return true;
      if (!isErrorLike(error)) return false;
      // What fetch and its like throw when `self.signal` aborts.
      if (error.name === "AbortError") return true;
      error = error.cause;
    }
  } catch {
    // A revoked proxy, or a getter that throws.
  }
  return false;
}

function toError(process: Process, thrown: unknown): Error {
  const { isolation } = process.node;
  const error = isolation === undefined ? thrown : isolation.explain(thrown);
  return isErrorLike(error) ? error : new ThrownValueError(error);
}

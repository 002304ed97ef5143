/** Every error of the package that a caller may want to handle; each has a literal `code`. */
import { formatReason, formatTerm, isCrash, type ExitReason } from "./exit-reason.js";
import type { AnyPid } from "./pid.js";

/** What all errors of Coppice have in common: a literal `code`, and the facts as fields. */
export abstract class CoppiceError extends Error {
  abstract readonly code: string;
}

/** An argument that cannot be accepted: it says what was expected and what came. OTP's `badarg`. */
export class InvalidArgumentError extends CoppiceError {
  override readonly name = "InvalidArgumentError";
  readonly code = "INVALID_ARGUMENT";
  /** Which argument, e.g. `sendAfter: ms` or `createNode: options.mailbox`. */
  readonly argument: string;
  readonly expected: string;
  readonly received: unknown;
  constructor(argument: string, expected: string, received: unknown) {
    super(`${argument} must be ${expected}, but is ${describe(received)}`);
    this.argument = argument;
    this.expected = expected;
    this.received = received;
  }
}

/** Neither a name nor the name of a node; the message says what can be one. */
export class InvalidNameError extends CoppiceError {
  override readonly name = "InvalidNameError";
  readonly code = "INVALID_NAME";
  readonly received: unknown;
  constructor(what: string, besides: string, received: unknown) {
    super(
      `${what} must be a string of 1 to 255 characters ${besides}, but is ${describe(received)}`,
    );
    this.received = received;
  }
}

/** The name is held by another process, or the process already has a name. */
export class NameTakenError extends CoppiceError {
  override readonly name = "NameTakenError";
  readonly code = "NAME_TAKEN";
  readonly takenName: string;
  readonly holder: AnyPid;
  constructor(takenName: string, holder: AnyPid) {
    super(`the name "${takenName}" is held by ${String(holder)}; unregister it first`);
    this.takenName = takenName;
    this.holder = holder;
  }
}

/** A process has at most one registered name, and this one has one. */
export class AlreadyNamedError extends CoppiceError {
  override readonly name = "AlreadyNamedError";
  readonly code = "ALREADY_NAMED";
  readonly pid: AnyPid;
  readonly currentName: string;
  constructor(pid: AnyPid, currentName: string, wanted: string) {
    super(
      `${String(pid)} cannot be registered as "${wanted}": it is registered as "${currentName}"`,
    );
    this.pid = pid;
    this.currentName = currentName;
  }
}

/** Nobody holds the name. */
export class NameNotRegisteredError extends CoppiceError {
  override readonly name = "NameNotRegisteredError";
  readonly code = "NAME_NOT_REGISTERED";
  readonly missingName: string;
  constructor(missingName: string) {
    super(`no process is registered as "${missingName}"`);
    this.missingName = missingName;
  }
}

/** There is no such process (any more). OTP's `noproc`. */
export class NoProcessError extends CoppiceError {
  override readonly name = "NoProcessError";
  readonly code = "NO_PROCESS";
  readonly target: string;
  constructor(target: string) {
    super(`${target} is not alive`);
    this.target = target;
  }
}

/** The process that uses its `self` is dead: what it attempted had no effect. */
export class DeadProcessError extends CoppiceError {
  override readonly name = "DeadProcessError";
  readonly code = "DEAD_PROCESS";
  readonly pid: AnyPid;
  readonly operation: string;
  constructor(pid: AnyPid, operation: string) {
    super(`${String(pid)} is dead: its ${operation} has no effect`);
    this.pid = pid;
    this.operation = operation;
  }
}

/** `receive` where it cannot be: a second one beside a pending one, or one of a handler process. */
export class ReceiveError extends CoppiceError {
  override readonly name = "ReceiveError";
  readonly code = "RECEIVE";
  readonly pid: AnyPid;
  constructor(pid: AnyPid, why: string) {
    super(`receive of ${String(pid)}: ${why}`);
    this.pid = pid;
  }
}

/** No reply came in time. The server may still handle the request; a late reply is dropped. */
export class CallTimeoutError extends CoppiceError {
  override readonly name = "CallTimeoutError";
  readonly code = "CALL_TIMEOUT";
  readonly timeoutMs: number;
  constructor(server: string, request: string, timeoutMs: number) {
    super(`${server} did not reply to ${request} within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** The server ended before it replied, or was out of reach: then its reason is `"noconnection"`. */
export class ServerExitError extends CoppiceError {
  override readonly name = "ServerExitError";
  readonly code = "SERVER_EXIT";
  readonly server: string;
  /** As text. */
  readonly request: string;
  /** The server's exit reason. */
  readonly reason: ExitReason;
  constructor(server: string, request: string, reason: ExitReason) {
    // Of a lost connection nobody knows whether the server has ended, nor whether it has got the request.
    const what = reason === "noconnection" ? "was out of reach" : "ended";
    super(`${server} ${what} before it replied to ${request}: ${formatReason(reason)}`, {
      cause: isCrash(reason) ? reason.error : reason,
    });
    this.server = server;
    this.request = request;
    this.reason = reason;
  }
}

/** The call would wait for itself: each process of `path` waits for the next, the last for the first. */
export class CallCycleError extends CoppiceError {
  override readonly name = "CallCycleError";
  readonly code = "CALL_CYCLE";
  readonly path: readonly AnyPid[];
  constructor(path: readonly AnyPid[], names: readonly string[]) {
    super(`this call would never be answered, each waits for the next: ${names.join(" → ")}`);
    this.path = path;
  }
}

/** The message holds something that the node's isolation mode cannot carry. */
export class UncloneableMessageError extends CoppiceError {
  override readonly name = "UncloneableMessageError";
  readonly code = "UNCLONEABLE_MESSAGE";
  /** Where in the message, e.g. `message.user.onClick`. */
  readonly path: string;
  constructor(path: string, what: string) {
    super(
      `${path} is ${what}: a message can hold plain objects, arrays, primitives, Map, Set, Date, Error, RegExp, binary data, pids, references and names`,
    );
    this.path = path;
  }
}

/** In place of a reply: what a server has answered cannot be sent to who asked. The server goes on. */
export class UnsendableReplyError extends CoppiceError {
  override readonly name = "UnsendableReplyError";
  readonly code = "UNSENDABLE_REPLY";
  constructor(server: AnyPid, why: string) {
    super(`the reply of ${String(server)} cannot be sent: ${why}`);
  }
}

/** A message was changed after it was sent. `stack` tells where it was changed, `sentAt` where it was sent. */
export class MutationAfterSendError extends CoppiceError {
  override readonly name = "MutationAfterSendError";
  readonly code = "MUTATION_AFTER_SEND";
  /** The stack of the send. */
  readonly sentAt: string;
  constructor(what: string, sentAt: string, cause?: unknown) {
    super(
      `${what}, which was sent as a message before\n  sent at:\n${sentAt}`,
      cause === undefined ? undefined : { cause },
    );
    this.sentAt = sentAt;
  }
}

/** The mailbox is full, and its process chose to exit when that happens. */
export class MailboxOverflowError extends CoppiceError {
  override readonly name = "MailboxOverflowError";
  readonly code = "MAILBOX_OVERFLOW";
  readonly limit: number;
  constructor(pid: AnyPid, limit: number) {
    super(`the mailbox of ${String(pid)} is full: it holds ${limit} messages`);
    this.limit = limit;
  }
}

/** A process did not start: its `init` failed, or decided not to run, or one of its children did not start. */
export class StartError extends CoppiceError {
  override readonly name = "StartError";
  readonly code = "START_FAILED";
  /** `"ignore"`, `"timeout"`, `{ alreadyStarted: pid }`, the reason its `init` gave, or its exit reason. */
  readonly reason: ExitReason;
  constructor(what: string, reason: ExitReason) {
    super(`${what} did not start: ${describeStartFailure(reason)}`, {
      cause: isCrash(reason) ? reason.error : reason,
    });
    this.reason = reason;
  }
}

/** Says which child it was that kept a supervisor from starting, however deep. */
function describeStartFailure(reason: ExitReason): string {
  const { shutdown, alreadyStarted } = Object(reason) as Record<string, unknown>;
  if (alreadyStarted !== undefined) return `it runs already, as ${String(alreadyStarted)}`;
  const { type, id, reason: why } = Object(shutdown) as Record<string, unknown>;
  return type === "failed_to_start_child"
    ? `child "${String(id)}" did not start: ${describeStartFailure(why as ExitReason)}`
    : formatReason(reason);
}

/** Something that is no `Error` was thrown. OTP's `{nocatch, Value}`. */
export class ThrownValueError extends CoppiceError {
  override readonly name = "ThrownValueError";
  readonly code = "THROWN_VALUE";
  readonly value: unknown;
  constructor(value: unknown) {
    super(`thrown: ${describe(value)}`);
    this.value = value;
  }
}

/** The node is stopping or stopped: it starts no more processes. */
export class NodeStoppedError extends CoppiceError {
  override readonly name = "NodeStoppedError";
  readonly code = "NODE_STOPPED";
  constructor(node: string) {
    super(`node "${node}" is stopped and starts no more processes`);
  }
}

/** The host lacks something a node cannot do without. */
export class UnsupportedHostError extends CoppiceError {
  override readonly name = "UnsupportedHostError";
  readonly code = "UNSUPPORTED_HOST";
  constructor(missing: string) {
    super(`this JavaScript host has no ${missing}; pass your own to createNode`);
  }
}

/**
 * What is thrown inside a process that has to end, so that its `finally` blocks run. Catching it
 * changes nothing: the process ends all the same. Not an `Error`: it is no failure and has no stack.
 */
export class ExitSignal {
  readonly name = "ExitSignal";
  readonly code = "EXIT_SIGNAL";
  readonly pid: AnyPid;
  readonly reason: ExitReason;
  // oxlint-disable-next-line no-unused-private-class-members -- that it is there is what counts
  readonly #isExitSignal = true;
  constructor(pid: AnyPid, reason: ExitReason) {
    this.pid = pid;
    this.reason = reason;
  }

  // Whatever was thrown may be asked, also a revoked proxy, which has no prototype to look at.
  static [Symbol.hasInstance](thrown: unknown): boolean {
    return typeof thrown === "object" && thrown !== null && #isExitSignal in thrown;
  }

  get message(): string {
    return `${String(this.pid)} exits: ${formatReason(this.reason)}`;
  }

  toString(): string {
    return `ExitSignal: ${this.message}`;
  }
}

/** Was it thrown because a process has to end, or has ended? Then it is no failure, and who caught it has to let it go. */
export function isEnd(thrown: unknown): thrown is ExitSignal | DeadProcessError {
  return thrown instanceof ExitSignal || thrown instanceof DeadProcessError;
}

function describe(value: unknown): string {
  if (typeof value === "function") return `the function ${nameOf(value)}`;
  if (typeof value === "string") return formatTerm(value);
  if (typeof value === "object" && value !== null) {
    return isPromise(value) ? "a promise" : formatTerm(value);
  }
  return String(value);
}

function isPromise(value: object): boolean {
  try {
    return value instanceof Promise;
  } catch {
    // A proxy.
    return false;
  }
}

function nameOf(act: Function): string {
  try {
    return act.name || "(anonymous)";
  } catch {
    // A revoked proxy.
    return "(unknown)";
  }
}

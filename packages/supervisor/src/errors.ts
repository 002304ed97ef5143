/** Every error of the package that a caller may want to handle; each has a literal `code`. */
import {
  CoppiceError,
  formatReason,
  formatTerm,
  type AnyPid,
  type ExitReason,
} from "@coppice/core";

/**
 * A child spec, or the flags of a supervisor, that cannot be accepted: which field, what was expected
 * there and what came. Nothing was started.
 */
export class InvalidChildSpecError extends CoppiceError {
  override readonly name = "InvalidChildSpecError";
  readonly code = "INVALID_CHILD_SPEC";
  /** Where, e.g. `children[2].restart`. */
  readonly path: string;
  readonly expected: string;
  readonly received: unknown;
  constructor(path: string, expected: string, received: unknown) {
    super(`${path} must be ${expected}, but is ${describe(received)}`);
    this.path = path;
    this.expected = expected;
    this.received = received;
  }
}

/** A process ended before it had started: its `init` failed, or one of its children did. */
export class StartError extends CoppiceError {
  override readonly name = "StartError";
  readonly code = "START_FAILED";
  /** Its exit reason. */
  readonly reason: ExitReason;
  constructor(what: string, reason: ExitReason) {
    super(`${what} did not start: ${describeReason(reason)}`, { cause: reason });
    this.reason = reason;
  }
}

/** Says which child it was that kept a supervisor from starting, however deep. */
function describeReason(reason: ExitReason): string {
  const { shutdown } = Object(reason) as { shutdown?: unknown };
  const { type, id, reason: why } = Object(shutdown) as Record<string, unknown>;
  return type === "failed_to_start_child"
    ? `child "${String(id)}" did not start: ${describeReason(why as ExitReason)}`
    : formatReason(reason);
}

/** What a start function returned is none of `{ pid }`, `"ignore"` and `{ error }`. */
export class InvalidStartResultError extends CoppiceError {
  override readonly name = "InvalidStartResultError";
  readonly code = "INVALID_START_RESULT";
  readonly received: unknown;
  constructor(received: unknown) {
    super(
      `a start function must return { pid }, "ignore" or { error }, but returned ${describe(received)}`,
    );
    this.received = received;
  }
}

/** A callback returned what it must not; it ends the process. OTP's `bad_return_value`. */
export class InvalidCallbackResultError extends CoppiceError {
  override readonly name = "InvalidCallbackResultError";
  readonly code = "BAD_RETURN_VALUE";
  /** Which callback, e.g. `init` or `call`. */
  readonly callback: string;
  readonly expected: string;
  readonly received: unknown;
  constructor(callback: string, expected: string, received: unknown) {
    super(`${callback} must return ${expected}, but returned ${describe(received)}`);
    this.callback = callback;
    this.expected = expected;
    this.received = received;
  }
}

/** The process has no callback for this request, or not with so few arguments. It goes on. */
export class UnknownRequestError extends CoppiceError {
  override readonly name = "UnknownRequestError";
  readonly code = "UNKNOWN_REQUEST";
  readonly server: AnyPid;
  readonly expected: string;
  readonly received: unknown;
  constructor(server: AnyPid, expected: string, received: unknown) {
    super(`a request to ${String(server)} must be ${expected}, but is ${describe(received)}`);
    this.server = server;
    this.expected = expected;
    this.received = received;
  }
}

/** What was asked for can be done only while the process is suspended. OTP's `unknown_system_msg`. */
export class NotSuspendedError extends CoppiceError {
  override readonly name = "NotSuspendedError";
  readonly code = "NOT_SUSPENDED";
  readonly pid: AnyPid;
  constructor(pid: AnyPid) {
    super(`${String(pid)} runs; its code can be changed only while it is suspended`);
    this.pid = pid;
  }
}

function describe(value: unknown): string {
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  return value === undefined ? "missing" : formatTerm(value);
}

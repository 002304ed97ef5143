/** Every error of the package that a caller may want to handle; each has a literal `code`. */
import { CoppiceError, formatTerm, type AnyPid } from "@coppice/core";
import type { StateMachineEvent } from "./statem-event.js";
import type { BadResultKind } from "./statem-result.js";

/**
 * What is wrong with a spec, in OTP's words where it has some: those of `supervisor:check_childspecs`, of
 * what can be wrong with the flags, and of what only this library has.
 */
export type ChildSpecRule =
  | "badarg"
  | "invalid_child_spec"
  | "missing_id"
  | "missing_start"
  | "invalid_mfa"
  | "invalid_restart_type"
  | "bad_combination"
  | "invalid_significant"
  | "invalid_child_type"
  | "invalid_shutdown"
  | "duplicate_child_name"
  | "invalid_type"
  | "invalid_strategy"
  | "invalid_intensity"
  | "invalid_period"
  | "invalid_auto_shutdown"
  | "unknown_field"
  | "invalid_id"
  | "invalid_start_timeout"
  | "invalid_backoff"
  | "invalid_name"
  | "invalid_label"
  | "invalid_max_children"
  | "invalid_partitions"
  | "invalid_with_key";

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
  readonly rule: ChildSpecRule;
  constructor(path: string, expected: string, received: unknown, rule: ChildSpecRule) {
    const came = rule === "unknown_field" ? "unknown" : describe(received);
    super(`${path} must be ${expected}, but is ${came}`);
    this.path = path;
    this.expected = expected;
    this.received = received;
    this.rule = rule;
  }
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

/** A callback of a state machine returned what cannot be done; it ends the machine. */
export class InvalidStateResultError extends CoppiceError {
  override readonly name = "InvalidStateResultError";
  readonly code = "INVALID_STATE_RESULT";
  /** OTP's word for it, e.g. `bad_return_from_state_function`. */
  readonly kind: BadResultKind;
  /** The state that the machine was in, or had gone to. */
  readonly state: unknown;
  readonly expected: string;
  readonly received: unknown;
  constructor(kind: BadResultKind, state: unknown, expected: string, received: unknown) {
    const where = kind === "bad_return_from_init" ? "init" : `a callback of ${formatTerm(state)}`;
    super(`${where} must return ${expected}, but returned ${describe(received)}`);
    this.kind = kind;
    this.state = state;
    this.expected = expected;
    this.received = received;
  }
}

/** A state machine has made an event for itself that its state has no callback for; it ends the machine. */
export class UnhandledEventError extends CoppiceError {
  override readonly name = "UnhandledEventError";
  readonly code = "UNHANDLED_EVENT";
  readonly state: unknown;
  readonly event: StateMachineEvent;
  constructor(state: unknown, event: StateMachineEvent) {
    super(`the state ${formatTerm(state)} has no callback for ${formatTerm(event)}`);
    this.state = state;
    this.event = event;
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

/** The request was given up: nobody waits for its reply any more. */
export class RequestAbandonedError extends CoppiceError {
  override readonly name = "RequestAbandonedError";
  readonly code = "REQUEST_ABANDONED";
  constructor() {
    super("the request was abandoned before its reply came");
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
  if (typeof value === "function") return `the function ${nameOf(value)}`;
  // JSON has neither NaN nor Infinity.
  if (typeof value === "number") return String(value);
  return value === undefined ? "missing" : formatTerm(value);
}

function nameOf(act: Function): string {
  try {
    return act.name || "(anonymous)";
  } catch {
    // A revoked proxy.
    return "(unknown)";
  }
}

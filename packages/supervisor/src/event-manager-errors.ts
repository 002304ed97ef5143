/** What goes wrong with the handlers of an event manager, for those who asked for something. */
import {
  CoppiceError,
  formatReason,
  formatTerm,
  isCrash,
  type AnyPid,
  type ExitReason,
} from "@coppice/core";
import type { EventHandlerId } from "./event-handler-id.js";

/**
 * A callback of an event handler failed, so that what was asked for did not come about. The handler is
 * gone; the manager goes on.
 */
export class EventHandlerFailedError extends CoppiceError {
  override readonly name = "EventHandlerFailedError";
  readonly code = "EVENT_HANDLER_FAILED";
  readonly manager: AnyPid;
  readonly handler: EventHandlerId;
  /** What it gave `self.exit` or `{ stop }`, or a crash reason with what it threw or should not have returned. */
  readonly reason: ExitReason;
  constructor(manager: AnyPid, handler: EventHandlerId, reason: ExitReason) {
    const who = `event handler ${formatTerm(handler)} of ${String(manager)}`;
    super(`${who} failed: ${formatReason(reason)}`, {
      cause: isCrash(reason) ? reason.error : reason,
    });
    this.manager = manager;
    this.handler = handler;
    this.reason = reason;
  }
}

/** The event manager has no such handler. OTP's `module_not_found` and `bad_module`. */
export class NoEventHandlerError extends CoppiceError {
  override readonly name = "NoEventHandlerError";
  readonly code = "NO_EVENT_HANDLER";
  readonly manager: AnyPid;
  readonly handler: EventHandlerId;
  constructor(manager: AnyPid, handler: EventHandlerId) {
    super(`${String(manager)} has no event handler ${formatTerm(handler)}`);
    this.manager = manager;
    this.handler = handler;
  }
}

/**
 * A handler was to be added by its name alone, and the event manager was not told of a handler of that
 * name: see `EventManagerDefinition.handlers`.
 */
export class UnknownEventHandlerError extends CoppiceError {
  override readonly name = "UnknownEventHandlerError";
  readonly code = "UNKNOWN_EVENT_HANDLER";
  readonly manager: AnyPid;
  readonly handler: EventHandlerId;
  constructor(manager: AnyPid, handler: EventHandlerId) {
    const known = "its definition does not list a handler of that name";
    super(`${String(manager)} cannot add the event handler ${formatTerm(handler)}: ${known}`);
    this.manager = manager;
    this.handler = handler;
  }
}

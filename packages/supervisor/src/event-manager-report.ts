/**
 * Reports of event managers: what went wrong with a handler, for those who run the node.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html (a handler that crashes is logged as an error)
 */
import {
  formatReason,
  formatTerm,
  isCrash,
  type AnyPid,
  type ExitReason,
  type Report,
} from "@coppice/core";
import type { EventHandlerId } from "./event-handler-id.js";

/** The data of such a report. */
export interface EventHandlerReport {
  readonly type: "eventHandlerFailed";
  readonly manager: AnyPid;
  readonly handler: EventHandlerId;
  readonly reason: ExitReason;
  /** Which callback it was. */
  readonly callback: string;
  /** The event, message, request or end that the callback was called with. */
  readonly message: unknown;
  /** The state before, as the handler's `status` shows it; `undefined` when that failed, or takes time. */
  readonly state: unknown;
}

export function eventHandlerReport(data: EventHandlerReport): Report {
  return { level: "error", data, format: () => formatEventHandlerReport(data) };
}

function formatEventHandlerReport({
  manager,
  handler,
  reason,
  callback,
  message,
}: EventHandlerReport): string {
  const who = `event handler ${formatTerm(handler)} of ${String(manager)}`;
  const why = isCrash(reason) ? (reason.error.stack ?? formatReason(reason)) : formatReason(reason);
  return [
    `${who} failed in ${callback} of ${formatTerm(message, 80)}`,
    `  ${why.split("\n").join("\n  ")}`,
  ].join("\n");
}

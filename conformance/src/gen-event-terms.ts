/**
 * What event managers and their handlers tell, in Erlang's terms.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html
 */
import { isCrash, type Call, type Cast, type ExitReason } from "@coppice/core";
import {
  InvalidCallbackResultError,
  type EventHandlerEnd,
  type EventHandlerExit,
  type EventHandlerId,
  type Handover,
} from "@coppice/supervisor";
import type { Value } from "./term.js";
import { termOfReason } from "./translation.js";

/** Of the pair of the module and what tells one handler from the others, traces have the latter. */
export function termOfHandler(id: EventHandlerId): Value {
  return (typeof id === "string" ? id : id[1]) as Value;
}

/** In place of a reason: a callback returned, or threw, a term that it must not. */
export interface Returned {
  readonly returned: Value;
}

/** What `catch` makes of a callback that failed: `{'EXIT', Reason}`, or what it returned. */
export function termOfFailedCallback(reason: ExitReason): Value {
  if (isCrash(reason) && reason.error instanceof InvalidCallbackResultError) {
    return reason.error.received as Value;
  }
  if (typeof reason === "object" && reason !== null && "returned" in reason) {
    return (reason as unknown as Returned).returned;
  }
  return ["EXIT", termOfReason(reason)];
}

/** The first argument of `terminate`. */
export function termOfEnd(end: EventHandlerEnd): Value {
  switch (end.type) {
    case "delete":
    case "swap":
      return end.argument as Value;
    case "remove":
      return "remove_handler";
    case "ownerExit":
      return ["stop", termOfReason(end.reason)];
    case "stop":
      return "stop";
    case "error":
      return ["error", termOfFailedCallback(end.reason)];
    default:
      return end satisfies never;
  }
}

/** What comes with the arguments of an `init` after a swap. */
export function termOfHandover(handover: Handover): Value {
  switch (handover.type) {
    case "handover":
      return handover.result as Value;
    case "failed":
      return termOfFailedCallback(handover.reason);
    case "missing":
      return "error";
    default:
      return handover satisfies never;
  }
}

/** The message to the owner of a handler. */
export function termOfHandlerExit({ handler, reason }: EventHandlerExit): Value {
  const told = (why: Value): Value => ["gen_event_EXIT", termOfHandler(handler), why];
  if (typeof reason === "string") return told(reason);
  if ("failed" in reason) return told(termOfFailedCallback(reason.failed));
  const { handler: next, owner = false } = reason.swapped;
  return told(["swapped", termOfHandler(next), owner]);
}

/** What a client of an event manager sent, as it stands in the mailbox of a puppet; `undefined` for all else. */
export function termOfManagerMessage(
  message: Call<unknown, never> | Cast<unknown>,
): Value | undefined {
  const query = termOfQuery(message.request, message.type === "cast");
  if (message.type === "cast" || query === undefined) return query;
  const { owner } = message.from;
  return [owner, [owner, message.from], query];
}

/** The part of a request that says what is asked for; handlers on their way have no term. */
function termOfQuery(request: unknown, isCast: boolean): Value | undefined {
  if (Array.isArray(request) && request[0] === "notify") {
    return [isCast ? "notify" : "sync_notify", request[1] as Value];
  }
  const { type, action } = Object(request) as { type?: unknown; action?: Partial<Asked> };
  if (type !== "eventHandler" || action === undefined) return undefined;
  switch (action.type) {
    case "call":
      return ["call", termOfHandler(action.id as EventHandlerId), action.request?.[1] as Value];
    case "delete":
      return [
        "delete_handler",
        termOfHandler(action.id as EventHandlerId),
        action.argument as Value,
      ];
    case "which":
      return "which_handlers";
    default:
      return undefined;
  }
}

interface Asked {
  readonly type: string;
  readonly id: EventHandlerId;
  /** Of the only call there is, with its directive. */
  readonly request: readonly [call: string, directive: Value];
  readonly argument: unknown;
}

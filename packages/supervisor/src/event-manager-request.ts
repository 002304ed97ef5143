/** Requests about the handlers of an event manager: what the functions for handlers send, and the answers. */
import { isPid, opaque, type AnyPid, type ExitReason, type Opaque } from "@coppice/core";
import { isEventHandlerId, type EventHandlerId } from "./event-handler-id.js";
import { HandlerCode, type HandlerReference } from "./event-handler-code.js";

/** A request beside the protocol of a manager. Requests of this `type` are reserved for it. */
export interface HandlerRequest {
  readonly type: "eventHandler";
  readonly action: HandlerAction;
}

export type HandlerAction =
  | { readonly type: "add"; readonly handler: HandlerToAdd; readonly owner: AnyPid | undefined }
  | { readonly type: "delete"; readonly id: EventHandlerId; readonly argument: unknown }
  | {
      readonly type: "swap";
      readonly from: EventHandlerId;
      readonly argument: unknown;
      readonly to: HandlerToAdd;
      readonly owner: AnyPid | undefined;
    }
  | { readonly type: "call"; readonly id: EventHandlerId; readonly request: unknown }
  | { readonly type: "which" };

/** A handler on its way to a manager. */
export interface HandlerToAdd {
  readonly name: string;
  readonly id: EventHandlerId;
  readonly args: readonly unknown[];
  /** Its code, where it is known; otherwise the manager has to know it. */
  readonly code: Opaque<HandlerCode> | undefined;
}

/** What came of it. Plain data, so that it arrives the same in every isolation mode. */
export type HandlerAnswer =
  | { readonly type: "done"; readonly value: unknown }
  | {
      readonly type: "failed";
      readonly manager: AnyPid;
      readonly handler: EventHandlerId;
      readonly reason: ExitReason;
    }
  | {
      readonly type: "noHandler" | "unknownHandler";
      readonly manager: AnyPid;
      readonly handler: EventHandlerId;
    };

export function toAdd({ name, id, args = [], code }: HandlerReference): HandlerToAdd {
  return { name, id, args, code: code === undefined ? undefined : opaque(code) };
}

/** The action of a request; `undefined` for one that none of our functions sent. May throw what a getter throws. */
export function actionIn(request: unknown): HandlerAction | undefined {
  const { type, action } = Object(request) as Partial<HandlerRequest>;
  return type === "eventHandler" && isAction(action) ? action : undefined;
}

function isAction(value: unknown): value is HandlerAction {
  const action = Object(value) as HandlerAction;
  switch (action.type) {
    case "add":
      return isToAdd(action.handler) && isOwner(action.owner);
    case "delete":
    case "call":
      return isEventHandlerId(action.id);
    case "swap":
      return isEventHandlerId(action.from) && isToAdd(action.to) && isOwner(action.owner);
    case "which":
      return true;
    default:
      action satisfies never;
      return false;
  }
}

function isToAdd(value: unknown): boolean {
  const { name, id, args, code } = Object(value) as Partial<HandlerToAdd>;
  return (
    typeof name === "string" &&
    isEventHandlerId(id) &&
    Array.isArray(args) &&
    (code === undefined || code.value instanceof HandlerCode)
  );
}

function isOwner(value: unknown): boolean {
  return value === undefined || isPid(value);
}

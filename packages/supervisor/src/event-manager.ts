/**
 * Event managers: what they understand, and what they tell the owners of their handlers.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html
 */
import type { AnyPid, Call, Cast, ExitReason } from "@coppice/core";
import type { EventHandlerId } from "./event-handler-id.js";
import type { EventHandler } from "./event-handler.js";
import type { Server } from "./server-definition.js";

/**
 * The messages of an event manager: the events `E` it can be notified of, and any other messages `I`,
 * which go to the `info` of each handler. Handlers are added, asked and removed by functions:
 * `addHandler`, `callHandler`, `deleteHandler`, ….
 */
export type EventManagerProtocol<E, I = never> =
  Cast<readonly ["notify", E]> | Call<readonly ["notify", E], undefined> | I;

/** The events that a process with inbox `M` can be notified of. */
export type EventIn<M> = unknown extends M
  ? unknown
  : M extends Cast<readonly ["notify", infer E]>
    ? E
    : never;

/** Its other messages. */
export type InfoIn<M> = M extends {
  readonly type: "cast" | "call";
  readonly request: readonly ["notify", unknown];
}
  ? never
  : M;

/** A handler with its arguments, for a manager with inbox `M`. */
export type HandlerFor<M> = EventHandler<EventIn<M>, InfoIn<M>, unknown, []>;

/** What an event manager is made of. */
export interface EventManagerDefinition<E, I = never> {
  /** Handlers that can be added by their name alone: see `eventHandler`. */
  readonly handlers?: readonly EventHandler<E, I, unknown, readonly unknown[]>[];
}

/** An event manager that can be started any number of times, also as a child. */
export interface EventManager<E, I = never> extends Omit<
  Server<EventManagerProtocol<E, I>, readonly EventHandlerState[], []>,
  "behaviour"
> {
  readonly behaviour: "gen_event";
}

/** What `sys.getState` tells of each handler, newest first. */
export interface EventHandlerState {
  readonly handler: EventHandlerId;
  readonly state: unknown;
}

/** What `sys.getStatus` tells of each handler, newest first; the state as its `status` shows it. */
export interface EventHandlerStatus extends EventHandlerState {
  readonly owner: AnyPid | undefined;
}

/**
 * The owner of a supervised handler is told that the handler is gone. OTP's `gen_event_EXIT`.
 */
export interface EventHandlerExit {
  readonly type: "eventHandlerExit";
  readonly manager: AnyPid;
  readonly handler: EventHandlerId;
  readonly reason: EventHandlerExitReason;
}

/**
 * | reason | when | OTP |
 * | --- | --- | --- |
 * | `"normal"` | it was deleted, or a callback returned `remove` | `normal` |
 * | `"shutdown"` | the manager has ended, or took an exit signal of the owner for its end | `shutdown` |
 * | `{ swapped: { handler, owner } }` | that one came in its place, and has that owner | `{swapped, …}` |
 * | `{ failed: reason }` | it called `self.exit(reason)` | `{'EXIT', Reason}` |
 * | `{ failed: { error } }` | a callback threw, or returned what it must not | `{'EXIT', …}`, or what it returned |
 */
export type EventHandlerExitReason =
  | "normal"
  | "shutdown"
  | { readonly swapped: { readonly handler: EventHandlerId; readonly owner: AnyPid | undefined } }
  | { readonly failed: ExitReason };

/**
 * Event handlers: what an event manager calls with each event. A handler is an object of callbacks with
 * a state of its own; it runs in the process of the manager it is added to.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html (callback functions)
 */
import type { AnyPid, Call, Down, Exit, ExitReason, RequestOf, Term } from "@coppice/core";
import {
  checkDefinition,
  checkHandlerName,
  HandlerCode,
  HandlerReference,
} from "./event-handler-code.js";
import type { EventHandlerId } from "./event-handler-id.js";
import type { EventHandlerSelf } from "./event-handler-self.js";
import type { InitArguments, InitFunction, ServerProtocol, StateOf } from "./server-definition.js";

/**
 * What `init` returns: the state itself, or one of these.
 *
 * | result | the handler | who added it | OTP |
 * | --- | --- | --- | --- |
 * | a state, or `{ state }` | is added | goes on | `{ok, State}` |
 * | `{ stop: reason }` | is not added | gets an `EventHandlerFailedError` with the reason | any other term |
 *
 * A state that looks like one of these has to be returned as `{ state }`.
 */
export type EventHandlerInit<S> = { readonly state: S } | { readonly stop: ExitReason };

/**
 * What the callbacks of a handler may return; nothing at all leaves all as it is.
 *
 * | field | effect | OTP |
 * | --- | --- | --- |
 * | `state` | the new state | `{ok, NewState}` |
 * | `remove: true` | removes the handler, after `terminate` with `{ type: "remove" }` | `remove_handler` |
 * | `swap: { to, argument }` | puts another one in its place, after `terminate` with `{ type: "swap", to, argument }` | `{swap_handler, …}` |
 */
export interface EventHandlerResult<S, E = unknown, I = unknown> {
  /** The new state; without it the state stays. */
  readonly state?: S;
  /** Removes this handler. */
  readonly remove?: boolean;
  /** Puts `to` in the place of this handler. It does not get the event at hand. */
  readonly swap?: {
    readonly to: EventHandler<NoInfer<E>, NoInfer<I>, unknown, []>;
    /** For `terminate` of this handler. */
    readonly argument?: unknown;
  };
}

/** What a call's callback may return. Without a `reply` the caller gets `undefined`. */
export interface EventHandlerCallResult<S, E = unknown, I = unknown> extends EventHandlerResult<
  S,
  E,
  I
> {
  readonly reply?: unknown;
}

/**
 * Why a handler ends: what `terminate` is told.
 *
 * | type | when | OTP |
 * | --- | --- | --- |
 * | `"delete"` | `deleteHandler` | the `Args` of it |
 * | `"swap"` | `swapHandler`, or a callback returned `swap` | the `Args1` of it |
 * | `"remove"` | a callback returned `remove` | `remove_handler` |
 * | `"ownerExit"` | the owner of a supervised handler has ended | `{stop, Reason}` |
 * | `"stop"` | the manager ends | `stop` |
 * | `"error"` | a callback threw, called `self.exit`, or returned what it must not | `{error, …}` |
 */
export type EventHandlerEnd =
  | { readonly type: "delete"; readonly argument: unknown }
  | { readonly type: "swap"; readonly to: EventHandlerId; readonly argument: unknown }
  | { readonly type: "remove" }
  | { readonly type: "ownerExit"; readonly owner: AnyPid; readonly reason: ExitReason }
  | { readonly type: "stop"; readonly reason: ExitReason }
  | { readonly type: "error"; readonly reason: ExitReason };

/**
 * What a handler takes over from the one in whose place it comes.
 *
 * | type | when | OTP |
 * | --- | --- | --- |
 * | `"handover"` | its `terminate` returned `result` | `Term` |
 * | `"failed"` | its `terminate` failed | `{'EXIT', Reason}` |
 * | `"missing"` | there was none with that id | `error` |
 */
export type Handover =
  | { readonly type: "handover"; readonly from: EventHandlerId; readonly result: unknown }
  | { readonly type: "failed"; readonly from: EventHandlerId; readonly reason: ExitReason }
  | { readonly type: "missing"; readonly from: EventHandlerId };

type Maybe<T> = T | void | PromiseLike<T | void>;
type MaybeLater<T> = T | PromiseLike<T>;

/** Calls by name. `never`: what a callback takes beside the state is its own. */
export type EventHandlerCalls<S, E, I> = Readonly<
  Record<string, (state: S, ...args: never[]) => Maybe<EventHandlerCallResult<S, E, I>>>
>;

/** All of a handler, as `defineEventHandler` takes it. */
export interface EventHandlerDefinition<
  F extends InitFunction,
  E,
  C extends EventHandlerCalls<StateOf<F>, E, I>,
  I,
> {
  /** By which managers and reports know it: its id, unless `as` gives it another. OTP's module. */
  readonly name: string;
  /** Makes the first state. Its parameters are what `with` takes; `self` is the last. */
  readonly init: F;
  /** In place of `init` when it comes in the place of another. Without it, `init` is called as ever. */
  readonly takeOver?: (
    handover: Handover,
    ...args: [...InitArguments<F>, self: EventHandlerSelf]
  ) => MaybeLater<StateOf<F> | EventHandlerInit<StateOf<F>>>;
  /** An event that the manager was notified of. */
  readonly event: (
    state: StateOf<F>,
    event: E,
    self: EventHandlerSelf,
  ) => Maybe<EventHandlerResult<StateOf<F>, E, I>>;
  /** What others can ask this one handler, by name. */
  readonly call?: C & EventHandlerCalls<StateOf<F>, E, I>;
  /** Any other message that the manager gets. */
  readonly info?: (
    state: StateOf<F>,
    message: I,
    self: EventHandlerSelf,
  ) => Maybe<EventHandlerResult<StateOf<F>, E, I>>;
  /** The end of a process that the manager monitors; without this callback it is info. */
  readonly down?: (
    state: StateOf<F>,
    down: Down,
    self: EventHandlerSelf,
  ) => Maybe<EventHandlerResult<StateOf<F>, E, I>>;
  /** An exit signal to the manager, of anyone but its parent; without this callback it is info. */
  readonly exit?: (
    state: StateOf<F>,
    exit: Exit,
    self: EventHandlerSelf,
  ) => Maybe<EventHandlerResult<StateOf<F>, E, I>>;
  /** The last it does. What it returns is for who deleted it, or for who comes in its place. */
  readonly terminate?: (state: StateOf<F>, why: EventHandlerEnd, self: EventHandlerSelf) => unknown;
  /** How `sys.getStatus` and reports show the state; leave out what nobody should read. */
  readonly status?: (state: StateOf<F>) => unknown;
}

/** The type of reply that a call's callback returns. */
type ReplyIn<R> = "reply" extends keyof R ? R["reply"] : undefined;

type ReplyOfEach<R> = R extends unknown ? ReplyIn<R> : never;

/** The calls of a handler with these callbacks. */
export type EventHandlerProtocol<C> = {
  [N in keyof C & string]: Call<
    // oxlint-disable-next-line typescript/no-empty-object-type -- no casts
    RequestOf<ServerProtocol<Pick<C, N>, {}, never>>,
    C[N] extends (...args: never[]) => infer R ? ReplyOfEach<Awaited<R>> : never
  >;
}[keyof C & string];

/**
 * An event handler, to be added to any number of managers.
 *
 * @typeParam E the events it handles
 * @typeParam I the other messages it handles
 * @typeParam P what can be asked of it
 * @typeParam A what `with` has to be given before it can be added
 */
export interface EventHandler<E, I, P, A extends readonly unknown[]> {
  readonly name: string;
  /** What tells it from the others of a manager. */
  readonly id: EventHandlerId;
  /** The same handler under an id of its own, so that a manager can have several. */
  as(id: Term): EventHandler<E, I, P, A>;
  /** The same handler with the arguments of its `init`. */
  with(...args: A): EventHandler<E, I, P, []>;
  readonly [HANDLER]?: {
    readonly takes: (event: E, info: I) => void;
    readonly calls: P;
    readonly needs: A;
  };
}

declare const HANDLER: unique symbol;

/** Any handler, with its arguments or without. */
export type AnyEventHandler = EventHandler<never, never, unknown, readonly unknown[]>;

/**
 * Defines an event handler, as an object of callbacks.
 *
 * Each callback but `init` takes the state first, and may take `self` as its last parameter. A promise
 * that it returns is waited for before the next handler gets the event. What it can return is told at
 * `EventHandlerResult`. A callback that throws, calls `self.exit` or returns what it must not ends its
 * handler: `terminate` is called with `{ type: "error", reason }`, the handler is removed, and the
 * failure is reported. The manager and its other handlers go on.
 *
 * @throws InvalidArgumentError a field is unknown, or of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { addHandler, callHandler, defineEventHandler, defineEventManager, notify } from "@coppice/supervisor";
 * type Alarm = { readonly type: "raised" | "cleared"; readonly alarm: string };
 * const raised = defineEventHandler({
 *   name: "raised",
 *   init: (alarms: readonly string[]) => alarms,
 *   event: (alarms, { type, alarm }: Alarm) => ({
 *     state: type === "raised" ? [...alarms, alarm] : alarms.filter((one) => one !== alarm),
 *   }),
 *   call: { list: (alarms) => ({ reply: alarms }) },
 * });
 * const node = createNode();
 * const alarms = await node.start(defineEventManager<Alarm>());
 * await addHandler(node, alarms, raised.with(["door open"]));
 * notify(node, alarms, { type: "raised", alarm: "disk full" });
 * await callHandler(node, alarms, raised, ["list"]); // => ["door open", "disk full"]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_event.html
 */
export function defineEventHandler<
  F extends InitFunction,
  E = unknown,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no calls
  C extends EventHandlerCalls<StateOf<F>, E, I> = {},
  I = unknown,
>(
  definition: EventHandlerDefinition<F, E, C, I>,
): EventHandler<E, I, EventHandlerProtocol<C>, InitArguments<F>> {
  const callbacks = checkDefinition(definition);
  const code = new HandlerCode(callbacks);
  return new HandlerReference(callbacks.name, undefined, undefined, code);
}

/**
 * Names an event handler without its code, where only its type is known: to call, delete or swap one
 * that another module or node has added, or to add one that the manager's definition lists.
 *
 * @typeParam H the type of the handler, as `typeof logger`
 * @throws InvalidArgumentError no name
 * @example
 * import { defineEventHandler, eventHandler } from "@coppice/supervisor";
 * const logger = defineEventHandler({ name: "logger", init: () => 0, event: () => {} });
 * eventHandler<typeof logger>("logger").as("disk").id; // => ["logger", "disk"]
 */
export function eventHandler<H extends AnyEventHandler>(name: H["name"]): H {
  checkHandlerName("eventHandler: name", name);
  // Only the type knows what the handler of that name is asked.
  return new HandlerReference(name, undefined, undefined, undefined) as unknown as H;
}

/**
 * What can be asked of an event manager.
 *
 * Each function takes who asks (the `self` of a process, or the node) and the manager. As in OTP they
 * wait without a limit unless `options` set one, but for `callHandler`, which waits 5000 ms.
 *
 * All of them but `notify` throw what `call` throws: `NoProcessError`, `ServerExitError`,
 * `CallTimeoutError`, and `CallCycleError` where a handler asks its own manager.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html#exports
 */
import {
  InvalidArgumentError,
  type AnyName,
  type AnyPid,
  type Address,
  type Call,
  type CallOptions,
  type Cast,
  type Operations,
  type Pid,
  type RemoteName,
  type ReplyOf,
  type RequestOf,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { Abandonment } from "./abandonment.js";
import { RequestAbandonedError } from "./errors.js";
import { isEventHandlerId, type EventHandlerId } from "./event-handler-id.js";
import { HandlerReference } from "./event-handler-code.js";
import type { AnyEventHandler, EventHandler } from "./event-handler.js";
import {
  EventHandlerFailedError,
  NoEventHandlerError,
  UnknownEventHandlerError,
} from "./event-manager-errors.js";
import {
  toAdd,
  type HandlerAction,
  type HandlerAnswer,
  type HandlerRequest,
} from "./event-manager-request.js";
import type { EventHandlerExit, EventIn, HandlerFor } from "./event-manager.js";
import { Request } from "./request.js";

/** A manager of any events: a pid, or a name. */
export type EventManagerTarget = AnyPid | AnyName | RemoteName<never>;

/** A process that can own handlers: it understands `EventHandlerExit`. */
export type EventHandlerOwner = Operations & { readonly pid: Pid<EventHandlerExit> };

/** How a handler is swapped. */
export interface SwapOptions extends CallOptions {
  /** For `terminate` of the old handler. */
  readonly argument?: unknown;
}

/**
 * Tells a manager of an event, and does not wait for its handlers.
 *
 * @throws NameNotRegisteredError a name that nobody holds; a pid of the dead is no error
 * @see https://www.erlang.org/doc/man/gen_event.html#notify-2
 */
export function notify<M>(sender: Operations, manager: Address<M>, event: EventIn<M>): void {
  checkActor("notify: sender", sender);
  const message: Cast<readonly ["notify", unknown]> = { type: "cast", request: ["notify", event] };
  sender.send(manager as Address<typeof message>, message);
}

/**
 * Tells a manager of an event, and waits until all handlers are done with it.
 *
 * What handlers do wrong is not told here; see `defineEventHandler`.
 *
 * @see https://www.erlang.org/doc/man/gen_event.html#sync_notify-2
 */
export async function syncNotify<M>(
  sender: Operations,
  manager: Target<M>,
  event: EventIn<M>,
  options: CallOptions = {},
): Promise<void> {
  checkActor("syncNotify: sender", sender);
  const to = manager as Target<Call<readonly ["notify", unknown], undefined>>;
  await sender.call(to, ["notify", event], { timeoutMs: Infinity, ...options });
}

/**
 * Adds a handler to a manager, before all that are there. Several may have the same id; then the newest
 * is meant.
 *
 * @param handler with its arguments: `logger.with("debug")`
 * @throws EventHandlerFailedError its `init` failed; its `reason` says why
 * @throws UnknownEventHandlerError only its name is known, and the manager does not know it
 * @example
 * import { createNode } from "@coppice/core";
 * import { addHandler, defineEventHandler, defineEventManager, whichHandlers } from "@coppice/supervisor";
 * const logger = defineEventHandler({
 *   name: "logger",
 *   init: (level: string) => level,
 *   event: (level, event: string) => console.log(level, event),
 * });
 * const node = createNode();
 * const manager = await node.start(defineEventManager<string>());
 * await addHandler(node, manager, logger.with("info"));
 * await addHandler(node, manager, logger.as("alarms").with("error"));
 * await whichHandlers(node, manager); // => [["logger", "alarms"], "logger"]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_event.html#add_handler-3
 */
export async function addHandler<M>(
  asker: Operations,
  manager: Target<M>,
  handler: HandlerFor<M>,
  options?: CallOptions,
): Promise<void> {
  checkActor("addHandler: asker", asker);
  const added = toAdd(checkHandler("addHandler: handler", handler));
  await ask(asker, manager, { type: "add", handler: added, owner: undefined }, options);
}

/**
 * Adds a handler that the asking process owns: the two are linked. When the handler is gone, for
 * whatever reason, the owner gets an `EventHandlerExit`; when the owner ends, the handler is removed.
 *
 * The link stays when the handler has gone, as another one may need it. An exit signal that the owner
 * sends to the manager is taken for its end.
 *
 * @param owner the `self` of a process that understands `EventHandlerExit`
 * @throws EventHandlerFailedError, UnknownEventHandlerError as `addHandler` does
 * @example
 * import { createNode, type Self } from "@coppice/core";
 * import { addSupervisedHandler, defineEventHandler, defineEventManager, notify, type EventHandlerExit } from "@coppice/supervisor";
 * const fragile = defineEventHandler({
 *   name: "fragile",
 *   init: () => 0,
 *   event: (_count, event: string, self) => self.exit(event),
 * });
 * const node = createNode({ logger: false });
 * const manager = await node.start(defineEventManager<string>());
 * const told = await new Promise<EventHandlerExit>((resolve) => {
 *   node.spawn(async (self: Self<EventHandlerExit>) => {
 *     await addSupervisedHandler(self, manager, fragile);
 *     notify(self, manager, "too much");
 *     resolve(await self.receive());
 *   });
 * });
 * told.reason; // => { failed: "too much" }
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_event.html#add_sup_handler-3
 */
export async function addSupervisedHandler<M>(
  owner: EventHandlerOwner,
  manager: Target<M>,
  handler: HandlerFor<M>,
  options?: CallOptions,
): Promise<void> {
  const added = toAdd(checkHandler("addSupervisedHandler: handler", handler));
  const { pid } = checkOwner("addSupervisedHandler: owner", owner);
  await ask(owner, manager, { type: "add", handler: added, owner: pid }, options);
}

/**
 * Removes a handler, the newest of that id. Returns what its `terminate` returned, which gets
 * `{ type: "delete", argument }`.
 *
 * @throws NoEventHandlerError there is none
 * @throws EventHandlerFailedError its `terminate` failed; it is gone all the same
 * @see https://www.erlang.org/doc/man/gen_event.html#delete_handler-3
 */
export async function deleteHandler(
  asker: Operations,
  manager: EventManagerTarget,
  handler: AnyEventHandler | EventHandlerId,
  options: SwapOptions = {},
): Promise<unknown> {
  checkActor("deleteHandler: asker", asker);
  const id = checkId("deleteHandler: handler", handler);
  const { argument, ...callOptions } = options;
  return ask(asker, manager, { type: "delete", id, argument }, callOptions);
}

/**
 * Puts a handler in the place of another. The old one's `terminate` gets `{ type: "swap", to,
 * argument }`, and what it returns goes to `takeOver` of the new one, or nowhere if it has only `init`.
 * The new one comes before all others, and belongs to the owner of the old one, if that had one.
 *
 * When there is no old one, the new one is told so, and added all the same.
 *
 * @throws EventHandlerFailedError `init` or `takeOver` of the new one failed; the old one is gone all
 * the same
 * @throws UnknownEventHandlerError only its name is known, and the manager does not know it
 * @example
 * import { createNode } from "@coppice/core";
 * import { addHandler, callHandler, defineEventHandler, defineEventManager, notify, swapHandler } from "@coppice/supervisor";
 * const quiet = defineEventHandler({
 *   name: "quiet",
 *   init: () => 0,
 *   event: (count, _event: string) => ({ state: count + 1 }),
 *   terminate: (count) => count,
 * });
 * const loud = defineEventHandler({
 *   name: "loud",
 *   init: () => 0,
 *   takeOver: (from) => (from.type === "handover" ? Number(from.result) : 0),
 *   event: (count, _event: string) => ({ state: count + 100 }),
 *   call: { count: (count) => ({ reply: count }) },
 * });
 * const node = createNode();
 * const manager = await node.start(defineEventManager<string>());
 * await addHandler(node, manager, quiet);
 * notify(node, manager, "one");
 * await swapHandler(node, manager, quiet, loud);
 * notify(node, manager, "two");
 * await callHandler(node, manager, loud, ["count"]); // => 101
 * await node.stop();
 * @see https://www.erlang.org/doc/man/gen_event.html#swap_handler-3
 */
export async function swapHandler<M>(
  asker: Operations,
  manager: Target<M>,
  from: AnyEventHandler | EventHandlerId,
  to: HandlerFor<M>,
  options: SwapOptions = {},
): Promise<void> {
  checkActor("swapHandler: asker", asker);
  const { argument, ...callOptions } = options;
  const action: HandlerAction = {
    type: "swap",
    from: checkId("swapHandler: from", from),
    argument,
    to: toAdd(checkHandler("swapHandler: to", to)),
    owner: undefined,
  };
  await ask(asker, manager, action, callOptions);
}

/**
 * As `swapHandler`, and the asking process becomes the owner of the new handler, as with
 * `addSupervisedHandler`.
 *
 * @throws EventHandlerFailedError, UnknownEventHandlerError as `swapHandler` does
 * @see https://www.erlang.org/doc/man/gen_event.html#swap_sup_handler-3
 */
export async function swapSupervisedHandler<M>(
  owner: EventHandlerOwner,
  manager: Target<M>,
  from: AnyEventHandler | EventHandlerId,
  to: HandlerFor<M>,
  options: SwapOptions = {},
): Promise<void> {
  const { argument, ...callOptions } = options;
  const action: HandlerAction = {
    type: "swap",
    from: checkId("swapSupervisedHandler: from", from),
    argument,
    to: toAdd(checkHandler("swapSupervisedHandler: to", to)),
    owner: checkOwner("swapSupervisedHandler: owner", owner).pid,
  };
  await ask(owner, manager, action, callOptions);
}

/**
 * Sends a request to one handler, the newest of that id, and waits for the reply.
 *
 * | what happens | the caller gets |
 * | --- | --- |
 * | the callback returns | its `reply`, or `undefined` without one |
 * | it throws, exits, or returns what it must not | `EventHandlerFailedError`; the handler is removed |
 * | the handler has no callback for the request | `UnknownRequestError`; the handler stays |
 * | there is no such handler | `NoEventHandlerError` |
 *
 * @param options.timeoutMs 5000 by default
 * @throws EventHandlerFailedError, UnknownRequestError, NoEventHandlerError see above
 * @see https://www.erlang.org/doc/man/gen_event.html#call-4
 */
export async function callHandler<P, const Q extends RequestOf<P>>(
  caller: Operations,
  manager: EventManagerTarget,
  handler: EventHandler<never, never, P, readonly unknown[]>,
  request: Q,
  options?: CallOptions,
): Promise<ReplyOf<P, Q>> {
  checkActor("callHandler: caller", caller);
  const id = checkId("callHandler: handler", handler);
  const reply = await send(caller, manager, { type: "call", id, request }, options);
  return reply as ReplyOf<P, Q>;
}

/**
 * Sends a request to one handler, and does not wait for the reply. What comes of it is what `callHandler`
 * would have returned or thrown.
 *
 * @throws what `call` throws for a bad target or a request that cannot be sent
 * @see https://www.erlang.org/doc/man/gen_event.html#send_request-3
 */
export function sendHandlerRequest<P, const Q extends RequestOf<P>>(
  caller: Operations,
  manager: EventManagerTarget,
  handler: EventHandler<never, never, P, readonly unknown[]>,
  request: Q,
): Request<ReplyOf<P, Q>> {
  checkActor("sendHandlerRequest: caller", caller);
  const id = checkId("sendHandlerRequest: handler", handler);
  const abandonment = new Abandonment(new RequestAbandonedError());
  const options = { timeoutMs: Infinity, signal: abandonment };
  const reply = send(caller, manager, { type: "call", id, request }, options);
  return new Request(caller, reply as Promise<ReplyOf<P, Q>>, abandonment);
}

/**
 * The ids of all handlers, newest first.
 *
 * @see https://www.erlang.org/doc/man/gen_event.html#which_handlers-1
 */
export async function whichHandlers(
  asker: Operations,
  manager: EventManagerTarget,
  options?: CallOptions,
): Promise<readonly EventHandlerId[]> {
  checkActor("whichHandlers: asker", asker);
  return (await ask(asker, manager, { type: "which" }, options)) as readonly EventHandlerId[];
}

function ask(
  asker: Operations,
  manager: unknown,
  action: HandlerAction,
  options: CallOptions | undefined,
): Promise<unknown> {
  return send(asker, manager, action, { timeoutMs: Infinity, ...options });
}

function send(
  asker: Operations,
  manager: unknown,
  action: HandlerAction,
  options: CallOptions | undefined,
): Promise<unknown> {
  const to = manager as Target<Call<HandlerRequest, HandlerAnswer>>;
  return asker.call(to, { type: "eventHandler", action }, options).then(readAnswer);
}

function readAnswer(answer: HandlerAnswer): unknown {
  switch (answer.type) {
    case "done":
      return answer.value;
    case "failed":
      throw new EventHandlerFailedError(answer.manager, answer.handler, answer.reason);
    case "noHandler":
      throw new NoEventHandlerError(answer.manager, answer.handler);
    case "unknownHandler":
      throw new UnknownEventHandlerError(answer.manager, answer.handler);
    default:
      return answer satisfies never;
  }
}

function checkHandler(argument: string, handler: unknown): HandlerReference {
  if (!(handler instanceof HandlerReference)) {
    throw new InvalidArgumentError(argument, "an event handler", handler);
  }
  const { code, args = [] } = handler;
  const refusal = code?.refusal(argument, args);
  if (refusal !== undefined) throw refusal;
  return handler;
}

function checkId(argument: string, handler: AnyEventHandler | EventHandlerId): EventHandlerId {
  if (handler instanceof HandlerReference) return handler.id;
  if (isEventHandlerId(handler)) return handler;
  throw new InvalidArgumentError(argument, "an event handler, or the id of one", handler);
}

/** The node is nobody who could be told. */
function checkOwner(argument: string, owner: EventHandlerOwner): EventHandlerOwner {
  checkActor(argument, owner);
  if (owner.pid.serial !== 0) return owner;
  throw new InvalidArgumentError(argument, "the self of a process", owner);
}

/**
 * Looking into any behaviour's process, from outside its protocol: its state, its status, what it
 * does; suspending it, and replacing its state or its code while its callers wait.
 *
 * For debugging, and for changes in a running system; a program's own logic does without.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html
 */
import {
  guardedObservable,
  InvalidArgumentError,
  opaque,
  type AnyName,
  type AnyPid,
  type Call,
  type CallOptions,
  type ExitReason,
  type Node,
  type Opaque,
  type Operations,
  type RemoteName,
  type Target,
} from "@coppice/core";
import type { Observable } from "rxjs";
import { checkActor } from "./actor-check.js";
import type { AnyBehaviour } from "./behaviour-start.js";
import type { AnyEventHandler } from "./event-handler.js";
import {
  STATISTICS_FLAGS,
  type StateReply,
  type Statistics,
  type StatisticsFlag,
  type Status,
  type SystemAction,
  type SystemEvent,
  type SystemRequest,
  type Tracer,
} from "./system-request.js";

export type { Statistics, Status, SystemEvent } from "./system-request.js";

/** Who is asked: a pid, or a name. */
export type SystemTarget = AnyPid | AnyName | RemoteName<never>;

function request(
  caller: Operations,
  target: SystemTarget,
  action: SystemAction,
  options: CallOptions | undefined,
): Promise<unknown> {
  checkActor(`sys.${action.type}: caller`, caller);
  const sent: SystemRequest = { type: "system", action };
  // Every behaviour answers these, whatever its protocol says.
  const to = target as Target<Call<SystemRequest, unknown>>;
  return caller.call(to, sent, options);
}

/** A state travels unseen by the isolation of a node; between nodes it is copied. */
async function requestState(
  caller: Operations,
  target: SystemTarget,
  action: SystemAction,
  options: CallOptions | undefined,
): Promise<unknown> {
  const reply = (await request(caller, target, action, options)) as StateReply;
  return "local" in reply ? reply.local.value : reply.state;
}

/**
 * The state of a behaviour's process: of a server its state, of a state machine `{ state, data }`, of
 * an event manager its handlers, of a supervisor its children.
 *
 * On the node of the process it is the state itself and no copy, whatever the node's isolation: do not
 * change it.
 *
 * @throws CallTimeoutError, NoProcessError, ServerExitError as of any call
 * @see https://www.erlang.org/doc/man/sys.html#get_state-1
 */
export async function getState<S = unknown>(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<S> {
  return (await requestState(caller, target, { type: "getState" }, options)) as S;
}

/**
 * Replaces the state by what `replace` makes of it, and returns that. Only on the node of the process.
 *
 * What `replace` throws is thrown here, and the state stays.
 *
 * @see https://www.erlang.org/doc/man/sys.html#replace_state-2
 */
export async function replaceState<S>(
  caller: Operations,
  target: SystemTarget,
  replace: (state: S) => S | PromiseLike<S>,
  options?: CallOptions,
): Promise<S> {
  const action = { type: "replaceState", replace: code("replaceState: replace", replace) } as const;
  return (await requestState(caller, target, action, options)) as S;
}

function code(argument: string, act: unknown): Opaque<(state: never) => unknown> {
  if (typeof act !== "function") throw new InvalidArgumentError(argument, "a function", act);
  return opaque(act as (state: never) => unknown);
}

/**
 * Has a process take nothing but system requests, and the exit of its parent. Its callers wait; nothing
 * is lost. Once is as good as twice.
 *
 * @see https://www.erlang.org/doc/man/sys.html#suspend-1
 */
export async function suspend(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<void> {
  await request(caller, target, { type: "suspend" }, options);
}

/**
 * Ends `suspend`: what came meanwhile is handled in order.
 *
 * @see https://www.erlang.org/doc/man/sys.html#resume-1
 */
export async function resume(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<void> {
  await request(caller, target, { type: "resume" }, options);
}

/**
 * What kind of process it is, its parent, whether it is suspended, and its state as its `status` shows
 * it; without a `status` the state itself.
 *
 * What `status` throws is thrown here.
 *
 * @see https://www.erlang.org/doc/man/sys.html#get_status-1
 */
export async function getStatus(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<Status> {
  return (await requestState(caller, target, { type: "getStatus" }, options)) as Status;
}

/**
 * Ends a process with `reason`, in order: its `terminate` is called. Returns when it has begun to end;
 * `stop` waits until it has ended.
 *
 * @throws InvalidArgumentError `reason` is a pid or a promise
 * @see https://www.erlang.org/doc/man/sys.html#terminate-2
 */
export async function terminate(
  caller: Operations,
  target: SystemTarget,
  reason: ExitReason,
  options?: CallOptions,
): Promise<void> {
  await request(caller, target, { type: "terminate", reason }, options);
}

/**
 * Replaces the code of a suspended process by another behaviour of its kind, while its callers wait.
 * When it throws, nothing was changed. An event manager takes an event handler: it replaces the code of
 * all that have its name.
 *
 * @param migrate makes the new code's state of the old one's; without it the state stays
 * @throws NotSuspendedError it has to be suspended first
 * @throws InvalidArgumentError `behaviour` is not of its kind
 * @see https://www.erlang.org/doc/man/sys.html#change_code-4
 */
export async function changeCode(
  caller: Operations,
  target: SystemTarget,
  behaviour: AnyBehaviour | AnyEventHandler,
  options: CallOptions & { readonly migrate?: (state: never) => unknown } = {},
): Promise<void> {
  const { migrate, ...callOptions } = options;
  const action = {
    type: "changeCode",
    behaviour: opaque(behaviour),
    migrate: migrate === undefined ? undefined : code("changeCode: options.migrate", migrate),
  } as const;
  await request(caller, target, action, callOptions);
}

/**
 * Switches the counting of messages on or off, or tells what was counted; `undefined` when it is off.
 *
 * @throws InvalidArgumentError `flag` is none
 * @see https://www.erlang.org/doc/man/sys.html#statistics-2
 */
export async function statistics(
  caller: Operations,
  target: SystemTarget,
  flag: StatisticsFlag,
  options?: CallOptions,
): Promise<Statistics | undefined> {
  if (!STATISTICS_FLAGS.includes(flag)) {
    throw new InvalidArgumentError("statistics: flag", STATISTICS_FLAGS.join(" or "), flag);
  }
  const answer = await request(caller, target, { type: "statistics", flag }, options);
  return typeof answer === "object" ? (answer as Statistics) : undefined;
}

/**
 * What a process takes, replies and becomes, from the moment of subscription on; completes when the
 * process ends. Only on the node of the process.
 *
 * A subscriber is called by the process itself, and keeps it from its work meanwhile. What it throws
 * becomes a `subscriberFailed` event of the node. When the process cannot be asked, the Observable
 * fails as a call would.
 *
 * @example
 * import { createNode } from "@coppice/core";
 * import { defineServer, sys } from "@coppice/supervisor";
 * const counter = defineServer({ init: () => 0, call: { next: (n) => ({ reply: n, state: n + 1 }) } });
 * const node = createNode();
 * const pid = await node.start(counter);
 * const states: unknown[] = [];
 * sys.trace(node, pid).subscribe((event) => event.type === "state" && states.push(event.state));
 * await node.call(pid, ["next"]);
 * states; // => [1]
 * await node.stop();
 * @see https://www.erlang.org/doc/man/sys.html#trace-2
 */
export function trace(caller: Operations, target: SystemTarget): Observable<SystemEvent> {
  checkActor("sys.trace: caller", caller);
  const { node = caller as Node } = caller as { readonly node?: Node };
  return guardedObservable(node, (subscriber) => {
    const action = { type: "trace", tracer: opaque<Tracer>(subscriber) } as const;
    request(caller, target, action, undefined).catch((error: unknown) => subscriber.error(error));
  });
}

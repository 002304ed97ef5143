/**
 * Looking into any behaviour's process, from outside its protocol: its state, its status, what it
 * does; suspending it, and replacing its state or its code while its callers wait.
 *
 * For debugging, and for changes in a running system; a program's own logic does without.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html
 */
import {
  type AnyName,
  type AnyPid,
  type Call,
  type CallOptions,
  type ExitReason,
  type Operations,
  type RemoteName,
  type Target,
} from "@coppice/core";
import { Observable } from "rxjs";
import type { AnyBehaviour } from "./behaviour.js";
import type {
  Statistics,
  Status,
  SystemAction,
  SystemEvent,
  SystemRequest,
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
  const sent: SystemRequest = { type: "system", action };
  // Every behaviour answers these, whatever its protocol says.
  const to = target as unknown as Target<Call<SystemRequest, unknown>>;
  return caller.call(to, sent, options);
}

/**
 * The state of a behaviour's process: of a server its state, of a state machine `{ state, data }`, of
 * an event manager its handlers, of a supervisor its children.
 *
 * @throws CallTimeoutError, NoProcessError, ServerExitError as of any call
 */
export async function getState<S = unknown>(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<S> {
  return (await request(caller, target, { type: "getState" }, options)) as S;
}

/**
 * Replaces the state by what `replace` makes of it, and returns that.
 *
 * What `replace` throws is thrown here, and the state stays.
 */
export async function replaceState<S>(
  caller: Operations,
  target: SystemTarget,
  replace: (state: S) => S,
  options?: CallOptions,
): Promise<S> {
  return (await request(caller, target, { type: "replaceState", replace }, options)) as S;
}

/** Has a process take nothing but system requests. Its callers wait; nothing is lost. */
export async function suspend(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<void> {
  await request(caller, target, { type: "suspend" }, options);
}

/** Ends `suspend`: what came meanwhile is handled in order. */
export async function resume(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<void> {
  await request(caller, target, { type: "resume" }, options);
}

/** What kind of process it is, its parent, whether it is suspended, and its state as its `status` shows it. */
export async function getStatus(
  caller: Operations,
  target: SystemTarget,
  options?: CallOptions,
): Promise<Status> {
  return (await request(caller, target, { type: "getStatus" }, options)) as Status;
}

/** Ends a process with `reason`, in order: its `terminate` is called. Returns when it has begun to end. */
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
 * When it throws, nothing was changed.
 *
 * @param migrate makes the new code's state of the old one's; without it the state stays
 * @throws NotSuspendedError it has to be suspended first
 * @throws InvalidArgumentError `behaviour` is not of its kind
 * @see https://www.erlang.org/doc/man/sys.html#change_code-4
 */
export async function changeCode(
  caller: Operations,
  target: SystemTarget,
  behaviour: AnyBehaviour,
  options: CallOptions & { readonly migrate?: (state: never) => unknown } = {},
): Promise<void> {
  const { migrate, ...callOptions } = options;
  await request(caller, target, { type: "changeCode", behaviour, migrate }, callOptions);
}

/** Switches the counting of messages on or off, or tells what was counted; `undefined` when it is off. */
export async function statistics(
  caller: Operations,
  target: SystemTarget,
  flag: "on" | "off" | "get",
  options?: CallOptions,
): Promise<Statistics | undefined> {
  const answer = await request(caller, target, { type: "statistics", flag }, options);
  return typeof answer === "object" ? (answer as Statistics) : undefined;
}

/**
 * What a process takes, replies and becomes, from the moment of subscription on; completes when the
 * process ends. Only on the node of the process.
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
 */
export function trace(caller: Operations, target: SystemTarget): Observable<SystemEvent> {
  return new Observable((subscriber) => {
    const tracer = {
      next: (event: SystemEvent): void => subscriber.next(event),
      complete: (): void => subscriber.complete(),
    };
    const adjust = (flag: "on" | "off"): Promise<unknown> =>
      request(caller, target, { type: "trace", flag, tracer }, undefined);
    adjust("on").catch((error: unknown) => subscriber.error(error));
    return () => {
      // One that has ended traces nobody any more.
      adjust("off").catch(() => undefined);
    };
  });
}

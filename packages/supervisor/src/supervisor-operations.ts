/**
 * What can be asked of a supervisor at run time.
 *
 * Each function takes who asks (the `self` of a process, or the node) and the supervisor. A supervisor
 * that is starting or stopping a child answers when that is done; as in OTP, they wait without a limit
 * unless `options` set one.
 *
 * All of them throw what `call` throws: `NoProcessError`, `ServerExitError`, `CallTimeoutError`,
 * `CallCycleError`.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import {
  isPid,
  opaque,
  type AnyPid,
  type CallOptions,
  type Operations,
  type ReplyOf,
  type RequestOf,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import type { ChildCounts, ChildInfo, ChildSpecInfo } from "./child-info.js";
import { checkChildSpec } from "./child-spec-check.js";
import type { ChildSpec } from "./child-spec.js";
import type {
  DeleteChildResult,
  RestartChildResult,
  StartChildResult,
  TerminateChildResult,
} from "./child-request.js";
import type {
  SpecOfDynamicChild,
  StartDynamicChild,
  StartDynamicChildResult,
  TerminateDynamicChild,
  TerminateDynamicChildResult,
} from "./dynamic-supervisor-message.js";
import { InvalidChildSpecError } from "./errors.js";
import type { SupervisorMessage, SupervisorQuery } from "./supervisor-message.js";

/**
 * Adds a child and starts it. A child that ignores its start is kept without a pid, unless it is
 * temporary; one that fails is not kept.
 *
 * | result | when |
 * | --- | --- |
 * | `{ ok: true, pid }` | it runs; `pid` is `undefined` when it ignored its start |
 * | `already_started`, with its `pid` | a child with that id runs |
 * | `already_present` | there is one with that id, which does not run |
 * | `start_failed`, with the `reason` | its start failed |
 *
 * @throws InvalidChildSpecError a field of the spec is not as it has to be, or it is significant and
 * the supervisor's `autoShutdown` is `"never"`
 * @see https://www.erlang.org/doc/man/supervisor.html#start_child-2
 */
export function startChild<M = never>(
  asker: Operations,
  supervisor: Target<SupervisorMessage>,
  spec: ChildSpec<M>,
  options?: CallOptions,
): Promise<Exclude<StartChildResult<M>, { readonly error: "significant" }>>;
/**
 * Starts a child of a dynamic supervisor; `args` follow the arguments of its template. One that fails, or
 * ignores its start, is not kept.
 *
 * | result | when |
 * | --- | --- |
 * | `{ ok: true, pid }` | it runs; `pid` is `undefined` when it ignored its start |
 * | `max_children` | there are as many as the supervisor's `maxChildren` allows |
 * | `start_failed`, with the `reason` | its start failed |
 */
export function startChild<M, A extends readonly unknown[]>(
  asker: Operations,
  supervisor: Target<StartDynamicChild<M, A>>,
  args: A,
  options?: CallOptions,
): Promise<StartDynamicChildResult<M>>;
export async function startChild(
  asker: Operations,
  supervisor: Target<never>,
  what: ChildSpec | readonly unknown[],
  options?: CallOptions,
): Promise<StartChildResult | StartDynamicChildResult> {
  if (Array.isArray(what)) {
    return ask(
      asker,
      supervisor as Target<StartDynamicChild<never, readonly unknown[]>>,
      { type: "startChild", args: what },
      options,
    );
  }
  const checked = checkChildSpec(what as ChildSpec, "child");
  const request = { type: "startChild", spec: opaque(checked) } as const;
  const result = await ask(asker, supervisor as Target<SupervisorMessage>, request, options);
  if (!result.ok && result.error === "significant") {
    const expected = `false, as the supervisor's autoShutdown is "never"`;
    throw new InvalidChildSpecError("child.significant", expected, true, "bad_combination");
  }
  return result;
}

/**
 * Starts a child again that was stopped, or has ended for good. That counts as no restart.
 *
 * @see https://www.erlang.org/doc/man/supervisor.html#restart_child-2
 */
export function restartChild(
  asker: Operations,
  supervisor: Target<SupervisorMessage>,
  id: string,
  options?: CallOptions,
): Promise<RestartChildResult> {
  return ask(asker, supervisor, { type: "restartChild", id }, options);
}

/**
 * Stops a child, as its `shutdown` says. Its spec stays, unless it is temporary. A child that is not
 * running stays so.
 *
 * @see https://www.erlang.org/doc/man/supervisor.html#terminate_child-2
 */
export function terminateChild(
  asker: Operations,
  supervisor: Target<SupervisorMessage>,
  id: string,
  options?: CallOptions,
): Promise<TerminateChildResult>;
/** Stops a child of a dynamic supervisor. Of a process that is dead already this is no error, either. */
export function terminateChild(
  asker: Operations,
  supervisor: Target<TerminateDynamicChild>,
  pid: AnyPid,
  options?: CallOptions,
): Promise<TerminateDynamicChildResult>;
export function terminateChild(
  asker: Operations,
  supervisor: Target<never>,
  child: string | AnyPid,
  options?: CallOptions,
): Promise<TerminateDynamicChildResult> {
  const either = supervisor as Target<TerminateDynamicChild | SupervisorMessage>;
  const whom = isPid(child) ? { pid: child } : { id: child };
  return ask(asker, either, { type: "terminateChild", ...whom }, options);
}

/**
 * Removes the spec of a child that is not running.
 *
 * @see https://www.erlang.org/doc/man/supervisor.html#delete_child-2
 */
export function deleteChild(
  asker: Operations,
  supervisor: Target<SupervisorMessage>,
  id: string,
  options?: CallOptions,
): Promise<DeleteChildResult> {
  return ask(asker, supervisor, { type: "deleteChild", id }, options);
}

/**
 * All children, in start order (OTP's list is the reverse).
 *
 * @see https://www.erlang.org/doc/man/supervisor.html#which_children-1
 */
export function whichChildren(
  asker: Operations,
  supervisor: Target<SupervisorQuery>,
  options?: CallOptions,
): Promise<readonly ChildInfo[]> {
  return ask(asker, supervisor, { type: "whichChildren" }, options);
}

/** @see https://www.erlang.org/doc/man/supervisor.html#count_children-1 */
export function countChildren(
  asker: Operations,
  supervisor: Target<SupervisorQuery>,
  options?: CallOptions,
): Promise<ChildCounts> {
  return ask(asker, supervisor, { type: "countChildren" }, options);
}

/**
 * The spec of a child, defaults filled in; `undefined` when there is none with that id.
 *
 * @see https://www.erlang.org/doc/man/supervisor.html#get_childspec-2
 */
export function getChildSpec(
  asker: Operations,
  supervisor: Target<SupervisorMessage>,
  id: string,
  options?: CallOptions,
): Promise<ChildSpecInfo | undefined>;
/** The template of a child of a dynamic supervisor; `undefined` for a process that is none of its children. */
export function getChildSpec(
  asker: Operations,
  supervisor: Target<SpecOfDynamicChild>,
  pid: AnyPid,
  options?: CallOptions,
): Promise<ChildSpecInfo | undefined>;
export function getChildSpec(
  asker: Operations,
  supervisor: Target<never>,
  child: string | AnyPid,
  options?: CallOptions,
): Promise<ChildSpecInfo | undefined> {
  const either = supervisor as Target<SpecOfDynamicChild | SupervisorMessage>;
  const whom = isPid(child) ? { pid: child } : { id: child };
  return ask(asker, either, { type: "getChildSpec", ...whom }, options);
}

function ask<M, const Q extends RequestOf<M>>(
  asker: Operations,
  supervisor: Target<M>,
  request: Q,
  options: CallOptions = {},
): Promise<ReplyOf<M, Q>> {
  const { type } = request as { readonly type: string };
  checkActor(`${type}: asker`, asker);
  return asker.call(supervisor, request, { timeoutMs: Infinity, ...options });
}

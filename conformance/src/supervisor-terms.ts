/**
 * Supervisors and their children: as programs write them and as Erlang returns them.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import type {
  ChildInfo,
  ChildSpecInfo,
  DeleteChildResult,
  RestartChildResult,
  StartChildResult,
  StartDynamicChildResult,
  TerminateChildResult,
  TerminateDynamicChildResult,
} from "@coppice/supervisor";
import type { Value } from "./term.js";
import { termOfReason } from "./translation.js";

/**
 * What `which_children` returns, newest first: id, pid and type.
 *
 * @param isDynamic whether the children are all of one kind: then they have no ids in Erlang
 */
export function termOfChildren(
  children: readonly ChildInfo[],
  isDynamic: boolean,
): [id: Value, pid: Value, type: Value][] {
  return children
    .map(({ id, pid, type, status }): [Value, Value, Value] => [
      isDynamic ? "undefined" : id,
      pid ?? (status === "restarting" ? "restarting" : "undefined"),
      type,
    ])
    .reverse();
}

/** What `get_childspec` returns, without `start` and `modules`. */
export function termOfSpec(spec: ChildSpecInfo | undefined): Value {
  if (spec === undefined) return ["error", "not_found"];
  const { id, restart, shutdown, significant, type } = spec;
  const entries: [Value, Value][] = Object.entries({ id, restart, shutdown, significant, type });
  return ["ok", { map: entries }];
}

type Result =
  | StartChildResult
  | StartDynamicChildResult
  | RestartChildResult
  | TerminateChildResult
  | TerminateDynamicChildResult
  | DeleteChildResult;

/**
 * What the operations on children return.
 *
 * @param failedToStart what stands for a failed start: a supervisor adds the specification in some cases
 */
export function termOfResult(result: Result, failedToStart: (reason: Value) => Value): Value {
  if (result.ok) {
    if (!("pid" in result)) return "ok";
    const pid = result.pid ?? "undefined";
    return "info" in result && result.info !== undefined
      ? ["ok", pid, result.info as Value]
      : ["ok", pid];
  }
  switch (result.error) {
    case "start_failed":
      return ["error", failedToStart(termOfReason(result.reason))];
    case "already_started":
      return ["error", ["already_started", result.pid]];
    default:
      return ["error", result.error];
  }
}

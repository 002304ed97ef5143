/** What a supervisor does about requests: children added, restarted, stopped and removed by hand. */
import type { ChildRequest } from "./child-request.js";
import type { CheckedChildSpec } from "./child-spec.js";
import { newChild, type ChildState } from "./child-state.js";
import {
  after,
  applyStarts,
  reply,
  report,
  resultOf,
  start,
  startAction,
  stop,
  type StartResults,
  type Starts,
} from "./decision-steps.js";
import type { Decision, SupervisorAction } from "./supervisor-event.js";
import { find, pick, put, removeAll, type SupervisorState } from "./supervisor-state.js";

export function requested(state: SupervisorState, request: ChildRequest): Decision {
  switch (request.type) {
    case "startChild":
      return startChild(state, request.spec);
    case "restartChild":
      return restartChild(state, request.id);
    case "terminateChild":
      return terminateChild(state, request.id);
    case "deleteChild":
      return deleteChild(state, request.id);
    default:
      return request satisfies never;
  }
}

/**
 * | a child with that id | the reply |
 * | --- | --- |
 * | none | it is started, and added unless that fails, or it is temporary and ignores its start |
 * | running | `already_started` and its pid |
 * | any other | `already_present` |
 */
function startChild(state: SupervisorState, spec: CheckedChildSpec): Decision {
  if (spec.significant && state.autoShutdown === "never") {
    return reply(state, { ok: false, error: "significant" });
  }
  const present = find(state, spec.id);
  if (present?.status === "running") {
    return reply(state, { ok: false, error: "already_started", pid: present.pid });
  }
  if (present !== undefined) return reply(state, { ok: false, error: "already_present" });
  const child = newChild(spec, state.removedIncarnation);
  return {
    state: { ...state, activity: { type: "adding", child } },
    actions: [startAction([child])],
  };
}

/**
 * | child | the reply |
 * | --- | --- |
 * | stopped | it is started; if that fails it stays stopped |
 * | running, restarting, none | `running`, `restarting`, `not_found` |
 */
function restartChild(state: SupervisorState, id: string): Decision {
  const child = find(state, id);
  if (child === undefined) return reply(state, { ok: false, error: "not_found" });
  if (child.status !== "stopped") return reply(state, { ok: false, error: child.status });
  return start({ ...state, activity: { type: "starting", id } }, [id]);
}

/**
 * | child | what happens |
 * | --- | --- |
 * | running | it is stopped; its spec stays unless it is temporary |
 * | stopped, restarting | it is stopped from now on |
 * | none | `not_found` |
 */
function terminateChild(state: SupervisorState, id: string): Decision {
  const child = find(state, id);
  if (child === undefined) return reply(state, { ok: false, error: "not_found" });
  return stop({ ...state, activity: { type: "terminating", id } }, [child]);
}

/**
 * | child | the reply |
 * | --- | --- |
 * | stopped | its spec is removed |
 * | running, restarting, none | `running`, `restarting`, `not_found` |
 */
function deleteChild(state: SupervisorState, id: string): Decision {
  const child = find(state, id);
  if (child === undefined) return reply(state, { ok: false, error: "not_found" });
  if (child.status !== "stopped") return reply(state, { ok: false, error: child.status });
  return reply(removeAll(state, [child]), { ok: true });
}

/** What came of the start of a child that is to be added: one that failed is not. */
export function added(
  state: SupervisorState,
  child: ChildState,
  results: StartResults,
  nowMs: number,
): Decision {
  const withChild = { ...state, children: state.children.with(child) };
  const starts = applyStarts(withChild, results, nowMs);
  const { next, failed } = starts;
  const kept = failed === undefined ? next : removeAll(next, pick(next, [child.id]));
  return answered(kept, starts, results);
}

/** What came of the start of a stopped child; with it its failures are forgotten. */
export function startedByHand(
  state: SupervisorState,
  id: string,
  results: StartResults,
  nowMs: number,
): Decision {
  const starts = applyStarts(state, results, nowMs);
  const children = pick(starts.next, [id]).map((child) => ({ ...child, failures: 0 }));
  return answered(put(starts.next, children), starts, results);
}

function answered(state: SupervisorState, { failed }: Starts, results: StartResults): Decision {
  const failures: SupervisorAction[] =
    failed === undefined
      ? []
      : [report({ type: "startFailed", ...failed, consequence: { type: "none" } })];
  const result = resultOf(results.at(-1)?.result ?? "ignore");
  return after(failures, reply(state, result));
}

/** The steps that decisions are made of: some children stop, some start, and what comes of that. */
import { isOrderly, type ExitReason, type Term } from "@coppice/core";
import type { ChildReply, Started, StartFailed } from "./child-request.js";
import type { CheckedChildSpec } from "./child-spec.js";
import { ended, notRunning, type ChildState } from "./child-state.js";
import type { StartResult } from "./start.js";
import type { Decision, SupervisorAction } from "./supervisor-event.js";
import type { SupervisorReport } from "./supervisor-report.js";
import { IDLE, pick, put, removeAll, type SupervisorState } from "./supervisor-state.js";

/** All children stop, last started first; then the supervisor exits. */
export function terminate(state: SupervisorState, reason: ExitReason): Decision {
  return stop({ ...state, activity: { type: "stopping", reason } }, state.children);
}

/** Stops those of `children` that run, last started first, for what `state` is about. */
export function stop(state: SupervisorState, children: readonly ChildState[]): Decision {
  const running = children.flatMap(({ id, pid, spec }) =>
    pid === undefined ? [] : [{ id, pid, shutdown: spec.shutdown }],
  );
  if (running.length === 0) return stopped(state, []);
  return { state, actions: [{ type: "stop", children: running.reverse() }] };
}

export function stopped(
  state: SupervisorState,
  exits: readonly { readonly id: string; readonly reason: ExitReason }[],
): Decision {
  const reasons = new Map(exits.map(({ id, reason }) => [id, reason]));
  const children = pick(state, [...reasons.keys()]);
  const unexpected = children.flatMap(({ id, pid, spec }) => {
    const reason = reasons.get(id);
    if (pid === undefined || isExpected(reason, spec)) return [];
    return [report({ type: "shutdownFailed", id, pid, reason })];
  });
  const next = put(
    state,
    children.map((child) => ended(child, reasons.get(child.id))),
  );
  return after(unexpected, whenStopped(next));
}

/** Did it end as it was told to? A permanent child has no other reason to end by itself. */
function isExpected(reason: ExitReason, { shutdown, restart }: CheckedChildSpec): boolean {
  if (shutdown === "brutal_kill" ? reason === "killed" : reason === "shutdown") return true;
  return restart !== "permanent" && isOrderly(reason);
}

/** Those that had to stop have. */
function whenStopped(state: SupervisorState): Decision {
  const { activity } = state;
  switch (activity.type) {
    case "restarting":
      return start(state, activity.ids);
    case "terminating": {
      const terminated = pick(state, [activity.id]).map((child) => notRunning(child, "stopped"));
      return reply(put(state, terminated), { ok: true });
    }
    case "stopping":
      return { state, actions: [{ type: "exit", reason: activity.reason }] };
    case "idle":
    case "booting":
    case "adding":
    case "starting":
      return { state, actions: [] };
    default:
      return activity satisfies never;
  }
}

/** Starts these, in start order. */
export function start(state: SupervisorState, ids: readonly string[]): Decision {
  const children = pick(state, ids);
  return children.length === 0 ? started(state, []) : { state, actions: [startAction(children)] };
}

type StartResults = readonly { readonly id: string; readonly result: StartResult }[];

export function started(state: SupervisorState, results: StartResults): Decision {
  const { activity } = state;
  switch (activity.type) {
    case "booting": {
      const { next, actions, failed } = applyStarts(state, results);
      if (failed === undefined) {
        actions.push({ type: "acknowledge" });
        return { state: { ...next, activity: IDLE }, actions };
      }
      const { id, reason } = failed;
      return after(actions, terminate(next, failedToStart(id, reason)));
    }
    case "restarting": {
      const { next, actions, failed } = applyStarts(state, results, { restarted: true });
      if (failed === undefined) return { state: { ...next, activity: IDLE }, actions };
      // Later, so that what has happened meanwhile goes first: the order to end, for one.
      actions.push({ type: "tryAgain", id: failed.id });
      const waiting = pick(next, [failed.id]).map((child) => notRunning(child, "restarting"));
      return { state: { ...put(next, waiting), activity: IDLE }, actions };
    }
    case "adding": {
      const { child } = activity;
      const added = { ...state, children: [...state.children, child] };
      const { next, actions, failed } = applyStarts(added, results);
      const kept = failed === undefined ? next : removeAll(next, pick(next, [child.id]));
      return after(actions, reply(kept, resultOf(results)));
    }
    case "starting": {
      const { next, actions } = applyStarts(state, results);
      return after(actions, reply(next, resultOf(results)));
    }
    case "idle":
    case "terminating":
    case "stopping":
      return { state, actions: [] };
    default:
      return activity satisfies never;
  }
}

/** Why a supervisor ends whose children could not all be started. OTP's `{shutdown, {failed_to_start_child, Id, Reason}}`. */
function failedToStart(id: string, reason: ExitReason): ExitReason {
  // A crash's reason holds an `Error`, which is data like any other everywhere but in the type.
  return { shutdown: { type: "failed_to_start_child", id, reason: reason as Term } };
}

function applyStarts(
  state: SupervisorState,
  results: StartResults,
  { restarted = false }: { readonly restarted?: boolean } = {},
): {
  next: SupervisorState;
  actions: SupervisorAction[];
  failed: { readonly id: string; readonly reason: ExitReason } | undefined;
} {
  const actions: SupervisorAction[] = [];
  let failed: { readonly id: string; readonly reason: ExitReason } | undefined;
  const outcomes = new Map(results.map(({ id, result }) => [id, result]));
  const attempted = pick(state, [...outcomes.keys()]).map((child): ChildState => {
    const { id } = child;
    const result = outcomes.get(id) ?? "ignore";
    const incarnation = child.incarnation + 1;
    const stopped = { ...notRunning(child, "stopped"), incarnation };
    if (result === "ignore") return stopped;
    if ("error" in result) {
      failed = { id, reason: result.error };
      actions.push(report({ type: "startFailed", id, reason: result.error }));
      return stopped;
    }
    const { pid } = result;
    const restarts = child.restarts + (restarted ? 1 : 0);
    actions.push(report({ type: "childStarted", id, pid, incarnation, restarts }));
    return { ...stopped, restarts, status: "running", pid };
  });
  return { next: put(state, attempted), actions, failed };
}

function resultOf(results: StartResults): Started | StartFailed {
  const result = results.at(-1)?.result ?? "ignore";
  if (result === "ignore") return { ok: true, pid: undefined };
  if ("error" in result) return { ok: false, error: "start_failed", reason: result.error };
  return { ok: true, ...result };
}

export function startAction(children: readonly ChildState[]): SupervisorAction {
  return {
    type: "start",
    children: children.map(({ spec, incarnation }) => ({ spec, incarnation: incarnation + 1 })),
  };
}

export function report(what: SupervisorReport): SupervisorAction {
  return { type: "report", report: what };
}

/** Answers a request, which is done with. */
export function reply(state: SupervisorState, result: ChildReply): Decision {
  return { state: { ...state, activity: IDLE }, actions: [{ type: "reply", result }] };
}

export function after(actions: readonly SupervisorAction[], decision: Decision): Decision {
  return { state: decision.state, actions: [...actions, ...decision.actions] };
}

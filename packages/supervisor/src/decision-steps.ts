/** The steps that decisions are made of: some children stop, some start, and what comes of that. */
import { isOrderly, type ExitReason, type StartResult } from "@coppice/core";
import type { ChildReply, Started, StartFailed } from "./child-request.js";
import type { CheckedChildSpec } from "./child-spec.js";
import {
  endedChild,
  notStartedChild,
  runningChild,
  stoppedChild,
  waitingChild,
  type ChildState,
} from "./child-state.js";
import type { Decision, SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import type { SupervisorReport } from "./supervisor-report.js";
import { find, IDLE, pick, put, type SupervisorState } from "./supervisor-state.js";

/** All children stop, last started first; then the supervisor exits. */
export function terminate(state: SupervisorState, reason: ExitReason): Decision {
  return stop({ ...state, activity: { type: "stopping", reason } }, state.children.list);
}

/** Stops those of `children` that run, last started first, for what `state` is about. */
export function stop(state: SupervisorState, children: readonly ChildState[]): Decision {
  const running = children.flatMap(({ id, pid, spec }) =>
    pid === undefined ? [] : [{ id, pid, shutdown: spec.shutdown }],
  );
  if (running.length === 0) return stopped(state, []);
  return { state, actions: [{ type: "stop", children: running.reverse() }] };
}

/** As in OTP, a child that did not end as it was asked to is reported before others are asked. */
export function childStopped(
  state: SupervisorState,
  { id, reason }: Extract<SupervisorEvent, { type: "childStopped" }>,
): Decision {
  const child = find(state, id);
  if (child?.pid === undefined || isExpected(reason, child.spec)) return { state, actions: [] };
  return { state, actions: [report({ type: "shutdownFailed", id, pid: child.pid, reason })] };
}

export function stopped(
  state: SupervisorState,
  exits: readonly { readonly id: string; readonly reason: ExitReason }[],
): Decision {
  const reasons = new Map(exits.map(({ id, reason }) => [id, reason]));
  const children = pick(state, [...reasons.keys()]);
  return whenStopped(
    put(
      state,
      children.map((child) => endedChild(child, reasons.get(child.id))),
    ),
  );
}

/** Did it end as it was told to? A permanent child has no other reason to end by itself. */
export function isExpected(
  reason: ExitReason,
  { shutdown, restart }: Pick<CheckedChildSpec, "shutdown" | "restart">,
): boolean {
  if (shutdown === "brutal_kill" ? reason === "killed" : reason === "shutdown") return true;
  return restart !== "permanent" && isOrderly(reason);
}

/** Those that had to stop have. */
function whenStopped(state: SupervisorState): Decision {
  const { activity } = state;
  switch (activity.type) {
    case "restarting":
      return start(state, activity.ids);
    case "delaying":
      return wait(state, activity);
    case "terminating": {
      const children = pick(state, [activity.id]);
      const cancelled = waitsEndedBy(state, children);
      return after(cancelled, reply(put(state, children.map(stoppedChild)), { ok: true }));
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

/** All that have stopped, and those that waited already, wait for one start. */
function wait(
  state: SupervisorState,
  { ids, delay, replaces }: Extract<SupervisorState["activity"], { type: "delaying" }>,
): Decision {
  const generation = state.generation + 1;
  const waiting = pick(state, ids).map((child) =>
    waitingChild(child, { generation, delayed: true }),
  );
  return {
    state: { ...put(state, waiting), generation, activity: IDLE },
    actions: [{ type: "restartLater", generation, delay, replaces }],
  };
}

/** Calls off the waits of which nobody is left when these children do not wait any more. */
function waitsEndedBy(
  state: SupervisorState,
  leaving: readonly ChildState[],
): readonly SupervisorAction[] {
  const ids = new Set(leaving.map(({ id }) => id));
  return leaving.flatMap(({ wait: left }) => {
    if (left === undefined) return [];
    const { generation } = left;
    const waitsOn = state.children.waitingFor(generation).some(({ id }) => !ids.has(id));
    return waitsOn ? [] : [{ type: "cancelRestart", generation }];
  });
}

/** Starts these, in start order. */
export function start(state: SupervisorState, ids: readonly string[]): Decision {
  const children = pick(state, ids);
  if (children.length > 0) return { state, actions: [startAction(children)] };
  // Those that were to start were temporary, and have stopped.
  return { state: { ...state, activity: IDLE }, actions: whenNoneStarts(state) };
}

function whenNoneStarts({ activity }: SupervisorState): readonly SupervisorAction[] {
  return activity.type === "booting" ? [{ type: "acknowledge" }] : [];
}

export type StartResults = readonly { readonly id: string; readonly result: StartResult }[];

/** As in OTP, that a child runs is reported before the next one starts. */
export function childStarted(
  state: SupervisorState,
  { id, pid }: Extract<SupervisorEvent, { type: "childStarted" }>,
): Decision {
  const { activity } = state;
  const child = activity.type === "adding" ? activity.child : find(state, id);
  if (child === undefined) return { state, actions: [] };
  const { incarnation, restarts } = startOf(state, child);
  const started = report({ type: "childStarted", id, pid, incarnation, restarts });
  return { state, actions: [started] };
}

/** What came of starts: the children as they are now, and the start that failed, if one did. */
export interface Starts {
  readonly next: SupervisorState;
  readonly failed: { readonly id: string; readonly reason: ExitReason } | undefined;
}

export function applyStarts(state: SupervisorState, results: StartResults, nowMs: number): Starts {
  let failed: Starts["failed"];
  const outcomes = new Map(results.map(({ id, result }) => [id, result]));
  const attempted = pick(state, [...outcomes.keys()]).map((child): ChildState => {
    const { id } = child;
    const result = outcomes.get(id) ?? "ignore";
    const notStarted = notStartedChild(child, child.incarnation + 1);
    if (result === "ignore") return notStarted;
    if ("error" in result) {
      failed = { id, reason: result.error };
      return notStarted;
    }
    return runningChild(startOf(state, child), result.pid, nowMs);
  });
  return { next: put(state, attempted), failed };
}

/** A child whose start has succeeded: it has been restarted where the supervisor did that of its own accord. */
function startOf({ activity }: SupervisorState, child: ChildState): ChildState {
  const restarts = child.restarts + (activity.type === "restarting" ? 1 : 0);
  return { ...notStartedChild(child, child.incarnation + 1), restarts };
}

/** What is answered to who asked for that start. */
export function resultOf(result: StartResult): Started | StartFailed {
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

/**
 * Decisions of a supervisor, pure: what it does about what happens.
 *
 * `decide(state, event)` returns the next state and the actions to carry out. At most one action of a
 * decision takes time, and it comes last: `stop` or `start`. Whoever carries it out reports the
 * outcome as the next event, and until then gives no other: a supervisor does one thing at a time.
 *
 * ```text
 *            boot                     exited (to be restarted), tryAgain
 *  (start) ──────► booting    idle ─────────────────────────────► restarting: stop, start ──► idle
 *                  │   └─ok──► │ ◄──ok, refused── request: stop or start ◄──┐
 *                failed        ├──────────────────────────────────────────┘
 *                  ▼           ▼ terminate, intensity exceeded, auto shutdown
 *                stopping: stop ──► exit
 * ```
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import { isOrderly, type AnyPid, type ExitReason, type Pid, type Term } from "@coppice/core";
import type { AutoShutdown, CheckedChildSpec, Shutdown } from "./child-spec.js";
import { recordRestart, type RestartHistory, type RestartLimit } from "./restart-intensity.js";
import { shouldRestart } from "./restart-type.js";
import type { StartResult } from "./start.js";
import { affectedBy, type Strategy } from "./strategy.js";
import type { CheckedSupervisorSpec } from "./supervisor-spec.js";
import type { SupervisorReport } from "./supervisor-report.js";

/**
 * A child as its supervisor sees it.
 *
 * | status | meaning | OTP's pid |
 * | --- | --- | --- |
 * | `"running"` | it has a pid | the pid |
 * | `"stopped"` | ended for good, stopped by hand, ignored its start, or not started yet | `undefined` |
 * | `"restarting"` | its restart failed and will be tried again | `restarting` |
 */
export type ChildState = {
  readonly id: string;
  readonly spec: CheckedChildSpec;
  /** Number of the last attempt to start it. Grows with each; no two attempts of one id share it. */
  readonly incarnation: number;
  /** How often the supervisor has started it again of its own accord. */
  readonly restarts: number;
  /** Why its last incarnation ended. */
  readonly lastExit?: ExitReason;
} & (
  | { readonly status: "running"; readonly pid: AnyPid }
  | { readonly status: "stopped" | "restarting"; readonly pid?: undefined }
);

export interface SupervisorState {
  readonly strategy: Strategy;
  readonly limit: RestartLimit;
  readonly autoShutdown: AutoShutdown;
  /** In start order. */
  readonly children: readonly ChildState[];
  readonly restarts: RestartHistory;
  readonly activity: Activity;
  /** The highest incarnation of any child that was removed: a new child with its id goes on from here. */
  readonly removedIncarnation: number;
}

/** What the supervisor waits for. */
export type Activity =
  | { readonly type: "idle" }
  /** The first start of all children. */
  | { readonly type: "booting" }
  /** Some stop, then these start. */
  | { readonly type: "restarting"; readonly ids: readonly string[] }
  /** On request, by hand. */
  | { readonly type: "adding"; readonly child: ChildState }
  | { readonly type: "starting"; readonly id: string }
  | { readonly type: "terminating"; readonly id: string }
  /** All stop, then it exits. */
  | { readonly type: "stopping"; readonly reason: ExitReason };

/** What an operator can ask for; each is answered by one `reply`. */
export type ChildRequest =
  | { readonly type: "startChild"; readonly spec: CheckedChildSpec }
  | { readonly type: "restartChild"; readonly id: string }
  | { readonly type: "terminateChild"; readonly id: string }
  | { readonly type: "deleteChild"; readonly id: string };

/** A child runs now, or has ignored its start: then there is no pid. */
export type Started<M = never> =
  | { readonly ok: true; readonly pid: Pid<M>; readonly info?: Term }
  | { readonly ok: true; readonly pid: undefined };

/** Its start function failed with that reason. */
export interface StartFailed {
  readonly ok: false;
  readonly error: "start_failed";
  readonly reason: ExitReason;
}

export type StartChildResult<M = never> =
  | Started<M>
  | StartFailed
  | { readonly ok: false; readonly error: "already_started"; readonly pid: AnyPid }
  | { readonly ok: false; readonly error: "already_present" }
  /** The spec is significant, and the supervisor's `autoShutdown` is `"never"`. */
  | { readonly ok: false; readonly error: "significant" };
export type RestartChildResult =
  | Started
  | StartFailed
  | { readonly ok: false; readonly error: "not_found" | "running" | "restarting" };
export type TerminateChildResult =
  { readonly ok: true } | { readonly ok: false; readonly error: "not_found" };
export type DeleteChildResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: "not_found" | "running" | "restarting" };

export type ChildReply =
  StartChildResult | RestartChildResult | TerminateChildResult | DeleteChildResult;

export type SupervisorEvent =
  | { readonly type: "boot" }
  /** A process ended that was not asked to. */
  | {
      readonly type: "exited";
      readonly pid: AnyPid;
      readonly reason: ExitReason;
      readonly nowMs: number;
    }
  /** It is time for what a `tryAgain` action asked for. */
  | { readonly type: "tryAgain"; readonly id: string; readonly nowMs: number }
  | { readonly type: "request"; readonly request: ChildRequest }
  /** The supervisor has to end, with that reason. */
  | { readonly type: "terminate"; readonly reason: ExitReason }
  /** The outcome of a `stop`: why each child ended, in the order they ended. */
  | {
      readonly type: "stopped";
      readonly exits: readonly { readonly id: string; readonly reason: ExitReason }[];
    }
  /** The outcome of a `start`: what came of each start up to the first that failed. */
  | {
      readonly type: "started";
      readonly results: readonly { readonly id: string; readonly result: StartResult }[];
    };

export type SupervisorAction =
  /** Tells the starter that all children run. */
  | { readonly type: "acknowledge" }
  /** Stops these, one after the other. */
  | {
      readonly type: "stop";
      readonly children: readonly {
        readonly id: string;
        readonly pid: AnyPid;
        readonly shutdown: Shutdown;
      }[];
    }
  /** Starts these, one after the other, until one fails. */
  | {
      readonly type: "start";
      readonly children: readonly {
        readonly spec: CheckedChildSpec;
        readonly incarnation: number;
      }[];
    }
  /** Gives `tryAgain` as an event, after whatever has happened already. */
  | { readonly type: "tryAgain"; readonly id: string }
  | { readonly type: "reply"; readonly result: ChildReply }
  | { readonly type: "report"; readonly report: SupervisorReport }
  | { readonly type: "exit"; readonly reason: ExitReason };

export interface Decision {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
}

const IDLE: Activity = { type: "idle" };

/** The state before `boot`. */
export function initialState(spec: CheckedSupervisorSpec): SupervisorState {
  const { strategy, limit, autoShutdown } = spec;
  const children = spec.children.map((child) => newChild(child, 0));
  return {
    strategy,
    limit,
    autoShutdown,
    children,
    restarts: [],
    activity: IDLE,
    removedIncarnation: 0,
  };
}

/** What a supervisor in `state` does about `event`. */
export function decide(state: SupervisorState, event: SupervisorEvent): Decision {
  switch (event.type) {
    case "boot": {
      const ids = state.children.map(({ id }) => id);
      return start({ ...state, activity: { type: "booting" } }, ids);
    }
    case "exited":
      return exited(state, event);
    case "tryAgain": {
      const child = find(state, event.id);
      // Meanwhile it may have been stopped by hand, or started with its siblings.
      if (child?.status !== "restarting") return { state, actions: [] };
      return restart(state, event.id, event.nowMs);
    }
    case "request":
      return requested(state, event.request);
    case "terminate":
      return terminate(state, event.reason);
    case "stopped":
      return stopped(state, event.exits);
    case "started":
      return started(state, event.results);
    default:
      return event satisfies never;
  }
}

// ── a child ended ───────────────────────────────────────────────────────────────────────────────

/**
 * | to be restarted | restarts so far | the supervisor |
 * | --- | --- | --- |
 * | yes | within the intensity | restarts those the strategy names |
 * | yes | too many | stops all children and exits with `"shutdown"` |
 * | no | – | forgets it when it is temporary, and shuts down as `autoShutdown` says |
 */
function exited(
  state: SupervisorState,
  { pid, reason, nowMs }: Extract<SupervisorEvent, { type: "exited" }>,
): Decision {
  const child = state.children.find((candidate) => candidate.pid === pid);
  // A child that was stopped, one whose start failed, or a stranger that linked itself.
  if (child === undefined) return { state, actions: [] };
  const next = put(state, [ended(child, reason)]);
  const restarts = shouldRestart(child.spec.restart, reason);
  const actions: SupervisorAction[] =
    restarts || !isOrderly(reason)
      ? [report({ type: "childTerminated", id: child.id, pid, reason })]
      : [];
  if (restarts) return after(actions, restart(next, child.id, nowMs));
  return after(
    actions,
    shutsDownAfter(next, child) ? terminate(next, "shutdown") : { state: next, actions: [] },
  );
}

/**
 * Does the supervisor end because this child has ended for good?
 *
 * | `autoShutdown` | a significant child ended | any other |
 * | --- | --- | --- |
 * | `"never"` | no | no |
 * | `"any_significant"` | yes | no |
 * | `"all_significant"` | if no other significant child runs, or is to run again | no |
 */
function shutsDownAfter(state: SupervisorState, ended: ChildState): boolean {
  if (!ended.spec.significant) return false;
  switch (state.autoShutdown) {
    case "never":
      return false;
    case "any_significant":
      return true;
    case "all_significant":
      return !state.children.some(({ spec, status }) => spec.significant && status !== "stopped");
    default:
      return state.autoShutdown satisfies never;
  }
}

// ── restart ─────────────────────────────────────────────────────────────────────────────────────

/** A child has failed, or has failed to come back: each attempt counts against the intensity. */
function restart(state: SupervisorState, id: string, nowMs: number): Decision {
  const { history, exceeded } = recordRestart(state.restarts, nowMs, state.limit);
  const counted = { ...state, restarts: history };
  if (exceeded) {
    const intensityExceeded = report({ type: "intensityExceeded", id, ...state.limit });
    return after([intensityExceeded], terminate(counted, "shutdown"));
  }
  const affected = affectedBy(state.strategy, state.children, id);
  // Temporary ones are stopped with the others, and then there is nothing left of them to start.
  const ids = affected.map((child) => child.id);
  // A sibling that could not be restarted before is started with the others, not tried for itself.
  const waiting = affected.filter(({ status }) => status === "restarting");
  const settled = put(
    counted,
    waiting.map((child) => notRunning(child, "stopped")),
  );
  return stop({ ...settled, activity: { type: "restarting", ids } }, affected);
}

// ── by hand ─────────────────────────────────────────────────────────────────────────────────────

function requested(state: SupervisorState, request: ChildRequest): Decision {
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

// ── all stop ────────────────────────────────────────────────────────────────────────────────────

/** All children stop, last started first; then the supervisor exits. */
function terminate(state: SupervisorState, reason: ExitReason): Decision {
  return stop({ ...state, activity: { type: "stopping", reason } }, state.children);
}

// ── stopping and starting ───────────────────────────────────────────────────────────────────────

/** Stops those of `children` that run, last started first, for what `state` is about. */
function stop(state: SupervisorState, children: readonly ChildState[]): Decision {
  const running = children.flatMap(({ id, pid, spec }) =>
    pid === undefined ? [] : [{ id, pid, shutdown: spec.shutdown }],
  );
  if (running.length === 0) return stopped(state, []);
  return { state, actions: [{ type: "stop", children: running.reverse() }] };
}

function stopped(
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
function start(state: SupervisorState, ids: readonly string[]): Decision {
  const children = pick(state, ids);
  return children.length === 0 ? started(state, []) : { state, actions: [startAction(children)] };
}

type StartResults = readonly { readonly id: string; readonly result: StartResult }[];

function started(state: SupervisorState, results: StartResults): Decision {
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

// ── parts ───────────────────────────────────────────────────────────────────────────────────────

function newChild(spec: CheckedChildSpec, incarnation: number): ChildState {
  return { id: spec.id, spec, incarnation, restarts: 0, status: "stopped" };
}

function find(state: SupervisorState, id: string): ChildState | undefined {
  return state.children.find((child) => child.id === id);
}

/** Places of the children with these ids; -1 where there is none. */
function placesOf(children: readonly ChildState[], ids: readonly string[]): readonly number[] {
  // A map pays when there are many to find.
  if (ids.length < 4) return ids.map((id) => children.findIndex((child) => child.id === id));
  const places = new Map(children.map(({ id }, at) => [id, at]));
  return ids.map((id) => places.get(id) ?? -1);
}

/** The children with these ids, in that order. */
function pick({ children }: SupervisorState, ids: readonly string[]): ChildState[] {
  return placesOf(children, ids).flatMap((at) => children[at] ?? []);
}

/** Puts children in the place of those with their ids. Of a temporary one that does not run nothing stays. */
function put(state: SupervisorState, changed: readonly ChildState[]): SupervisorState {
  const children = [...state.children];
  const places = placesOf(
    children,
    changed.map(({ id }) => id),
  );
  places.forEach((at, index) => (children[at] = changed[index] as ChildState));
  const gone = changed.filter((child) => child.status !== "running" && isTemporary(child));
  return gone.length === 0 ? { ...state, children } : removeAll({ ...state, children }, gone);
}

function removeAll(state: SupervisorState, gone: readonly ChildState[]): SupervisorState {
  const ids = new Set(gone.map(({ id }) => id));
  const highest = (most: number, { incarnation }: ChildState): number =>
    Math.max(most, incarnation);
  return {
    ...state,
    children: state.children.filter(({ id }) => !ids.has(id)),
    removedIncarnation: gone.reduce(highest, state.removedIncarnation),
  };
}

function isTemporary({ spec }: ChildState): boolean {
  return spec.restart === "temporary";
}

function notRunning(child: ChildState, status: "stopped" | "restarting"): ChildState {
  const { pid: _pid, ...rest } = child;
  return { ...rest, status };
}

function ended(child: ChildState, reason: ExitReason): ChildState {
  return { ...notRunning(child, "stopped"), lastExit: reason };
}

function startAction(children: readonly ChildState[]): SupervisorAction {
  return {
    type: "start",
    children: children.map(({ spec, incarnation }) => ({ spec, incarnation: incarnation + 1 })),
  };
}

function report(what: SupervisorReport): SupervisorAction {
  return { type: "report", report: what };
}

/** Answers a request, which is done with. */
function reply(state: SupervisorState, result: ChildReply): Decision {
  return { state: { ...state, activity: IDLE }, actions: [{ type: "reply", result }] };
}

function after(actions: readonly SupervisorAction[], decision: Decision): Decision {
  return { state: decision.state, actions: [...actions, ...decision.actions] };
}

/**
 * What a supervisor does when a child has ended that was not asked to, and when a restart fails.
 *
 * A child without a backoff is restarted as in OTP. With one, those that the strategy names stop at once,
 * wait together, and start in start order. When another child of them, or before them, fails meanwhile,
 * its wait and theirs become one: all whom either concerns start when the later of the two is over.
 */
import { isOrderly } from "@coppice/core";
import { shutsDownAfter } from "./auto-shutdown.js";
import { delayAfter, failuresBefore, type Delay } from "./backoff.js";
import { endedChild, stoppedChild, waitingChild, type ChildState } from "./child-state.js";
import {
  after,
  applyStarts,
  report,
  start,
  stop,
  terminate,
  type StartResults,
} from "./decision-steps.js";
import { recordRestart } from "./restart-intensity.js";
import { shouldRestart } from "./restart-type.js";
import { affectedBy } from "./strategy.js";
import type { Decision, SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import type { Consequence } from "./supervisor-report.js";
import { find, IDLE, pick, put, type SupervisorState } from "./supervisor-state.js";

/**
 * | to be restarted | restarts so far | the supervisor |
 * | --- | --- | --- |
 * | yes | within the intensity | restarts those the strategy names |
 * | yes | too many | stops all children and exits with `"shutdown"` |
 * | no | – | forgets it when it is temporary, and shuts down as `autoShutdown` says |
 */
export function exited(
  state: SupervisorState,
  { pid, reason, nowMs }: Extract<SupervisorEvent, { type: "exited" }>,
): Decision {
  const child = state.children.findByPid(pid);
  // A child that was stopped, one whose start failed, or a stranger that linked itself.
  if (child === undefined) return { state, actions: [] };
  const { id } = child;
  const next = put(state, [endedChild(child, reason)]);
  const terminated = (consequence: Consequence): SupervisorAction =>
    report({ type: "childTerminated", id, pid, reason, consequence });
  if (shouldRestart(child.spec.restart, reason)) {
    const { consequence, decision } = restart(next, id, nowMs);
    return after([terminated(consequence)], decision);
  }
  const shutsDown = shutsDownAfter(next.autoShutdown, child.spec.significant, () =>
    next.children.list.some(({ spec, status }) => spec.significant && status !== "stopped"),
  );
  const consequence = { type: shutsDown ? "autoShutdown" : "none" } as const;
  return after(
    isOrderly(reason) ? [] : [terminated(consequence)],
    shutsDown ? terminate(next, "shutdown") : { state: next, actions: [] },
  );
}

/** The wait of some children is over. */
export function restartDue(
  state: SupervisorState,
  { generation, nowMs }: Extract<SupervisorEvent, { type: "restartDue" }>,
): Decision {
  const due = state.children.waitingFor(generation);
  const [first] = due;
  // Meanwhile they may have been stopped by hand, or started with their siblings.
  if (first === undefined) return { state, actions: [] };
  if (first.wait?.delayed !== true) return restart(state, first.id, nowMs).decision;
  const ids = due.map(({ id }) => id);
  const next = put(state, due.map(stoppedChild));
  return start({ ...next, activity: { type: "restarting", ids } }, ids);
}

/** What came of the starts of a restart. */
export function restarted(state: SupervisorState, results: StartResults, nowMs: number): Decision {
  const { next, failed } = applyStarts(state, results, nowMs);
  const idle = { ...next, activity: IDLE };
  if (failed === undefined) return { state: idle, actions: [] };
  const { id } = failed;
  const startFailed = (consequence: Consequence): SupervisorAction =>
    report({ type: "startFailed", ...failed, consequence });
  if (find(next, id)?.spec.backoff !== undefined) {
    const { consequence, decision } = restart(idle, id, nowMs);
    return after([startFailed(consequence)], decision);
  }
  // As in OTP later, so that what has happened meanwhile goes first: the order to end, for one.
  const generation = state.generation + 1;
  const waiting = pick(next, [id]).map((child) =>
    waitingChild(child, { generation, delayed: false }),
  );
  return {
    state: { ...put(idle, waiting), generation },
    actions: [
      startFailed({ type: "restart" }),
      { type: "restartLater", generation, delay: undefined, replaces: [] },
    ],
  };
}

/** A child has failed, or has failed to come back: each time counts against the intensity. */
function restart(
  state: SupervisorState,
  id: string,
  nowMs: number,
): { readonly consequence: Consequence; readonly decision: Decision } {
  const { history, exceeded } = recordRestart(state.restarts, nowMs, state.limit);
  const counted = { ...state, restarts: history };
  if (exceeded) {
    const intensityExceeded = report({ type: "intensityExceeded", id, ...state.limit });
    const decision = after([intensityExceeded], terminate(counted, "shutdown"));
    return { consequence: { type: "giveUp" }, decision };
  }
  const { delay, next } = delayOf(counted, id, nowMs);
  const affected = affectedChildren(next, id);
  const replaces = delayedWaits(affected);
  if (delay === undefined && replaces.length === 0) {
    // Temporary ones are stopped with the others, and then there is nothing left of them to start.
    const ids = affected.map((child) => child.id);
    // A sibling that could not be restarted before is started with the others, not tried for itself.
    const waiting = affected.filter(({ status }) => status === "restarting");
    const settled = put(next, waiting.map(stoppedChild));
    const activity = { type: "restarting", ids } as const;
    return { consequence: { type: "restart" }, decision: stop({ ...settled, activity }, affected) };
  }
  const waited = replaces.flatMap((generation) => next.children.waitingFor(generation));
  const concerned = next.children.inOrder([...affected, ...waited].map((child) => child.id));
  const activity = {
    type: "delaying",
    ids: concerned.map((child) => child.id),
    delay: delay ?? { minMs: 0, maxMs: 0 },
    replaces,
  } as const;
  return {
    consequence: { type: "restartLater", ...activity.delay },
    decision: stop({ ...next, activity }, concerned),
  };
}

function affectedChildren(state: SupervisorState, id: string): readonly ChildState[] {
  // The one of many is found, not searched for.
  if (state.strategy === "one_for_one") return pick(state, [id]);
  return affectedBy(state.strategy, state.children.list, id);
}

/** How long the restart of a child is delayed, if it is, and that it has failed once more. */
function delayOf(
  state: SupervisorState,
  id: string,
  nowMs: number,
): { readonly delay: Delay | undefined; readonly next: SupervisorState } {
  const child = find(state, id);
  const backoff = child?.spec.backoff;
  if (child === undefined || backoff === undefined) return { delay: undefined, next: state };
  const ranMs = child.startedAtMs === undefined ? 0 : nowMs - child.startedAtMs;
  const failures = failuresBefore(backoff, child.failures, ranMs);
  const next = put(state, [{ ...child, failures: failures + 1 }]);
  return { delay: delayAfter(backoff, failures), next };
}

function delayedWaits(children: readonly ChildState[]): readonly number[] {
  const generations = children.flatMap(({ wait }) =>
    wait?.delayed === true ? [wait.generation] : [],
  );
  return [...new Set(generations)];
}

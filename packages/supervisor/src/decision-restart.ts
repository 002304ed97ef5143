/** What a supervisor does when a child has ended that was not asked to. */
import { isOrderly } from "@coppice/core";
import { ended, notRunning, type ChildState } from "./child-state.js";
import { after, report, stop, terminate } from "./decision-steps.js";
import { recordRestart } from "./restart-intensity.js";
import { shouldRestart } from "./restart-type.js";
import { affectedBy } from "./strategy.js";
import type { Decision, SupervisorAction, SupervisorEvent } from "./supervisor-event.js";
import { put, type SupervisorState } from "./supervisor-state.js";

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

/** A child has failed, or has failed to come back: each attempt counts against the intensity. */
export function restart(state: SupervisorState, id: string, nowMs: number): Decision {
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

/**
 * Decisions of a supervisor, pure: what it does about what happens.
 *
 * `decide(state, event)` returns the next state and the actions to carry out. At most one action of a
 * decision takes time, and it comes last: `stop` or `start`. Whoever carries it out reports the
 * outcome as the next event, and until then gives no other: a supervisor does one thing at a time.
 * Only each child that has stopped or started is told meanwhile, and nothing but a report follows from that.
 *
 * ```text
 *            boot                     exited (to be restarted), restartDue
 *  (start) ──────► booting    idle ─────────────────────────────► restarting: stop, start ──► idle
 *                  │   └─ok──► │ │ exited (with a backoff)
 *                  │           │ └──────────────────────────────► delaying: stop, restartLater ──► idle
 *                failed        │ ◄──ok, refused── request: stop or start ◄──┐
 *                  │           ├────────────────────────────────────────────┘
 *                  ▼           ▼ terminate, intensity exceeded, auto shutdown
 *                stopping: stop ──► exit
 * ```
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import type { ExitReason } from "@coppice/core";
import { added, requested, startedByHand } from "./decision-request.js";
import { exited, restartDue, restarted } from "./decision-restart.js";
import {
  after,
  applyStarts,
  childStarted,
  childStopped,
  report,
  start,
  stopped,
  terminate,
  type StartResults,
} from "./decision-steps.js";
import type { Decision, SupervisorEvent } from "./supervisor-event.js";
import { IDLE, type SupervisorState } from "./supervisor-state.js";

/** What a supervisor in `state` does about `event`. */
export function decide(state: SupervisorState, event: SupervisorEvent): Decision {
  switch (event.type) {
    case "boot": {
      const ids = state.children.list.map(({ id }) => id);
      return start({ ...state, activity: { type: "booting" } }, ids);
    }
    case "exited":
      return exited(state, event);
    case "restartDue":
      return restartDue(state, event);
    case "request":
      return requested(state, event.request);
    case "terminate":
      return terminate(state, event.reason);
    case "childStopped":
      return childStopped(state, event);
    case "stopped":
      return stopped(state, event.exits);
    case "childStarted":
      return childStarted(state, event);
    case "started":
      return started(state, event.results, event.nowMs);
    default:
      return event satisfies never;
  }
}

function started(state: SupervisorState, results: StartResults, nowMs: number): Decision {
  const { activity } = state;
  switch (activity.type) {
    case "booting":
      return booted(state, results, nowMs);
    case "restarting":
      return restarted(state, results, nowMs);
    case "adding":
      return added(state, activity.child, results, nowMs);
    case "starting":
      return startedByHand(state, activity.id, results, nowMs);
    case "idle":
    case "delaying":
    case "terminating":
    case "stopping":
      return { state, actions: [] };
    default:
      return activity satisfies never;
  }
}

/** What came of the first start of all children: when one failed, the supervisor does not start. */
function booted(state: SupervisorState, results: StartResults, nowMs: number): Decision {
  const { next, failed } = applyStarts(state, results, nowMs);
  if (failed === undefined) {
    return { state: { ...next, activity: IDLE }, actions: [{ type: "acknowledge" }] };
  }
  const { id, reason } = failed;
  const startFailed = report({
    type: "startFailed",
    id,
    reason,
    consequence: { type: "startFails" },
  });
  return after([startFailed], terminate(next, failedToStart(id, reason)));
}

/** Why a supervisor ends whose children could not all be started. OTP's `{shutdown, {failed_to_start_child, Id, Reason}}`. */
function failedToStart(id: string, reason: ExitReason): ExitReason {
  return { shutdown: { type: "failed_to_start_child", id, reason } };
}

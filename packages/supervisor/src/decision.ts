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
import { requested } from "./decision-request.js";
import { exited, restart } from "./decision-restart.js";
import { start, started, stopped, terminate } from "./decision-steps.js";
import type { Decision, SupervisorEvent } from "./supervisor-event.js";
import { find, type SupervisorState } from "./supervisor-state.js";

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

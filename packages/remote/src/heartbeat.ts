/**
 * Heartbeat: when is a silent peer gone? Pure: `(state, now) → { state, verdict }`.
 *
 * Any frame that comes is life. Each side sends something at least every quarter of what the other wants
 * to hear. A side that was stopped itself (a long step, a suspended machine) does not judge by the time
 * it missed.
 *
 * OTP: https://www.erlang.org/doc/apps/kernel/kernel_app.html (net_ticktime, net_tickintensity)
 */

export interface Heartbeat {
  /** Silence of this length is death. */
  readonly hearMs: number;
  /** We say something at least this often, because the peer wants to hear it. */
  readonly speakMs: number;
  readonly heardAtMs: number;
  readonly spokeAtMs: number;
  /** When the timer is due to fire next. */
  readonly dueAtMs: number;
}

export type Verdict =
  /** Nothing to do before `dueAtMs`. */
  | { readonly type: "wait" }
  /** Say something: a PING. */
  | { readonly type: "ping" }
  /** We were stopped: first take in what has come meanwhile, then go on. */
  | { readonly type: "stalled"; readonly lateMs: number }
  /** The peer is gone. */
  | { readonly type: "dead"; readonly silentMs: number };

/** A side is to be heard this often within the time it is given. */
const BEATS = 4;

/**
 * @param hearMs how long we accept silence
 * @param peerHearMs how long the peer does
 */
export function startHeartbeat(nowMs: number, hearMs: number, peerHearMs: number): Heartbeat {
  const state = {
    hearMs,
    speakMs: peerHearMs / BEATS,
    heardAtMs: nowMs,
    spokeAtMs: nowMs,
    dueAtMs: nowMs,
  };
  return { ...state, dueAtMs: nextDue(state) };
}

/** A frame came, of whatever kind. */
export function heard(state: Heartbeat, nowMs: number): Heartbeat {
  return { ...state, heardAtMs: nowMs };
}

/** A frame was sent, of whatever kind. */
export function spoke(state: Heartbeat, nowMs: number): Heartbeat {
  return { ...state, spokeAtMs: nowMs };
}

/** The timer fired. After a `ping` the caller sends one at once; `state` knows it as sent. */
export function beat(
  state: Heartbeat,
  nowMs: number,
): { readonly state: Heartbeat; readonly verdict: Verdict } {
  const lateMs = nowMs - state.dueAtMs;
  if (lateMs > state.hearMs / BEATS) {
    // What the peer sent meanwhile waits unread. Judge one interval later.
    const intervalMs = state.hearMs / BEATS;
    const heardAtMs = Math.max(state.heardAtMs, nowMs - state.hearMs + intervalMs);
    const next = { ...state, heardAtMs, spokeAtMs: nowMs };
    return {
      state: { ...next, dueAtMs: nextDue(next) },
      verdict: { type: "stalled", lateMs },
    };
  }
  const silentMs = nowMs - state.heardAtMs;
  // The sums of `nextDue`: a difference may miss them by what is lost in rounding, for ever.
  if (nowMs >= state.heardAtMs + state.hearMs)
    return { state, verdict: { type: "dead", silentMs } };
  if (nowMs >= state.spokeAtMs + state.speakMs) {
    const next = { ...state, spokeAtMs: nowMs };
    return { state: { ...next, dueAtMs: nextDue(next) }, verdict: { type: "ping" } };
  }
  return { state: { ...state, dueAtMs: nextDue(state) }, verdict: { type: "wait" } };
}

/** When something may be due, whichever comes first. */
function nextDue(state: Pick<Heartbeat, "hearMs" | "speakMs" | "heardAtMs" | "spokeAtMs">): number {
  return Math.min(state.heardAtMs + state.hearMs, state.spokeAtMs + state.speakMs);
}

/**
 * A session: one life of a connection between two nodes, from its handshake to its end. Pure:
 * `(state, event) → { state, effects }`; `Connection` carries the effects out.
 *
 * ```text
 * opening ──(handshake done)──► open ──(close, silence, violation, transport gone)──► down
 *    └───────────────────(refused, wrong proof, too slow)──────────────────────────────┘
 * ```
 *
 * It ends for good: what comes after it is another session, and nothing of this one is resumed.
 */
import { beat, heard, spoke, startHeartbeat, type Heartbeat } from "./heartbeat.js";
import { CLOSED_ABNORMALLY } from "./transport.js";
import { CLOSE_CODES, type CloseCode } from "./wire-signal.js";

/** How a session ended. */
export interface SessionEnd {
  readonly code: number;
  readonly text: string;
  /** The other side ended it. A transport that broke was ended by nobody. */
  readonly byPeer: boolean;
}

export type SessionState =
  | { readonly phase: "opening"; readonly deadlineMs: number }
  | {
      readonly phase: "open";
      readonly heartbeat: Heartbeat;
      /** The number of the last PING, and since when it waits for its PONG. */
      readonly pings: number;
      readonly unansweredSinceMs: number | undefined;
      readonly pingedAtMs: number;
    }
  | { readonly phase: "down"; readonly end: SessionEnd };

export type SessionEvent =
  /** The handshake is over: how long each side accepts silence. */
  | {
      readonly type: "handshaken";
      readonly nowMs: number;
      readonly hearMs: number;
      readonly peerHearMs: number;
    }
  /** A frame came, and was what it should be. */
  | { readonly type: "heard"; readonly nowMs: number }
  /** A frame was sent. */
  | { readonly type: "spoke"; readonly nowMs: number }
  | { readonly type: "ping"; readonly n: number }
  | { readonly type: "pong"; readonly n: number }
  /** The peer has taken in more of what was said to it. */
  | { readonly type: "acked"; readonly nowMs: number }
  /** Somebody wants to know now whether the peer is there. */
  | { readonly type: "probe"; readonly nowMs: number }
  | { readonly type: "goaway"; readonly code: number; readonly text: string }
  /** This side ends it. */
  | { readonly type: "close"; readonly code: CloseCode; readonly text: string }
  /** The transport is over. */
  | { readonly type: "gone"; readonly code: number; readonly text: string }
  /** The timer that was asked for fired. */
  | { readonly type: "tick"; readonly nowMs: number };

export type SessionEffect =
  /** Say it now, before all that waits for credit. */
  | { readonly type: "ping" | "pong"; readonly n: number }
  | { readonly type: "goaway"; readonly code: CloseCode; readonly text: string }
  /** Send a `tick` then; in place of the one before. */
  | { readonly type: "timer"; readonly atMs: number }
  /** This side was stopped for so long: what has come meanwhile is to be read before it judges. */
  | { readonly type: "stalled"; readonly lateMs: number }
  /** It is over. Told once. The transport is to be closed with that code, if it is still there. */
  | { readonly type: "down"; readonly end: SessionEnd };

interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export function openingSession(nowMs: number, handshakeMs: number): Step {
  const deadlineMs = nowMs + handshakeMs;
  return {
    state: { phase: "opening", deadlineMs },
    effects: [{ type: "timer", atMs: deadlineMs }],
  };
}

export function nextSession(state: SessionState, event: SessionEvent): Step {
  if (state.phase === "down") return { state, effects: [] };
  switch (event.type) {
    case "handshaken": {
      if (state.phase !== "opening") return { state, effects: [] };
      const heartbeat = startHeartbeat(event.nowMs, event.hearMs, event.peerHearMs);
      return {
        state: {
          phase: "open",
          heartbeat,
          pings: 0,
          unansweredSinceMs: undefined,
          pingedAtMs: event.nowMs,
        },
        effects: [{ type: "timer", atMs: heartbeat.dueAtMs }],
      };
    }
    case "heard":
      if (state.phase !== "open") return { state, effects: [] };
      return {
        state: { ...state, heartbeat: heard(state.heartbeat, event.nowMs) },
        effects: [],
      };
    case "spoke":
      if (state.phase !== "open") return { state, effects: [] };
      return {
        state: { ...state, heartbeat: spoke(state.heartbeat, event.nowMs) },
        effects: [],
      };
    case "ping":
      return { state, effects: state.phase === "open" ? [{ type: "pong", n: event.n }] : [] };
    case "pong":
      if (state.phase !== "open" || event.n > state.pings) return { state, effects: [] };
      // An old one says nothing of the last.
      return {
        state: {
          ...state,
          unansweredSinceMs: event.n === state.pings ? undefined : state.pingedAtMs,
        },
        effects: [],
      };
    case "acked":
      // It takes in what is said, if slowly: an answer may wait behind much else.
      if (state.phase !== "open" || state.unansweredSinceMs === undefined) {
        return { state, effects: [] };
      }
      return { state: { ...state, unansweredSinceMs: event.nowMs }, effects: [] };
    case "probe":
      return state.phase === "open" ? pinged(state, event.nowMs) : { state, effects: [] };
    case "goaway":
      return down({ code: event.code, text: event.text, byPeer: true }, []);
    case "close": {
      const { code, text } = event;
      return down({ code, text, byPeer: false }, [{ type: "goaway", code, text }]);
    }
    case "gone": {
      // What broke, or never came about, was ended by nobody.
      const { code, text } = event;
      return down({ code, text, byPeer: code !== CLOSED_ABNORMALLY }, []);
    }
    case "tick":
      return ticked(state, event.nowMs);
    default:
      return event satisfies never;
  }
}

/**
 * So many times as long as it is heard in, a peer may leave a PING unanswered while it is heard: over a slow
 * link the answer waits behind what the kernel has taken already. When the peer hears nothing of us it
 * says so itself, earlier.
 */
const UNANSWERED = 3;

function ticked(state: Exclude<SessionState, { phase: "down" }>, nowMs: number): Step {
  if (state.phase === "opening") {
    if (nowMs < state.deadlineMs) {
      return { state, effects: [{ type: "timer", atMs: state.deadlineMs }] };
    }
    return ended(CLOSE_CODES.HANDSHAKE, "the handshake took too long");
  }
  const { state: heartbeat, verdict } = beat(state.heartbeat, nowMs);
  const next = { ...state, heartbeat };
  switch (verdict.type) {
    case "dead":
      return ended(CLOSE_CODES.SILENCE, `nothing was heard for ${Math.round(verdict.silentMs)} ms`);
    case "stalled": {
      // What answers it may be among what waits unread.
      const unansweredSinceMs = next.unansweredSinceMs === undefined ? undefined : nowMs;
      return {
        state: { ...next, unansweredSinceMs },
        effects: [
          { type: "stalled", lateMs: verdict.lateMs },
          { type: "timer", atMs: heartbeat.dueAtMs },
        ],
      };
    }
    case "ping":
    case "wait": {
      const since = next.unansweredSinceMs;
      // It is heard and does not hear: one direction is cut.
      if (since !== undefined && nowMs - since >= UNANSWERED * heartbeat.hearMs) {
        return ended(CLOSE_CODES.SILENCE, "no PING was answered");
      }
      const { state: after, effects } =
        verdict.type === "ping" ? pinged(next, nowMs) : { state: next, effects: [] };
      return { state: after, effects: [...effects, { type: "timer", atMs: heartbeat.dueAtMs }] };
    }
    default:
      return verdict satisfies never;
  }
}

function pinged(state: Extract<SessionState, { phase: "open" }>, nowMs: number): Step {
  const n = state.pings + 1;
  const unansweredSinceMs = state.unansweredSinceMs ?? nowMs;
  return {
    state: { ...state, pings: n, unansweredSinceMs, pingedAtMs: nowMs },
    effects: [{ type: "ping", n }],
  };
}

function ended(code: CloseCode, text: string): Step {
  return down({ code, text, byPeer: false }, [{ type: "goaway", code, text }]);
}

function down(end: SessionEnd, before: readonly SessionEffect[]): Step {
  return { state: { phase: "down", end }, effects: [...before, { type: "down", end }] };
}

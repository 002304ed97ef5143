import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  nextSession,
  openingSession,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from "../src/session.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

/** Runs a session through events; all effects in order. */
function run(
  state: SessionState,
  events: readonly SessionEvent[],
): { state: SessionState; effects: SessionEffect[] } {
  const effects: SessionEffect[] = [];
  for (const event of events) {
    const step = nextSession(state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

const opening = openingSession(0, 5_000).state;

/** Open since 0, wants to hear every 20 s, and is to be heard every 20 s. */
const open = run(opening, [
  { type: "handshaken", nowMs: 0, hearMs: 20_000, peerHearMs: 20_000 },
]).state;

const kinds = (effects: readonly SessionEffect[]): string[] => effects.map(({ type }) => type);

describe("a session that opens", () => {
  test("has so long for its handshake, and not longer", () => {
    expect(openingSession(100, 5_000).effects).toEqual([{ type: "timer", atMs: 5_100 }]);
    const early = run(opening, [{ type: "tick", nowMs: 4_999 }]);
    expect(early).toEqual({ state: opening, effects: [{ type: "timer", atMs: 5_000 }] });
    const late = run(opening, [{ type: "tick", nowMs: 5_000 }]);
    expect(late.effects.at(-1)).toEqual({
      type: "down",
      end: {
        code: CLOSE_CODES.HANDSHAKE,
        text: "the handshake took too long",
        byPeer: false,
      },
    });
  });

  test("is not kept alive by what comes: the time is for all of the handshake", () => {
    const { state } = run(opening, [
      { type: "heard", nowMs: 4_000 },
      { type: "ping", n: 1 },
      { type: "tick", nowMs: 5_000 },
    ]);
    expect(state.phase).toBe("down");
  });
});

describe("an open session", () => {
  test("says something when it has been silent for a quarter of what the peer wants to hear", () => {
    const { effects } = run(open, [{ type: "tick", nowMs: 5_000 }]);
    expect(effects).toEqual([
      { type: "ping", n: 1 },
      { type: "timer", atMs: 10_000 },
    ]);
    const spoken = run(open, [
      { type: "spoke", nowMs: 4_000 },
      { type: "tick", nowMs: 5_000 },
    ]);
    expect(kinds(spoken.effects)).toEqual(["timer"]);
  });

  test("ends when nothing was heard for so long, and not before", () => {
    const ticks = [5_000, 10_000, 15_000, 19_999].map((nowMs): SessionEvent => ({
      type: "tick",
      nowMs,
    }));
    const before = run(open, ticks);
    expect(before.state.phase).toBe("open");
    const { state, effects } = run(before.state, [{ type: "tick", nowMs: 20_000 }]);
    expect(state).toMatchObject({ phase: "down", end: { code: CLOSE_CODES.SILENCE } });
    expect(kinds(effects)).toEqual(["goaway", "down"]);
  });

  test("ends when it is heard, and none of its PINGs is answered: one direction is cut", () => {
    let state = open;
    for (let nowMs = 5_000; nowMs < 65_000; nowMs += 5_000) {
      state = run(state, [
        { type: "heard", nowMs },
        { type: "tick", nowMs },
      ]).state;
    }
    expect(state.phase).toBe("open");
    state = run(state, [
      { type: "heard", nowMs: 65_000 },
      { type: "tick", nowMs: 65_000 },
    ]).state;
    expect(state).toMatchObject({ phase: "down", end: { text: "no PING was answered" } });
  });

  test("lives while the peer takes in what is said, though its answer is still under way", () => {
    let state = open;
    for (let nowMs = 5_000; nowMs < 600_000; nowMs += 5_000) {
      state = run(state, [
        { type: "heard", nowMs },
        { type: "acked", nowMs },
        { type: "tick", nowMs },
      ]).state;
    }
    expect(state.phase).toBe("open");
  });

  test("lives as long as its PINGs are answered, however late", () => {
    let state = open;
    for (let n = 1; n <= 40; n++) {
      const nowMs = n * 5_000;
      // Each answer comes when the next PING has gone out.
      const events: SessionEvent[] = [
        { type: "heard", nowMs },
        { type: "tick", nowMs },
      ];
      if (n > 1) events.push({ type: "pong", n: n - 1 });
      state = run(state, events).state;
    }
    expect(state.phase).toBe("open");
  });

  test("does not judge by the time it missed itself", () => {
    const { state, effects } = run(open, [{ type: "tick", nowMs: 60_000 }]);
    expect(state.phase).toBe("open");
    expect(effects).toEqual([
      { type: "stalled", lateMs: 55_000 },
      { type: "timer", atMs: expect.any(Number) },
    ]);
    const timer = effects.at(-1) as { atMs: number };
    const after = run(state, [{ type: "tick", nowMs: timer.atMs }]);
    expect(after.state.phase).toBe("down");
    const revived = run(state, [
      { type: "heard", nowMs: 60_001 },
      { type: "tick", nowMs: timer.atMs },
    ]);
    expect(revived.state.phase).toBe("open");
  });

  test("answers a PING, and asks by one when somebody wants to know", () => {
    expect(run(open, [{ type: "ping", n: 7 }]).effects).toEqual([{ type: "pong", n: 7 }]);
    expect(run(open, [{ type: "probe", nowMs: 1 }]).effects).toEqual([{ type: "ping", n: 1 }]);
  });

  test.each<[SessionEvent, object, string[]]>([
    [
      { type: "close", code: CLOSE_CODES.NORMAL, text: "done" },
      { code: 4000, text: "done", byPeer: false },
      ["goaway", "down"],
    ],
    [
      { type: "goaway", code: 4009, text: "too much" },
      { code: 4009, text: "too much", byPeer: true },
      ["down"],
    ],
    [
      { type: "gone", code: 1006, text: "broken" },
      { code: 1006, text: "broken", byPeer: false },
      ["down"],
    ],
  ])("ends on %j", (event, end, effects) => {
    const step = run(open, [event]);
    expect(step.state).toEqual({ phase: "down", end });
    expect(kinds(step.effects)).toEqual(effects);
  });
});

const anyEvent: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc
    .record({ type: fc.constantFrom("heard" as const, "spoke" as const, "tick" as const) })
    .map((event) => ({ ...event, nowMs: 0 })),
  fc.record({
    type: fc.constantFrom("ping" as const, "pong" as const),
    n: fc.nat(5),
  }),
  fc.constant({ type: "probe", nowMs: 0 } as const),
  fc.constant({ type: "goaway", code: 4000, text: "" } as const),
  fc.constant({ type: "close", code: CLOSE_CODES.NORMAL, text: "" } as const),
  fc.constant({ type: "gone", code: 1006, text: "" } as const),
  fc.constant({ type: "handshaken", nowMs: 0, hearMs: 100, peerHearMs: 100 } as const),
);

test("whatever happens, a session ends at most once, and nothing comes of it afterwards", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, fc.nat(60))), (script) => {
      let nowMs = 0;
      let state = opening;
      let ended = false;
      for (const [event, passed] of script) {
        nowMs += passed;
        const timed = "nowMs" in event ? { ...event, nowMs } : event;
        const step = nextSession(state, timed);
        if (ended) expect(step.effects).toEqual([]);
        const downs = step.effects.filter(({ type }) => type === "down").length;
        expect(downs).toBe(step.state.phase === "down" && !ended ? 1 : 0);
        ended = step.state.phase === "down";
        state = step.state;
      }
    }),
  );
});

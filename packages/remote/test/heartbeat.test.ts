import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  beat,
  heard,
  spoke,
  startHeartbeat,
  type Heartbeat,
  type Verdict,
} from "../src/heartbeat.js";

const HEAR_MS = 20_000;

/** Lets the timer fire when it is due, until `untilMs`; tells what it led to. */
function run(
  start: Heartbeat,
  untilMs: number,
  onBeat: (state: Heartbeat, verdict: Verdict, nowMs: number) => Heartbeat = (state) => state,
): { readonly state: Heartbeat; readonly told: readonly string[] } {
  let state = start;
  const told: string[] = [];
  while (state.dueAtMs <= untilMs) {
    const nowMs = state.dueAtMs;
    const next = beat(state, nowMs);
    if (next.verdict.type !== "wait") told.push(`${nowMs} ${next.verdict.type}`);
    if (next.verdict.type === "dead") break;
    state = onBeat(next.state, next.verdict, nowMs);
  }
  return { state, told };
}

describe("heartbeat", () => {
  test("a side that has nothing to say says something every quarter of what the other wants to hear", () => {
    const { told } = run(startHeartbeat(0, HEAR_MS, 8000), 8000);
    expect(told).toEqual(["2000 ping", "4000 ping", "6000 ping", "8000 ping"]);
  });

  test("a side that talks anyway sends no pings", () => {
    const start = startHeartbeat(0, HEAR_MS, HEAR_MS);
    const { told } = run(start, 15_000, (state, _verdict, nowMs) => spoke(state, nowMs));
    expect(told.length).toBeLessThanOrEqual(3);
    expect(beat(spoke(start, 4999), 5000).verdict).toEqual({ type: "wait" });
  });

  test("a silent peer is dead after what we accept, not before", () => {
    const { told } = run(startHeartbeat(0, HEAR_MS, HEAR_MS), 60_000);
    expect(told.at(-1)).toBe("20000 dead");
  });

  test("whatever is heard is life", () => {
    const start = startHeartbeat(0, HEAR_MS, HEAR_MS);
    const { told } = run(heard(start, 19_000), 60_000);
    expect(told.at(-1)).toBe("39000 dead");
  });

  test("after a stop of our own the peer is judged an interval later, by what came meanwhile", () => {
    const stopped = beat(startHeartbeat(0, HEAR_MS, HEAR_MS), 600_000);
    expect(stopped.verdict).toEqual({ type: "stalled", lateMs: 595_000 });
    expect(run(stopped.state, 700_000).told.at(-1)).toBe("605000 dead");
    expect(run(heard(stopped.state, 600_001), 619_000).told).not.toContainEqual(
      expect.stringMatching(/dead/),
    );
  });

  test("a timer that is a little late changes nothing", () => {
    expect(beat(startHeartbeat(0, HEAR_MS, HEAR_MS), 6000).verdict).toEqual({ type: "ping" });
  });

  test("two sides that live never declare each other dead, whatever they want to hear; a dead one is found in time", () => {
    const wants = fc.integer({ min: 1000, max: 60_000 });
    fc.assert(
      fc.property(wants, wants, fc.integer({ min: 0, max: 200 }), (a, b, delayMs) => {
        let left = startHeartbeat(0, a, b);
        let right = startHeartbeat(0, b, a);
        const dieAtMs = 5 * Math.max(a, b);
        let pings: { atMs: number; to: "left" | "right" }[] = [];
        for (let rounds = 0; rounds < 10_000; rounds++) {
          const arrival = Math.min(...pings.map(({ atMs }) => atMs));
          const nowMs = Math.min(left.dueAtMs, right.dueAtMs, arrival);
          const leftDead = nowMs >= dieAtMs;
          for (const { atMs, to } of pings) {
            if (atMs > nowMs) continue;
            if (to === "left") left = heard(left, nowMs);
            else right = heard(right, nowMs);
          }
          pings = pings.filter(({ atMs }) => atMs > nowMs);
          if (left.dueAtMs <= nowMs) {
            const next = beat(left, nowMs);
            left = next.state;
            if (!leftDead) expect(next.verdict.type).not.toBe("dead");
            if (leftDead) left = { ...left, dueAtMs: Infinity };
            else if (next.verdict.type === "ping")
              pings.push({ atMs: nowMs + delayMs, to: "right" });
          }
          if (right.dueAtMs <= nowMs) {
            const next = beat(right, nowMs);
            right = next.state;
            if (next.verdict.type === "dead") {
              expect(nowMs).toBeGreaterThanOrEqual(dieAtMs);
              expect(nowMs - dieAtMs).toBeLessThanOrEqual(b + delayMs);
              return;
            }
            if (next.verdict.type === "ping") pings.push({ atMs: nowMs + delayMs, to: "left" });
          }
        }
        throw new Error("a dead peer was never found");
      }),
    );
  });
});

test("when it is due something is done, whatever fractions of a millisecond the clock has", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 100, max: 1e5, noNaN: true }),
      (nowMs, hearMs) => {
        const state = startHeartbeat(nowMs, hearMs, hearMs);
        const { verdict } = beat(state, state.dueAtMs);
        expect(verdict.type).toBe("ping");
      },
    ),
  );
});

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  askCircuit,
  checkCircuitBreakerSettings,
  endCircuitCall,
  INITIAL_CIRCUIT,
  type CircuitBreakerSettings,
  type CircuitOutcome,
  type CircuitPermit,
  type CircuitState,
  type FailureCount,
  type FailureRate,
} from "../src/circuit-breaker-decision.js";

/** A breaker that is asked and told step by step. */
class Breaker {
  readonly settings;
  state: CircuitState = INITIAL_CIRCUIT;

  constructor(settings: CircuitBreakerSettings) {
    this.settings = checkCircuitBreakerSettings("settings", settings);
  }

  ask(nowMs: number): CircuitPermit | { readonly retryAfterMs: number } {
    const { state, answer } = askCircuit(this.settings, this.state, nowMs);
    this.state = state;
    return "permit" in answer ? answer.permit : answer;
  }

  end(permit: CircuitPermit | object, outcome: CircuitOutcome, nowMs: number): this {
    const { settings, state } = this;
    this.state = endCircuitCall(settings, state, permit as CircuitPermit, outcome, nowMs);
    return this;
  }

  call(outcome: CircuitOutcome, nowMs: number): this {
    return this.end(this.ask(nowMs), outcome, nowMs);
  }
}

/** One that has opened at 0. */
function opened(settings: CircuitBreakerSettings): Breaker {
  const openAfter = { failures: 1, withinMs: 100 };
  return new Breaker({ openAfter, ...settings }).call("failed", 0);
}

describe("a closed circuit", () => {
  test.each<[string, FailureCount | FailureRate, [CircuitOutcome, number][], string]>([
    [
      "2 failures of 2",
      two(100),
      [
        ["failed", 0],
        ["failed", 99],
      ],
      "open",
    ],
    [
      "successes between",
      two(100),
      [
        ["failed", 0],
        ["succeeded", 1],
        ["failed", 2],
      ],
      "open",
    ],
    [
      "a failure that is too old",
      two(100),
      [
        ["failed", 0],
        ["failed", 100],
      ],
      "closed",
    ],
    [
      "abandoned calls",
      two(100),
      [
        ["abandoned", 0],
        ["abandoned", 1],
        ["failed", 2],
      ],
      "closed",
    ],
    [
      "half of 4 calls, of half",
      half(4),
      [
        ["succeeded", 0],
        ["failed", 0],
        ["succeeded", 0],
        ["failed", 0],
      ],
      "open",
    ],
    [
      "a third, of half",
      half(3),
      [
        ["succeeded", 0],
        ["failed", 0],
        ["succeeded", 0],
      ],
      "closed",
    ],
    [
      "too few calls to tell",
      half(3),
      [
        ["failed", 0],
        ["failed", 0],
      ],
      "closed",
    ],
    [
      "calls that are too old to count",
      half(3),
      [
        ["failed", 0],
        ["failed", 0],
        ["failed", 100],
      ],
      "closed",
    ],
    [
      "a success that makes it enough calls",
      half(3),
      [
        ["failed", 0],
        ["failed", 0],
        ["succeeded", 0],
      ],
      "open",
    ],
    [
      "nothing but successes",
      half(1),
      [
        ["succeeded", 0],
        ["succeeded", 0],
      ],
      "closed",
    ],
  ])("after %s", (_, openAfter, calls, type) => {
    const breaker = new Breaker({ openAfter });
    for (const [outcome, atMs] of calls) breaker.call(outcome, atMs);
    expect(breaker.state.type).toBe(type);
  });

  test("opens after 5 failures within 10 000 ms by default", () => {
    const breaker = new Breaker({});
    for (let atMs = 0; atMs < 4; atMs++) breaker.call("failed", atMs);
    expect(breaker.state.type).toBe("closed");
    expect(breaker.call("failed", 9_999).state.type).toBe("open");
  });

  test("keeps no more than ten parts of the time that counts, however many calls there are", () => {
    const breaker = new Breaker({ openAfter: half(1_000_000) });
    for (let atMs = 0; atMs < 1_000; atMs++) breaker.call("failed", atMs);
    const { state } = breaker;
    expect(state.type === "closed" ? state.recent.length : Infinity).toBeLessThanOrEqual(10);
  });
});

describe("an open circuit", () => {
  test("refuses calls, and says for how long", () => {
    const breaker = opened({ resetMs: 500 });
    expect(breaker.ask(0)).toEqual({ retryAfterMs: 500 });
    expect(breaker.ask(499)).toEqual({ retryAfterMs: 1 });
    expect(breaker.state.type).toBe("open");
  });

  test("lets one through as a probe when its time is over", () => {
    const breaker = opened({ resetMs: 500 });
    expect(breaker.ask(500)).toMatchObject({ probe: 0 });
    expect(breaker.state.type).toBe("halfOpen");
  });

  test("hears nothing of calls that began before it opened", () => {
    const breaker = new Breaker({ openAfter: { failures: 1, withinMs: 100 } });
    const early = breaker.ask(0);
    breaker.call("failed", 1);
    const { state } = breaker;
    expect(breaker.end(early, "failed", 2).state).toBe(state);
    expect(breaker.end(early, "succeeded", 2).state).toBe(state);
  });
});

describe("a half-open circuit", () => {
  test("has no more probes under way than it may", () => {
    const breaker = opened({ resetMs: 500, probes: 2 });
    breaker.ask(500);
    expect(breaker.ask(500)).toMatchObject({ probe: 1 });
    expect(breaker.ask(600)).toEqual({ retryAfterMs: 400 });
  });

  test("closes when all probes have succeeded, and has forgotten the failures", () => {
    const breaker = opened({ openAfter: two(10_000), resetMs: 500, probes: 2 });
    breaker.call("failed", 0);
    expect(breaker.state.type).toBe("open");
    const [first, second] = [breaker.ask(500), breaker.ask(500)];
    expect(breaker.end(second, "succeeded", 510).state.type).toBe("halfOpen");
    expect(breaker.end(first, "succeeded", 520).state.type).toBe("closed");
    expect(breaker.call("failed", 530).state.type).toBe("closed");
  });

  test("opens again when a probe fails, and hears nothing of the other", () => {
    const breaker = opened({ resetMs: 500, probes: 2 });
    const [first, second] = [breaker.ask(500), breaker.ask(500)];
    breaker.end(first, "failed", 600);
    expect(breaker.end(second, "succeeded", 600).ask(1_099)).toEqual({ retryAfterMs: 1 });
  });

  test("gives the place of a probe that was abandoned to another", () => {
    const breaker = opened({ resetMs: 500 });
    breaker.end(breaker.ask(500), "abandoned", 510);
    expect(breaker.state.type).toBe("halfOpen");
    expect(breaker.ask(520)).toMatchObject({ probe: 1 });
  });

  test("counts a probe once", () => {
    const breaker = opened({ resetMs: 500, probes: 2 });
    const probe = breaker.ask(500);
    breaker.end(probe, "succeeded", 510).end(probe, "succeeded", 510);
    expect(breaker.state.type).toBe("halfOpen");
  });

  test("opens again when somebody asks and a probe has taken too long", () => {
    const breaker = opened({ resetMs: 500, probeTimeoutMs: 50 });
    breaker.ask(500);
    expect(breaker.ask(549)).toEqual({ retryAfterMs: 1 });
    expect(breaker.ask(550)).toEqual({ retryAfterMs: 500 });
    expect(breaker.state.type).toBe("open");
  });

  test("hears nothing of calls that began while it was closed", () => {
    const breaker = new Breaker({ openAfter: { failures: 1, withinMs: 100 }, resetMs: 500 });
    const early = breaker.ask(0);
    breaker.call("failed", 1);
    breaker.ask(501);
    expect(breaker.end(early, "succeeded", 502).state.type).toBe("halfOpen");
    expect(breaker.end(early, "failed", 502).state.type).toBe("halfOpen");
  });
});

describe("any history of a circuit", () => {
  const settings = fc.record({
    openAfter: fc.oneof(
      fc.record({
        failures: fc.integer({ min: 1, max: 4 }),
        withinMs: fc.integer({ min: 1, max: 50 }),
      }),
      fc.record({
        failureRate: fc.double({ min: 0.1, max: 1, noNaN: true }),
        withinMs: fc.integer({ min: 1, max: 50 }),
        minCalls: fc.integer({ min: 1, max: 5 }),
      }),
    ),
    resetMs: fc.integer({ min: 1, max: 50 }),
    probes: fc.integer({ min: 1, max: 3 }),
    probeTimeoutMs: fc.integer({ min: 1, max: 50 }),
  });
  const steps = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("ask" as const), passMs: fc.integer({ min: 0, max: 30 }) }),
      fc.record({
        type: fc.constant("end" as const),
        passMs: fc.integer({ min: 0, max: 30 }),
        which: fc.nat(10),
        outcome: fc.constantFrom<CircuitOutcome>("succeeded", "failed", "abandoned"),
      }),
    ),
    { maxLength: 60 },
  );

  test("permits as its position says, and is never stuck", () => {
    fc.assert(
      fc.property(settings, steps, (chosen, history) => {
        const breaker = new Breaker(chosen);
        const permits: CircuitPermit[] = [];
        let nowMs = 0;
        for (const step of history) {
          nowMs += step.passMs;
          const { type, generation } = breaker.state;
          if (step.type === "end") {
            const [permit] = permits.splice(step.which, 1);
            if (permit !== undefined) breaker.end(permit, step.outcome, nowMs);
          } else {
            const answer = breaker.ask(nowMs);
            if ("retryAfterMs" in answer) {
              expect(type).not.toBe("closed");
              expect(answer.retryAfterMs).toBeGreaterThan(0);
            } else permits.push(answer);
          }
          const { state } = breaker;
          // What belongs to an earlier position is told from what belongs to this one.
          if (state.type !== type) expect(state.generation).toBeGreaterThan(generation);
          if (state.type === "halfOpen") {
            expect(state.under.length + state.succeeded).toBeLessThanOrEqual(chosen.probes);
            expect(state.succeeded).toBeLessThan(chosen.probes);
          }
        }
        // Whatever has happened: who waits as long as it is told gets through, and with successes it closes.
        for (let tries = 0; breaker.state.type !== "closed" && tries < 10; tries++) {
          const answer = breaker.ask(nowMs);
          if ("retryAfterMs" in answer) nowMs += answer.retryAfterMs;
          else breaker.end(answer, "succeeded", nowMs);
        }
        expect(breaker.state.type).toBe("closed");
      }),
    );
  });
});

describe("bad settings", () => {
  test.each<[unknown, string]>([
    [null, "settings must be an object"],
    [{ reset: 1 }, "settings must be made of openAfter, resetMs, probes, probeTimeoutMs"],
    [{ resetMs: 0 }, "settings.resetMs must be a finite number greater than 0"],
    [{ resetMs: Infinity }, "settings.resetMs must be a finite number greater than 0"],
    [{ probes: 0 }, "settings.probes must be a whole number of at least 1"],
    [{ probeTimeoutMs: "1" }, "settings.probeTimeoutMs must be a finite number"],
    [{ openAfter: 3 }, "settings.openAfter must be an object"],
    [{ openAfter: null }, "settings.openAfter must be an object"],
    [
      { openAfter: { failures: 0, withinMs: 1 } },
      "settings.openAfter.failures must be a whole number",
    ],
    [{ openAfter: { failures: 1 } }, "settings.openAfter.withinMs must be a finite number"],
    [
      { openAfter: { failures: 1, failureRate: 1 } },
      "settings.openAfter must be made of failureRate, ",
    ],
    [
      { openAfter: { failureRate: 0, withinMs: 1 } },
      "settings.openAfter.failureRate must be a number",
    ],
    [
      { openAfter: { failureRate: 1.1, withinMs: 1 } },
      "settings.openAfter.failureRate must be a number",
    ],
    [
      { openAfter: { failureRate: 1, withinMs: 1, minCalls: 0 } },
      "settings.openAfter.minCalls must be",
    ],
  ])("%j are refused", (settings, message) => {
    expect(() => checkCircuitBreakerSettings("settings", settings as never)).toThrow(message);
  });
});

function two(withinMs: number): FailureCount {
  return { failures: 2, withinMs };
}

function half(minCalls: number): FailureRate {
  return { failureRate: 0.5, withinMs: 100, minCalls };
}

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { checkRetrySettings, decideRetry, type RetrySettings } from "../src/retry-decision.js";

const policyOf = (settings: RetrySettings): ReturnType<typeof checkRetrySettings> =>
  checkRetrySettings("options", settings);

describe("after a failed attempt", () => {
  test.each<[RetrySettings, number, number, number | "giveUp"]>([
    [{}, 1, 0, 20],
    [{}, 2, 0, 40],
    [{}, 4, 0, 160],
    [{}, 5, 0, "giveUp"],
    [{ attempts: 1 }, 1, 0, "giveUp"],
    [{ attempts: Infinity }, 30, 0, 2_000],
    [{ forMs: 1_000 }, 5, 0, 320],
    [{ forMs: 1_000 }, 1, 979, 20],
    [{ forMs: 1_000 }, 1, 980, "giveUp"],
    [{ forMs: 1_000, attempts: 2 }, 2, 0, "giveUp"],
    [{ backoff: { initialMs: 5_000 } }, 3, 0, 5_000],
    [{ backoff: { initialMs: 10, factor: 3, maxMs: 50 } }, 2, 0, 30],
    [{ backoff: { initialMs: 10, factor: 3, maxMs: 50 } }, 3, 0, 50],
    [{ backoff: { initialMs: 0 } }, 3, 0, 0],
  ])("with %j, attempt %d, after %d ms: %s", (settings, attempt, elapsedMs, expected) => {
    expect(decideRetry(policyOf(settings), attempt, elapsedMs, 0)).toEqual(
      expected === "giveUp" ? { type: "giveUp" } : { type: "retry", delayMs: expected },
    );
  });

  test("leaves a part of the delay to chance", () => {
    const policy = policyOf({ backoff: { initialMs: 100, jitter: 0.3 } });
    expect(decideRetry(policy, 1, 0, 0.5)).toEqual({ type: "retry", delayMs: 85 });
  });
});

test("whatever the settings, no attempt begins after the time is over, and there are not too many", () => {
  const settings = fc.record({
    attempts: fc.integer({ min: 1, max: 20 }),
    forMs: fc.integer({ min: 1, max: 5_000 }),
    backoff: fc.record({
      initialMs: fc.integer({ min: 0, max: 100 }),
      maxMs: fc.integer({ min: 100, max: 1_000 }),
      factor: fc.double({ min: 1, max: 4, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  });
  const chances = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), {
    minLength: 20,
    maxLength: 20,
  });
  fc.assert(
    fc.property(settings, chances, (chosen, random) => {
      const policy = policyOf(chosen);
      let nowMs = 0;
      for (let attempt = 1; ; attempt++) {
        expect(attempt).toBeLessThanOrEqual(chosen.attempts);
        const next = decideRetry(policy, attempt, nowMs, random[attempt - 1] as number);
        if (next.type === "giveUp") break;
        expect(next.delayMs).toBeLessThanOrEqual(chosen.backoff.maxMs);
        nowMs += next.delayMs;
        expect(nowMs).toBeLessThan(chosen.forMs);
      }
    }),
  );
});

describe("bad settings", () => {
  test.each<[unknown, string]>([
    [{ attempts: 0 }, "options.attempts must be a whole number of at least 1"],
    [{ attempts: 1.5 }, "options.attempts must be a whole number of at least 1"],
    [{ forMs: 0 }, "options.forMs must be a finite number greater than 0"],
    [{ retryOn: true }, "options.retryOn must be a function"],
    [{ onRetry: 1 }, "options.onRetry must be a function"],
    [{ backoff: null }, "options.backoff must be an object"],
    [
      { backoff: { resetAfterMs: 1 } },
      "options.backoff must be made of initialMs, maxMs, factor, jitter",
    ],
    [{ backoff: { initialMs: "1" } }, "options.backoff.initialMs must be a finite number"],
    [{ backoff: { factor: 0.5 } }, "options.backoff.factor must be a number of at least 1"],
    [{ backoff: { first: 1 } }, "options.backoff.first must be"],
  ])("%j are refused", (settings, message) => {
    expect(() => policyOf(settings as never)).toThrow(message);
  });
});

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkRateLimit,
  FRESH_ACCOUNT,
  isFresh,
  mostPermits,
  reservePermits,
  type RateAccount,
  type RateLimit,
  type RateLimitSettings,
} from "../src/rate-limit-decision.js";

/** A key of which permits are taken step by step. */
class Key {
  readonly limit: RateLimit;
  account: RateAccount = FRESH_ACCOUNT;

  constructor(settings: RateLimitSettings) {
    this.limit = checkRateLimit("settings", settings);
  }

  /** For how long to wait, or why not at all. */
  reserve(nowMs: number, permits = 1, maxWaitMs = Infinity): number | string {
    const { account, limit } = this;
    const decided = reservePermits(limit, account, nowMs, permits, maxWaitMs);
    this.account = decided.account;
    const { reservation } = decided;
    return reservation.type === "reserved" ? reservation.waitMs : reservation.why;
  }
}

describe("a token bucket", () => {
  const settings = { permits: 2, perMs: 100 };

  test("gives as many at once as it holds, then one after the other", () => {
    const key = new Key(settings);
    expect([0, 0, 0, 0].map((nowMs) => key.reserve(nowMs))).toEqual([0, 0, 50, 100]);
  });

  test("fills up again with time, and not beyond what it holds", () => {
    const key = new Key(settings);
    key.reserve(0, 2);
    expect(key.reserve(50)).toBe(0);
    expect([1_000, 1_000, 1_000].map((nowMs) => key.reserve(nowMs))).toEqual([0, 0, 50]);
  });

  test("may hold more, or less, than it gets in its time", () => {
    const big = new Key({ ...settings, burst: 4 });
    expect(big.reserve(0, 4)).toBe(0);
    expect(big.reserve(0)).toBe(50);
    const small = new Key({ ...settings, burst: 1 });
    expect([small.reserve(0), small.reserve(0), small.reserve(100)]).toEqual([0, 50, 0]);
  });
});

describe("a sliding window", () => {
  const settings = { permits: 2, perMs: 100, kind: "sliding-window" } as const;

  test("gives no more than it may in any time of that length", () => {
    const key = new Key(settings);
    expect([0, 60, 70, 80].map((nowMs) => key.reserve(nowMs))).toEqual([0, 0, 30, 80]);
  });

  test("counts what is exactly so long ago no more", () => {
    const key = new Key(settings);
    key.reserve(0, 2);
    expect(key.reserve(99, 1, 0)).toBe("time");
    expect(key.reserve(100, 1, 0)).toBe(0);
  });

  test("lets nobody overtake one who waits for more", () => {
    const key = new Key(settings);
    key.reserve(0);
    expect(key.reserve(10, 2)).toBe(90);
    expect(key.reserve(10)).toBe(190);
  });

  test("keeps no more than the last permits", () => {
    const key = new Key(settings);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 50) key.reserve(nowMs);
    expect(key.account.taken.length).toBeLessThanOrEqual(2);
  });
});

describe.each(["token-bucket", "sliding-window"] as const)("a %s", (kind) => {
  test("refuses who would wait too long, and has taken nothing", () => {
    const key = new Key({ permits: 1, perMs: 100, kind });
    key.reserve(0);
    expect(key.reserve(0, 1, 99)).toBe("time");
    expect(key.reserve(0, 1, 100)).toBe(100);
  });

  test("says to whom it refuses when there would have been permits", () => {
    const limit = checkRateLimit("settings", { permits: 1, perMs: 100, kind });
    const { account } = reservePermits(limit, FRESH_ACCOUNT, 0, 1, 0);
    expect(reservePermits(limit, account, 30, 1, 0).reservation).toEqual({
      type: "refused",
      why: "time",
      retryAfterMs: 70,
    });
  });

  test("refuses when as many wait as may, until one waits no more", () => {
    const key = new Key({ permits: 1, perMs: 100, kind, maxWaiting: 2 });
    expect([0, 0, 0, 0].map((nowMs) => key.reserve(nowMs))).toEqual([0, 100, 200, "waiting"]);
    expect(key.reserve(99)).toBe("waiting");
    expect(key.reserve(100)).toBe(200);
  });

  test("lets nobody wait where none may", () => {
    const key = new Key({ permits: 1, perMs: 100, kind, maxWaiting: 0 });
    expect([key.reserve(0), key.reserve(0), key.reserve(100)]).toEqual([0, "waiting", 0]);
  });

  test("need not be kept when it is as at the beginning", () => {
    const key = new Key({ permits: 2, perMs: 100, kind });
    expect(isFresh(key.limit, key.account, 0)).toBe(true);
    key.reserve(0, 2);
    key.reserve(0);
    const againMs = kind === "token-bucket" ? 150 : 200;
    expect(isFresh(key.limit, key.account, againMs - 1)).toBe(false);
    expect(isFresh(key.limit, key.account, againMs)).toBe(true);
  });
});

describe("any use of a key", () => {
  const uses = fc.array(
    fc.record({
      passMs: fc.integer({ min: 0, max: 60 }),
      permits: fc.integer({ min: 1, max: 4 }),
      maxWaitMs: fc.constantFrom(0, 50, 500, Infinity),
    }),
    { maxLength: 60 },
  );
  const limits = fc.record({
    permits: fc.integer({ min: 1, max: 5 }),
    perMs: fc.integer({ min: 1, max: 100 }),
    maxWaiting: fc.constantFrom(0, 2, Infinity),
    kind: fc.constantFrom("token-bucket" as const, "sliding-window" as const),
  });

  test("gives no more than the limit, in order, and lets nobody wait longer than it may", () => {
    fc.assert(
      fc.property(limits, uses, (settings, history) => {
        const key = new Key(settings);
        const { permits, perMs, kind } = key.limit;
        const given: number[] = [];
        let nowMs = 0;
        for (const use of history) {
          nowMs += use.passMs;
          const wanted = Math.min(use.permits, mostPermits(key.limit));
          const waiting = given.filter((atMs) => atMs > nowMs);
          const waitMs = key.reserve(nowMs, wanted, use.maxWaitMs);
          if (typeof waitMs === "string") continue;
          expect(waitMs).toBeLessThanOrEqual(use.maxWaitMs);
          if (waitMs > 0 && settings.maxWaiting < Infinity) {
            expect(new Set(waiting).size).toBeLessThan(settings.maxWaiting + 1);
          }
          expect(nowMs + waitMs).toBeGreaterThanOrEqual(given.at(-1) ?? 0);
          for (let i = 0; i < wanted; i++) given.push(nowMs + waitMs);
        }
        const tiny = 1e-3;
        given.forEach((fromMs, first) => {
          for (let last = first; last < given.length; last++) {
            const spanMs = (given[last] as number) - fromMs;
            const count = last - first + 1;
            if (kind === "token-bucket") {
              expect(count).toBeLessThanOrEqual(permits + (spanMs * permits) / perMs + tiny);
            } else if (spanMs < perMs - tiny) expect(count).toBeLessThanOrEqual(permits);
          }
        });
      }),
    );
  });

  test("makes nobody wait who comes no faster than the limit", () => {
    fc.assert(
      fc.property(limits, fc.nat(50), (settings, count) => {
        const key = new Key(settings);
        const stepMs = settings.perMs / settings.permits;
        for (let step = 0; step < count; step++) {
          expect(key.reserve(step * stepMs, 1, 0)).toBe(0);
        }
      }),
    );
  });
});

describe("bad settings", () => {
  const good = { permits: 1, perMs: 1 };

  test.each<[unknown, string]>([
    [null, "settings must be an object"],
    [{ ...good, rate: 1 }, "settings must be made of permits, perMs, kind, burst, maxWaiting"],
    [{ perMs: 1 }, "settings.permits must be a whole number of at least 1"],
    [{ ...good, permits: Infinity }, "settings.permits must be a whole number of at least 1"],
    [{ ...good, perMs: 0 }, "settings.perMs must be a finite number greater than 0"],
    [{ ...good, kind: "x" }, `settings.kind must be "token-bucket" or "sliding-window"`],
    [{ ...good, burst: 0 }, "settings.burst must be a whole number of at least 1"],
    [{ ...good, burst: 2, kind: "sliding-window" }, "settings.burst must be left out"],
    [{ ...good, maxWaiting: -1 }, "settings.maxWaiting must be a whole number of at least 0"],
  ])("%j are refused", (settings, message) => {
    expect(() => checkRateLimit("settings", settings as never)).toThrow(message);
  });
});

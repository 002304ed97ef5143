import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AUTH_BACKOFF, backoffMs, CONNECT_BACKOFF } from "../src/backoff.js";
import { waitMs } from "../src/failures.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { canSpend, due, grant, openReceiveWindow, receive, spend, takeIn } from "../src/credit.js";
import { DEFAULT_LIMITS } from "../src/limits.js";
import { awaitToken, fullBucket, takeTokens } from "../src/token-bucket.js";
import { admit, isBusy } from "../src/watermark.js";
import type { WireOp } from "../src/wire-signal.js";

const MIB = 1024 * 1024;

describe("credit", () => {
  test("the two windows never disagree, and the sender never stands still for ever", () => {
    const full = { bytes: 10_000, signals: 16 };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 200 }),
        (sizes) => {
          let sender = full;
          let receiver = openReceiveWindow(full);
          const underway: number[] = [];
          for (const size of sizes) {
            while (!canSpend(sender, size, 1)) {
              // All that is under way arrives and is taken in.
              for (const arrived of underway.splice(0)) {
                const received = receive(receiver, arrived, 1);
                expect(received).toBeDefined();
                receiver = takeIn(received ?? receiver, arrived, 1);
              }
              const { window, granted } = due(receiver, full);
              receiver = window;
              expect(granted).toBeDefined();
              const next = grant(sender, granted ?? full, full);
              expect(next).toBeDefined();
              sender = next ?? sender;
            }
            sender = spend(sender, size, 1);
            underway.push(size);
          }
        },
      ),
    );
  });

  test("more than was granted is noticed, and so is a grant of more than there is", () => {
    const full = { bytes: 100, signals: 2 };
    const window = receive(openReceiveWindow(full), 60, 1);
    expect(window).toBeDefined();
    expect(receive(window ?? openReceiveWindow(full), 41, 1)).toBeUndefined();
    expect(grant(spend(full, 60, 1), { bytes: 61, signals: 0 }, full)).toBeUndefined();
    expect(grant(spend(full, 60, 1), { bytes: 60, signals: 1 }, full)).toEqual(full);
  });
});

describe("watermarks", () => {
  test("a session is busy from the soft mark on, until half of it is left", () => {
    expect(isBusy(false, MIB - 1, DEFAULT_LIMITS)).toBe(false);
    expect(isBusy(false, MIB, DEFAULT_LIMITS)).toBe(true);
    expect(isBusy(true, MIB / 2, DEFAULT_LIMITS)).toBe(true);
    expect(isBusy(true, MIB / 2 - 1, DEFAULT_LIMITS)).toBe(false);
  });

  test.each<[WireOp, number, "close" | "drop", "queue" | "drop" | "close"]>([
    ["send", 16 * MIB - 1, "close", "queue"],
    ["send", 16 * MIB, "close", "close"],
    ["send", 16 * MIB, "drop", "drop"],
    ["send-name", 16 * MIB, "drop", "drop"],
    ["send-alias", 40 * MIB, "drop", "drop"],
    ["link", 16 * MIB, "close", "queue"],
    ["down", 32 * MIB - 1, "drop", "queue"],
    ["down", 32 * MIB, "drop", "close"],
  ])("a %s of one byte when %d wait, by the policy %p: %s", (op, queued, policy, outcome) => {
    expect(admit(op, 1, queued, DEFAULT_LIMITS, policy)).toBe(outcome);
  });
});

describe("back-off", () => {
  test("the bound doubles from failure to failure, up to its maximum; jitter takes all of it", () => {
    const bounds = [1, 2, 3, 7, 8, 100].map((n) => backoffMs(n, 1, CONNECT_BACKOFF));
    expect(bounds).toEqual([100, 200, 400, 6400, 10_000, 10_000]);
    expect(backoffMs(5, 0, CONNECT_BACKOFF)).toBe(0);
    expect(backoffMs(5, 0.5, CONNECT_BACKOFF)).toBe(800);
    expect([1, 6, 7].map((n) => backoffMs(n, 1, AUTH_BACKOFF))).toEqual([1000, 32_000, 60_000]);
  });

  test.each<[keyof typeof CLOSE_CODES, readonly number[]]>([
    ["NORMAL", [100, 200, 10_000]],
    ["AUTH", [1000, 2000, 60_000]],
    ["OVERLOAD", [1000, 2000, 10_000]],
    ["RATE", [1000, 2000, 10_000]],
    ["LIMIT", [1000, 2000, 10_000]],
  ])("the bound is by the code of the last failure: %s", (code, bounds) => {
    expect([1, 2, 20].map((n) => waitMs(n, CLOSE_CODES[code], 1))).toEqual(bounds);
  });
});

describe("a token bucket", () => {
  const rate = { perSecond: 100, burst: 10 };

  test("gives what it holds at once, then as many as time brings", () => {
    let bucket = fullBucket(0, rate);
    for (let n = 0; n < 10; n++) bucket = takeTokens(bucket, 0, 1, rate).bucket;
    expect(takeTokens(bucket, 0, 1, rate).taken).toBe(false);
    expect(takeTokens(bucket, 9, 1, rate).taken).toBe(false);
    expect(takeTokens(bucket, 10, 1, rate).taken).toBe(true);
  });

  test("has those wait that come too soon, each for its own turn", () => {
    let bucket = fullBucket(0, rate);
    const waits: number[] = [];
    for (let n = 0; n < 14; n++) {
      const next = awaitToken(bucket, 0, rate);
      bucket = next.bucket;
      waits.push(next.waitMs);
    }
    expect(waits).toEqual([...Array<number>(10).fill(0), 10, 20, 30, 40]);
    expect(awaitToken(bucket, 40, rate).waitMs).toBe(10);
    expect(awaitToken(bucket, 50, rate).waitMs).toBe(0);
    expect(takeTokens(bucket, 40, 1, rate).taken).toBe(false);
  });

  test("never gives more than the burst and the rate allow, whatever the clock does", () => {
    const step = fc.record({
      ms: fc.integer({ min: -50, max: 100 }),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        let bucket = fullBucket(0, rate);
        let nowMs = 0;
        let latestMs = 0;
        let taken = 0;
        for (const { ms, count } of steps) {
          nowMs = Math.max(0, nowMs + ms);
          latestMs = Math.max(latestMs, nowMs);
          const next = takeTokens(bucket, nowMs, count, rate);
          bucket = next.bucket;
          if (next.taken) taken += count;
          expect(taken).toBeLessThanOrEqual(rate.burst + (latestMs / 1000) * rate.perSecond + 1e-6);
        }
      }),
    );
  });
});

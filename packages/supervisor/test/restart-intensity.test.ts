import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  NO_RESTARTS,
  recordRestart,
  restartHistory,
  restartTimes,
  type RestartHistory,
  type RestartLimit,
} from "../src/restart-intensity.js";

/** Whether each of these restarts exceeds the limit. */
function record(times: readonly number[], limit: RestartLimit): boolean[] {
  let history: RestartHistory = NO_RESTARTS;
  return times.map((nowMs) => {
    const next = recordRestart(history, nowMs, limit);
    history = next.history;
    return next.exceeded;
  });
}

describe("restart intensity", () => {
  test.each<[string, readonly number[], boolean[]]>([
    ["restarts up to the intensity are allowed", [0, 1], [false, false]],
    ["one more within the period is too many", [0, 1, 2], [false, false, true]],
    ["a restart exactly periodMs ago still counts", [0, 1, 1_000], [false, false, true]],
    ["a restart more than periodMs ago is forgotten", [0, 1, 1_001], [false, false, false]],
  ])("%s", (_title, times, exceeded) => {
    expect(record(times, { intensity: 2, periodMs: 1_000 })).toEqual(exceeded);
  });

  test("with intensity 0 the first restart is too many", () => {
    expect(record([7], { intensity: 0, periodMs: 1 })).toEqual([true]);
  });

  test("a restart exceeds the limit just when more than intensity of them lie within periodMs", () => {
    const limits = fc.record({ intensity: fc.nat(5), periodMs: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(limits, fc.array(fc.nat(20), { maxLength: 40 }), (limit, steps) => {
        let nowMs = 0;
        const times = steps.map((step) => (nowMs += step));
        const expected = times.map((at, index) => {
          const within = times.slice(0, index + 1).filter((time) => at - time <= limit.periodMs);
          return within.length > limit.intensity;
        });
        expect(record(times, limit)).toEqual(expected);
      }),
    );
  });

  test("the history never holds more than what still counts, newest first", () => {
    const limit = { intensity: 3, periodMs: 10 };
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1 }), (steps) => {
        let nowMs = 0;
        let history: RestartHistory = NO_RESTARTS;
        for (const step of steps) {
          ({ history } = recordRestart(history, (nowMs += step), limit));
          const times = restartTimes(history);
          expect(times).toHaveLength(history.size);
          expect(times[0]).toBe(nowMs);
          expect(times.every((at) => nowMs - at <= limit.periodMs)).toBe(true);
          expect(times).toEqual([...times].sort((a, b) => b - a));
          expect(restartTimes(restartHistory([...times].reverse()))).toEqual(times);
        }
      }),
    );
  });
});

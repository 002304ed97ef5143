import { describe, expect, test } from "@jest/globals";
import { strikes } from "./strike.js";
import { restartLimit } from "./tree.js";

/** How many of the moments, at most, lie within any `periodMs`. */
function mostIn(periodMs: number, momentsMs: readonly number[]): number {
  let first = 0;
  let most = 0;
  momentsMs.forEach((momentMs, index) => {
    while ((momentsMs[first] as number) < momentMs - periodMs) first++;
    most = Math.max(most, index - first + 1);
  });
  return most;
}

describe("the limit of restarts", () => {
  test.each([0.1, 1, 10, 100, 1_000])("is never reached by %d strikes a second", (perSecond) => {
    const { intensity, periodMs } = restartLimit(perSecond, 1);
    for (let seed = 0; seed < 5; seed++) {
      let nowMs = 0;
      const moments: number[] = [];
      for (const { pauseMs } of strikes(seed, perSecond)) {
        moments.push((nowMs += pauseMs));
        if (moments.length === 2_000) break;
      }
      expect(mostIn(periodMs, moments)).toBeLessThan(intensity);
    }
  });

  test("is there without chaos, too", () => {
    expect(restartLimit(0, 8)).toEqual({ intensity: 60, periodMs: 5_000 });
  });
});

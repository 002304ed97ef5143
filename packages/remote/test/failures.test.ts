import { describe, expect, test } from "@jest/globals";
import { Failures } from "../src/failures.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

describe("attempts that failed", () => {
  test("keep the next from being made too soon, by node, until one is reached", () => {
    const failures = new Failures();
    failures.failed("b", CLOSE_CODES.SILENCE, 1_000, 0.999);
    expect([failures.mayTry("b", 1_000), failures.mayTry("c", 1_000)]).toEqual([false, true]);
    expect(failures.mayTry("b", 1_000_000)).toBe(true);
    failures.failed("b", CLOSE_CODES.SILENCE, 1_000, 0.999);
    failures.reached("b");
    expect(failures.mayTry("b", 1_000)).toBe(true);
  });

  test("are remembered of so many nodes, and of those that failed last", () => {
    const failures = new Failures();
    for (let i = 0; i < 4_096; i++) failures.failed(`n${i}`, CLOSE_CODES.SILENCE, 0, 0.999);
    expect(failures.mayTry("n0", 0)).toBe(false);
    // It fails again, so that it is not the oldest any more.
    failures.failed("n0", CLOSE_CODES.SILENCE, 0, 0.999);
    failures.failed("one more", CLOSE_CODES.SILENCE, 0, 0.999);
    expect(["n0", "n1", "n2", "one more"].map((name) => failures.mayTry(name, 0))).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });
});

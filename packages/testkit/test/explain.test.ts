import { describe, expect, test } from "@jest/globals";
import { constrained } from "../src/constrained-strategy.js";
import type { Run, Violation } from "../src/run.js";
import { FIFO, LIFO, type Strategy } from "../src/strategy.js";
import { explain, isSameViolation, type Explanation } from "../src/explain.js";
import { otherKeyOf, type Constraint } from "../src/schedule.js";
import { keyedOrder } from "./keyed.js";
import { runToy, type Toy } from "./toy-kernel.js";
import {
  ackBeforePersist,
  cacheFill,
  lateReply,
  lostUpdate,
  useBeforeConfigure,
  withNoise,
} from "./toy-programs.js";

const seeds = Array.from({ length: 400 }, (_, seed) => seed);

/** Failing runs of a program under keyed orders, at most `count`. */
function failures(program: (toy: Toy) => void, count: number): Run[] {
  const found: Run[] = [];
  for (const seed of seeds) {
    const run = runToy(program, keyedOrder(seed));
    if (run.violations.length > 0) found.push(run);
    if (found.length === count) break;
  }
  return found;
}

function explainAll(program: (toy: Toy) => void, count = 10): Explanation[] {
  const runs = failures(program, count);
  expect(runs.length).toBeGreaterThan(0);
  return runs.map((run) => explained(program, run));
}

function explained(program: (toy: Toy) => void, run: Run): Explanation {
  const explanation = explain((strategy) => runToy(program, strategy), run);
  if (explanation === undefined) throw new Error("no explanation was found");
  return explanation;
}

function texts(constraints: readonly Constraint[]): string[] {
  return constraints.map((each) => `${each.key} after ${otherKeyOf(each)}`);
}

describe("the explanation of a failing run", () => {
  test.each<[string, (toy: Toy) => void, string, string[]]>([
    ["use before configure", useBeforeConfigure, "fifo", ["A→B#1 after C→B#1"]],
    ["a late reply", lateReply, "fifo", ["srv→cli#1 after t:cli#1"]],
    [
      "a cache filled after its invalidation",
      cacheFill,
      "fifo",
      ["wr→db#1 after rd→db#1", "rd→cache#2 after wr→cache#1"],
    ],
    ["a lost update", lostUpdate, "lifo", ["c2→ctr#2 after c1→ctr#1"]],
  ])("of %s is the published one", (_, program, base, constraints) => {
    for (const explanation of explainAll(program)) {
      expect(explanation.base).toBe(base);
      expect(texts(explanation.constraints)).toEqual(constraints);
      expect(explanation.minimal).toBe(true);
    }
  });

  test("of a crash is its place, right after something that has to do with it", () => {
    for (const program of [ackBeforePersist, withNoise(ackBeforePersist, 4)]) {
      for (const { base, constraints, minimal } of explainAll(program)) {
        expect([base, constraints.length, minimal]).toEqual(["fifo", 1, true]);
        expect(texts(constraints)[0]).toMatch(/^f:crash:srv after (cli→srv|srv→cli)#\d$/);
      }
    }
  });

  test.each<[string, (toy: Toy) => void]>([
    ["use before configure", useBeforeConfigure],
    ["a late reply", lateReply],
    ["a cache fill", cacheFill],
    ["a lost update", lostUpdate],
    ["a crash", ackBeforePersist],
  ])("of %s does not change with 4 or 8 pairs of processes beside it", (_, program) => {
    for (const seed of seeds.slice(0, 100)) {
      const alone = runToy(program, keyedOrder(seed));
      for (const pairs of [4, 8]) {
        const noisy = withNoise(program, pairs);
        const run = runToy(noisy, keyedOrder(seed));
        // Neither does the failure itself, faults apart: one may strike a pair of the noise instead.
        expect(run.violations.map(({ message }) => message)).toEqual(
          alone.violations.map(({ message }) => message),
        );
        if (run.violations.length === 0) continue;
        const [before, after] = [explained(program, alone), explained(noisy, run)];
        expect(texts(after.constraints)).toEqual(texts(before.constraints));
        expect(after.replays).toBeLessThanOrEqual(100);
      }
    }
  });

  test("is necessary: without any of its constraints the run passes, with them it fails", () => {
    for (const program of [
      useBeforeConfigure,
      lateReply,
      cacheFill,
      lostUpdate,
      ackBeforePersist,
    ]) {
      for (const { base, constraints, run, violation, minimal } of explainAll(program, 20)) {
        const again = (some: readonly Constraint[]): Run =>
          runToy(program, constrained(some, base === "fifo" ? FIFO : LIFO));
        expect(again(constraints).hash()).toBe(run.hash());
        expect(run.violations).toContain(violation);
        expect(minimal).toBe(true);
        for (const index of constraints.keys()) {
          expect(again(constraints.toSpliced(index, 1)).violations).toEqual([]);
        }
      }
    }
  });

  test("comes with a twin that passes: two of the steps the other way round", () => {
    for (const { constraints, twin } of explainAll(cacheFill)) {
      expect(twin?.how).toBe("flipped");
      expect(twin?.run.violations).toEqual([]);
      expect(texts(twin?.constraints ?? [])).toEqual([
        "rd→db#1 after wr→db#1",
        texts(constraints)[1],
      ]);
    }
    for (const { twin } of explainAll(ackBeforePersist)) {
      expect(twin?.how).toBe("dropped");
      expect(twin?.run.violations).toEqual([]);
    }
  });

  test("is empty when the program fails whatever the order", () => {
    const program = (toy: Toy): void => toy.atRest(() => toy.fail("always"));
    const [explanation] = explainAll(program);
    expect(explanation).toMatchObject({
      base: "fifo",
      constraints: [],
      failingBases: ["fifo", "lifo", "eager"],
      minimal: true,
      twin: undefined,
      replays: 3,
    });
  });

  test("is of the violation that was asked for, and never drifts to another", () => {
    // `use` first breaks one rule under one constraint; the cache needs two for the other.
    const both = (toy: Toy): void => {
      useBeforeConfigure(toy);
      cacheFill(toy);
    };
    let seen = 0;
    for (const run of failures(both, 200)) {
      for (const violation of run.violations) {
        const isSame = (a: Violation, b: Violation): boolean => a.message[0] === b.message[0];
        const replay = (strategy: Strategy): Run => runToy(both, strategy);
        const explanation = explain(replay, run, { violation, isSame });
        const expected = violation.message.startsWith("use")
          ? ["A→B#1 after C→B#1"]
          : ["wr→db#1 after rd→db#1", "rd→cache#2 after wr→cache#1"];
        expect(texts(explanation?.constraints ?? [])).toEqual(expected);
        expect(explanation?.violation.message).toBe(violation.message);
      }
      if (run.violations.length === 2) seen++;
    }
    expect(seen).toBeGreaterThan(0);
  });

  test("is undefined when the failure does not depend on the schedule alone", () => {
    let runs = 0;
    const flaky = (strategy: Strategy): Run =>
      runToy((toy) => {
        toy.spawn("a", function* (self) {
          self.send("a", "hello");
          yield self.receive();
        });
        const first = runs++ === 0;
        toy.atRest(() => first && toy.fail("only the first time"));
      }, strategy);
    expect(explain(flaky, flaky(FIFO))).toBeUndefined();
  });

  test("says that it is not known to be minimal when the replays did not suffice", () => {
    const [run] = failures(cacheFill, 1) as [Run];
    const replay = (strategy: Strategy): Run => runToy(cacheFill, strategy);
    const cut = explain(replay, run, { maxReplays: 6 });
    expect(cut).toMatchObject({ minimal: false, replays: 6 });
    expect(cut?.run.violations).toHaveLength(1);
    expect(explain(replay, run, { maxReplays: 3 })).toBeUndefined();
  });
});

test("violations are the same when they are of the same check", () => {
  const violation = { check: "at rest", message: "cache has 1, db has 20", step: 3 };
  expect(isSameViolation(violation, { ...violation, message: "cache has none", step: 9 })).toBe(
    true,
  );
  expect(isSameViolation(violation, { ...violation, check: "always" })).toBe(false);
});

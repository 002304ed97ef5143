import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cases, type Case } from "../src/cases.js";
import type { Run } from "../src/run.js";
import type { Strategy } from "../src/strategy.js";
import { createSchedule, isSchedule, type Schedule } from "../src/schedule.js";
import { formatSchedule } from "../src/schedule-token.js";
import { schedules } from "../src/schedules.js";
import { strategyOf } from "../src/strategy-of.js";
import { runToy, type Message, type Toy } from "./toy-kernel.js";
import { cacheFill, withNoise } from "./toy-programs.js";

const runNoisy = (strategy: Strategy): Run => runToy(withNoise(cacheFill, 2), strategy);

function failsUnder(schedule: Schedule): boolean {
  return runNoisy(strategyOf(schedule)).violations.length > 0;
}

describe("schedules of fast-check", () => {
  const arbitrary = schedules({ run: runNoisy });

  test("are drawn whole and well-formed", () => {
    fc.assert(fc.property(arbitrary, (schedule) => isSchedule(schedule)));
    fc.assert(
      fc.property(
        schedules({ strategies: ["pct2"], profile: "instant" }),
        ({ strategy, profile }) => {
          expect([strategy, profile]).toEqual(["pct2", "instant"]);
        },
      ),
    );
  });

  test("shrink to the fewest constraints", () => {
    const outcome = fc.check(
      fc.property(arbitrary, (schedule) => !failsUnder(schedule)),
      { seed: 7, numRuns: 1_000 },
    );
    const [minimal] = outcome.counterexample as [Schedule];
    expect(formatSchedule(minimal)).toBe("v1:p=pairFifo;h=wr>db#1<rd>db#1,rd>cache#2<wr>cache#1");
    // Once found, once shrunk: not one step per constraint of a long list.
    expect(outcome.numShrinks).toBe(1);
  });

  test("shrink by their value alone: twice the same, and as well without a context", () => {
    const failing = fc
      .sample(arbitrary, { seed: 7, numRuns: 1_000 })
      .find((schedule) => failsUnder(schedule)) as Schedule;
    expect(arbitrary.canShrinkWithoutContext(failing)).toBe(true);
    expect(arbitrary.canShrinkWithoutContext({ ...failing, seed: -1 })).toBe(false);
    expect(arbitrary.canShrinkWithoutContext(undefined)).toBe(false);
    const tokens = (): string[] =>
      [...arbitrary.shrink(failing, undefined)].map(({ value }) => formatSchedule(value));
    expect(tokens()).toEqual([
      "v1:p=pairFifo",
      "v1:p=pairFifo;s=lifo",
      "v1:p=pairFifo;s=eager",
      "v1:p=pairFifo;h=wr>db#1<rd>db#1,rd>cache#2<wr>cache#1",
    ]);
    expect(tokens()).toEqual(tokens());
  });

  test("are found again by fast-check's path", () => {
    const property = fc.property(arbitrary, (schedule) => !failsUnder(schedule));
    const { counterexamplePath, counterexample, seed } = fc.check(property, {
      seed: 7,
      numRuns: 1_000,
    });
    const again = fc.check(property, {
      seed,
      path: counterexamplePath as string,
      endOnFailure: true,
    });
    expect(again.counterexample).toEqual(counterexample);
    expect(again.numRuns).toBe(1);
  });

  test("given by hand shrink, too", () => {
    const constraints = (["wr→cache#1", "rd→cache#1"] as const).map(
      (until) => ({ type: "hold", key: "rd→cache#2", until }) as const,
    );
    const pasted = createSchedule({
      constraints: [{ type: "hold", key: "wr→db#1", until: "rd→db#1" }, ...constraints],
    });
    const outcome = fc.check(
      fc.property(arbitrary, (schedule) => !failsUnder(schedule)),
      { numRuns: 1, examples: [[pasted]] },
    );
    expect(formatSchedule((outcome.counterexample as [Schedule])[0])).toBe(
      "v1:p=pairFifo;h=wr>db#1<rd>db#1,rd>cache#2<wr>cache#1",
    );
  });

  test("without a program lose one constraint after the other", () => {
    const blind = schedules();
    const constraints = [
      { type: "hold", key: "a→c#1", until: "b→c#1" },
      { type: "force", key: "fault:x#1", after: "^" },
    ] as const;
    const tokens = [...blind.shrink(createSchedule({ constraints }), undefined)].map(({ value }) =>
      formatSchedule(value),
    );
    expect(tokens).toEqual([
      "v1:p=pairFifo",
      "v1:p=pairFifo;s=lifo",
      "v1:p=pairFifo;s=eager",
      "v1:p=pairFifo;f=fault:x#1+^",
      "v1:p=pairFifo;h=a>c#1<b>c#1",
    ]);
  });
});

describe("cases, programs with a schedule each", () => {
  /** Clients send their words to one log; "b" of one right after "a" of another is wrong. */
  const program =
    (clients: readonly (readonly string[])[]) =>
    (toy: Toy): void => {
      let last: Message | undefined;
      toy.spawn("log", function* (self) {
        for (;;) {
          const message = (yield self.receive()) as Message;
          if (message.t === "b" && last?.t === "a" && last.from !== message.from)
            self.fail("b after a");
          last = message;
        }
      });
      for (const [index, words] of clients.entries()) {
        toy.spawn(`client${index}`, function* (self) {
          for (const word of words) self.send("log", word);
          yield self.receive();
        });
      }
    };
  const run = (clients: readonly (readonly string[])[], strategy: Strategy): Run =>
    runToy(program(clients), strategy);
  const search = (clients: readonly (readonly string[])[], seed: number): Schedule | undefined => {
    for (let i = 0; i < 20; i++) {
      const schedule = createSchedule({ strategy: "pos", seed: seed + i });
      if (run(clients, strategyOf(schedule)).violations.length > 0) return schedule;
    }
    return undefined;
  };
  const words = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 5 });
  const arbitrary = cases(fc.array(words, { maxLength: 5 }), { run, search });
  const property = fc.property(arbitrary, ({ values, seed, schedule }) => {
    const failing = schedule ?? search(values, seed);
    return failing === undefined || run(values, strategyOf(failing)).violations.length === 0;
  });

  test("shrink to the smallest program and the fewest constraints, whatever was found first", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { failed, counterexample } = fc.check(property, { seed });
      expect(failed).toBe(true);
      const [{ values, schedule }] = counterexample as [Case<string[][]>];
      expect(values.map((each) => each.join("")).toSorted()).toEqual(["a", "b"]);
      // "a" of the first is before "b" of the second under FIFO; the other way round under LIFO.
      expect(formatSchedule(schedule as Schedule)).toBe(
        values[0]?.[0] === "a" ? "v1:p=pairFifo" : "v1:p=pairFifo;s=lifo",
      );
    }
  });

  test("are found again by fast-check's path", () => {
    const { counterexample, counterexamplePath, seed } = fc.check(property, { seed: 3 });
    const again = fc.check(property, {
      seed,
      path: counterexamplePath as string,
      endOnFailure: true,
    });
    expect(again.counterexample).toEqual(counterexample);
  });

  test("retry a smaller program that passes under some seeds, the constraints kept", () => {
    const schedule = createSchedule({
      constraints: [{ type: "hold", key: "client1→log#1", until: "client0→log#1" }],
    });
    const first = [
      ...arbitrary.shrink({ values: [["a"], ["b"]], seed: 5, schedule }, undefined),
    ].slice(0, 9);
    expect(new Set(first.map(({ value }) => JSON.stringify(value.values))).size).toBe(1);
    expect(first.map(({ value }) => formatSchedule(value.schedule as Schedule))).toEqual(
      [undefined, 6, 7, 8, 9, 10, 11, 12, 13].map(
        (seed) =>
          `v1:p=pairFifo;${seed === undefined ? "" : `s=pos@${seed};`}h=client1>log#1<client0>log#1`,
      ),
    );
  });
});

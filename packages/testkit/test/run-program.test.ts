import { describe, expect, test } from "@jest/globals";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  FIFO,
  inMacrotask,
  LIFO,
  NotInMacrotaskError,
  runProgram,
  runProgramAsync,
  seeded,
  type Simulation,
  type Strategy,
} from "@coppice/testkit";
import { runByTurns } from "../src/run-program.js";
import { fanIn, ordersAt, readModifyWrite, runAll } from "./programs.js";

describe("a run", () => {
  test.each([
    [2, 1, 2],
    [3, 1, 6],
    [4, 1, 24],
    [2, 2, 6],
    [2, 3, 20],
    [3, 2, 90],
  ])("of %i senders with %i messages each has %i orders", async (senders, messages, orders) => {
    const runs = await runAll(fanIn(senders, messages));
    expect(runs).toHaveLength(orders);
    expect(new Set(runs.map((run) => run.hash())).size).toBe(orders);
  });

  test.each([
    [2, 70, 6, 4],
    [3, 34_650, 90, 84],
  ])(
    "of %i clients that read and write has %i orders, %i at the server, of which %i lose an update",
    async (clients, total, orders, failing) => {
      const runs = await runAll(readModifyWrite(clients));
      expect(runs).toHaveLength(total);
      expect(ordersAt(runs, "n/server")).toBe(orders);
      const bad = runs.filter(({ violations }) => violations.length > 0);
      expect(ordersAt(bad, "n/server")).toBe(failing);
      expect(runs.every(({ outcome }) => outcome === "quiescent")).toBe(true);
    },
  );

  test("says what happened under keys of places and numbers", async () => {
    const run = await runProgramAsync(readModifyWrite(1), FIFO);
    expect(run.steps.map(({ transition }) => transition.key)).toEqual([
      "n/c1→n/server#1",
      "n/server→n/c1#1",
      "n/c1→n/server#2",
      "n/server→n/c1#2",
    ]);
    expect(run.steps.map(({ creator }) => creator)).toEqual([-1, 0, 1, 2]);
  });

  test("is the same for the same strategy, and when it is made by turns of the event loop", async () => {
    for (const strategy of [FIFO, LIFO, seeded(1), seeded(2)]) {
      const once = await runProgramAsync(readModifyWrite(3), strategy);
      const again = await runProgramAsync(readModifyWrite(3), strategy);
      const byTurns = await runByTurns(readModifyWrite(3), strategy);
      expect(again.hash()).toBe(once.hash());
      expect(byTurns.hash()).toBe(once.hash());
      expect(byTurns.violations).toEqual(once.violations);
    }
  });

  test("is forgotten when another has come to its end", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const refs: WeakRef<object>[] = [];
    const run = (): Promise<unknown> =>
      runProgramAsync((sim) => {
        const mine = { sim };
        refs.push(new WeakRef(mine));
        sim.node().spawn(async (self) => {
          await self.yield();
          sim.state("mine", () => mine);
        });
      }, FIFO);
    for (let runs = 0; runs < 3; runs++) await run();
    await inMacrotask(collect);
    expect(refs.slice(0, 2).map((ref) => ref.deref())).toEqual([undefined, undefined]);
  });

  test("is refused in a microtask, where nothing could be drained", async () => {
    await Promise.resolve();
    expect(() => runProgram(fanIn(1, 1), FIFO)).toThrow(NotInMacrotaskError);
    expect(await inMacrotask(() => runProgram(fanIn(1, 1), FIFO).outcome)).toBe("quiescent");
  });

  test.each([
    ["always", (): unknown => Promise.resolve(true)],
    ["finally", (): unknown => Promise.reject(new Error("late"))],
    ["sometimes", (): unknown => Promise.resolve(true)],
  ] as const)("holds a promise that a check returns to %s against it", async (when, holds) => {
    const { violations, seen } = await runProgramAsync((sim) => {
      sim.node().spawn((self) => self.yield());
      sim[when]("a check", holds as never);
    }, FIFO);
    const message = "it returns a promise, but a check has to say at once whether it holds";
    expect(violations.map((each) => `${each.check}: ${each.message}`)).toEqual([
      `a check: ${message}`,
    ]);
    expect(seen.size).toBe(0);
  });

  test("refuses checks without name or function, and says what came", async () => {
    const misuse = (use: (sim: Simulation) => void): Promise<unknown> => runProgramAsync(use, FIFO);
    const holds = (): boolean => true;
    for (const when of ["always", "finally", "sometimes"] as const) {
      await expect(misuse((sim) => sim[when](holds as never, undefined as never))).rejects.toThrow(
        `${when}: name must be a string that says what holds, but is`,
      );
      await expect(misuse((sim) => sim[when]("name", true as never))).rejects.toThrow(
        `${when}: holds must be a function, but is true`,
      );
    }
    await expect(misuse((sim) => sim.observe("step" as never))).rejects.toThrow(
      'observe: observer must be a function, but is "step"',
    );
  });

  test("takes whatever a check throws for a violation, and says what it is", async () => {
    const { violations } = await runProgramAsync((sim) => {
      sim.always("a check", () => {
        throw Object.create(null);
      });
      sim.observe(() => {
        throw Object.create(null);
      });
      sim.node().spawn(async (self) => self.yield());
    }, FIFO);
    expect(violations.map(({ check, message }) => `${check}: ${message}`)).toEqual([
      "a check: {}",
      "what an observer says: {}",
    ]);
  });

  test("refuses what a strategy picks that it was not given", async () => {
    const program = (sim: Simulation): void => void sim.node().spawn(async (self) => self.yield());
    const another: Strategy = { pick: ([one]) => one && { ...one, key: "another" } };
    await expect(runProgramAsync(program, another)).rejects.toThrow(
      /^what a strategy picks must be undefined, or one of what it is given: \S+, but is "another"/,
    );
  });

  test.each([
    [{ stepLimit: "5" }, 'stepLimit must be a number greater than 0, but is "5"'],
    [{ horizonMs: 0 }, "horizonMs must be a number greater than 0, but is 0"],
    [
      { clock: "fast" },
      'clock must be "quiet", "async" or bounds with a maxLatencyMs, but is "fast"',
    ],
    [{ clock: {} }, "clock.maxLatencyMs must be a number of at least 0, but is undefined"],
    [{ clock: { maxLatencyMs: 5, maxLatency: 1 } }, "clock must be made of minLatencyMs"],
    [
      { clock: { minLatencyMs: 5, maxLatencyMs: 1 } },
      "minLatencyMs must be at most maxLatencyMs, which is 1, but is 5",
    ],
  ])("refuses the options %j", async (options, message) => {
    await expect(runProgramAsync(() => undefined, FIFO, options as never)).rejects.toThrow(message);
  });

  test("has no clock for the program itself before there is a node", async () => {
    const run = runProgramAsync(async (sim) => {
      await new Promise<void>((resolve) => void setTimeout(resolve, 5));
      sim.node();
    }, FIFO);
    await expect(run).rejects.toThrow(
      "the program escapes from the simulation by a timer of the host: there is no node yet whose clock it could go by; make it with sim.node() before",
    );
  });
});

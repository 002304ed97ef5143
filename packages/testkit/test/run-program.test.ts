import { describe, expect, test } from "@jest/globals";
import {
  FIFO,
  inMacrotask,
  LIFO,
  NotInMacrotaskError,
  runProgram,
  runProgramAsync,
  seeded,
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
    }
  });

  test("is refused in a microtask, where nothing could be drained", async () => {
    await Promise.resolve();
    expect(() => runProgram(fanIn(1, 1), FIFO)).toThrow(NotInMacrotaskError);
    expect(await inMacrotask(() => runProgram(fanIn(1, 1), FIFO).outcome)).toBe("quiescent");
  });
});

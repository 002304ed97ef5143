import { describe, expect, test } from "@jest/globals";
import { createNode } from "@coppice/core";
import { createSchedule } from "../src/schedule.js";

describe("the clock of the mode direct", () => {
  test("shows a little more each time, and adds nothing up", async () => {
    const { clock, nodeClock, settle } = createSchedule("direct");
    const shown = Array.from({ length: 1_000 }, () => nodeClock.now());
    expect(new Set(shown).size).toBe(1_000);
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    await clock.advance(1_000, settle);
    expect(Math.round(nodeClock.now())).toBe(1_000);
  });

  test("lets all come to rest between deadlines that would be equal", async () => {
    const { clock, nodeClock, settle } = createSchedule("direct");
    const node = createNode({ clock: nodeClock, logger: false });
    const order: string[] = [];
    for (const name of ["a", "b"]) {
      node.spawn(async (self) => {
        await self.sleep(50);
        order.push(`${name} wakes`);
        await Promise.resolve();
        order.push(`${name} sleeps`);
      });
    }
    await settle();
    await clock.advance(50.001, settle);
    expect(order).toEqual(["a wakes", "a sleeps", "b wakes", "b sleeps"]);
  });

  test("tells of a timer what is left of it in whole milliseconds", async () => {
    const { clock, nodeClock, settle } = createSchedule("direct");
    const node = createNode({ clock: nodeClock, logger: false });
    const pid = node.spawn(async (self) => void (await self.receive()));
    for (let i = 0; i < 100; i++) nodeClock.now();
    const timer = node.sendAfter(pid, 250, "x");
    await clock.advance(200, settle);
    expect(node.readTimer(timer)).toBe(50);
  });
});

import { describe, expect, test } from "@jest/globals";
import { createNode, type Pid } from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { createWorld } from "./world.js";

describe("two nodes in one realm", () => {
  function createTwo() {
    const here = createWorld({ name: "here" });
    const clock = createVirtualClock();
    const there = createNode({ name: "there", clock, logger: false });
    return { here, there, clock };
  }

  test("do not cancel or read each other's timers", async () => {
    const { here, there, clock } = createTwo();
    const received: unknown[] = [];
    const pid = there.spawn<string>(async (self) => {
      for (;;) received.push(await self.receive());
    });
    const timer = there.sendAfter(pid, 10, "tick");
    here.node.sendAfter(
      here.node.spawn<string>(async (self) => void (await self.receive())),
      5,
      "x",
    );
    expect([here.node.readTimer(timer), here.node.cancelTimer(timer)]).toEqual([false, false]);
    await clock.advance(10);
    expect(received).toEqual(["tick"]);
    await here.clock.advance(5);
    expect(here.node.counts.timers).toBe(0);
  });

  test("do not send into each other by timers either", async () => {
    const { here, there } = createTwo();
    const pid: Pid<string> = there.spawn<string>(async (self) => void (await self.receive()));
    await quiesce();
    here.node.sendAfter(pid, 5, "tick");
    await here.clock.advance(5);
    expect(there.mailboxOf(pid)).toEqual([]);
    expect(there.isAlive(pid)).toBe(true);
    expect(here.events.filter(({ type }) => type === "undelivered")).toMatchObject([
      { to: pid, message: "tick", why: "noconnection" },
    ]);
  });
});

test("a guard that sends to its own process loses no message", async () => {
  const { node } = createWorld();
  const received: unknown[] = [];
  const pid = node.spawn<string>(async (self) => {
    let sent = false;
    const guard = (message: string): boolean => {
      if (!sent) {
        sent = true;
        self.send(self.pid, "from the guard");
      }
      return message.length > 0;
    };
    for (;;) received.push(await self.receive(guard));
  });
  await quiesce();
  node.send(pid, "outer");
  await quiesce();
  expect(received.toSorted()).toEqual(["from the guard", "outer"]);
});

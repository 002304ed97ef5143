import { describe, expect, test } from "@jest/globals";
import { createNode, InvalidArgumentError, type Call, type Node } from "@coppice/core";
import {
  createProbe,
  createVirtualClock,
  ProbeError,
  quiesce,
  simulate,
  type Probe,
} from "@coppice/testkit";

/** In a simulation that the test drives; the probe makes it go on. */
function setUp(): {
  node: Node;
  probe: Probe<string>;
  after: (ms: number, message: string) => void;
  now: () => number;
} {
  const sim = simulate();
  const node = sim.node();
  const probe = createProbe<string>(node, { sim, withinMs: 100 });
  return {
    node,
    probe,
    after: (ms, message) => void node.sendAfter(probe.pid, ms, message),
    now: () => sim.nowMs,
  };
}

describe("a probe", () => {
  test("gives the next message, and waits for it in virtual time", async () => {
    const { node, probe, after, now } = setUp();
    node.send(probe.pid, "first");
    after(50, "second");
    expect(await probe.expect()).toBe("first");
    expect(await probe.expect((message) => message === "second")).toBe("second");
    expect(now()).toBe(50);
    expect(probe.messages).toEqual([]);
  });

  test("finds the simulation that a test drives by itself", async () => {
    const sim = simulate();
    const probe = createProbe<string>(sim.node());
    sim.boot("b", (node) => void node.sendAfter(probe.pid, 50, "from b"));
    expect(await probe.expect()).toBe("from b");
    const other = createProbe<string>(sim.boot("c", () => undefined).node);
    sim.node("d").sendAfter(other.pid, 20, "from d");
    expect(await other.expect()).toBe("from d");
    expect(sim.nowMs).toBe(70);
  });

  test("fails when nothing comes in time, neither earlier nor later", async () => {
    const { probe, after, now } = setUp();
    after(31, "late");
    await expect(probe.expect({ withinMs: 30 })).rejects.toThrow(
      "no message came to <n.1> within 30 ms",
    );
    expect(now()).toBe(30);
    await expect(probe.expect({ withinMs: 1 })).resolves.toBe("late");
    await expect(probe.expect()).rejects.toThrow(ProbeError);
  });

  test("fails when another message comes than was expected, and takes it", async () => {
    const { node, probe } = setUp();
    node.send(probe.pid, "other");
    await expect(probe.expect((message) => message === "this")).rejects.toThrow(
      '<n.1> got "other", which is not what was expected',
    );
    expect(probe.messages).toEqual([]);
  });

  test("expects nothing for exactly as long as it says", async () => {
    const { probe, after, now } = setUp();
    after(20, "x");
    await probe.expectNone(19);
    expect(now()).toBe(19);
    await expect(probe.expectNone(1)).rejects.toThrow(
      '<n.1> got ["x"], where nothing was expected',
    );
    expect(probe.messages).toEqual(["x"]);
    await expect(probe.expectNone(-1)).rejects.toThrow(InvalidArgumentError);
  });

  test("fishes for one message and keeps what it skipped, within one time for all", async () => {
    const { probe, after, now } = setUp();
    for (const [ms, message] of [
      [1, "a"],
      [2, "b"],
      [3, "fish"],
      [4, "c"],
    ] as const)
      after(ms, message);
    expect(await probe.fishFor((message) => message === "fish")).toEqual({
      message: "fish",
      skipped: ["a", "b"],
    });
    await expect(probe.fishFor((message) => message === "no", { withinMs: 10 })).rejects.toThrow(
      'fished for 10 ms and caught ["c"]',
    );
    expect(now()).toBe(13);
  });

  test("receives while messages are of a kind, and leaves the first that is not", async () => {
    const { node, probe } = setUp();
    for (const message of ["1", "2", "x", "3"]) node.send(probe.pid, message);
    const isDigit = (message: string): boolean => /\d/.test(message);
    expect(await probe.receiveWhile(isDigit)).toEqual(["1", "2"]);
    expect(await probe.receiveWhile(isDigit)).toEqual([]);
    expect(await probe.expect()).toBe("x");
    expect(await probe.receiveWhile(isDigit, { withinMs: 5 })).toEqual(["3"]);
  });

  test("acts by itself with an autopilot, until that says stop, and still shows what came", async () => {
    const { node, probe } = setUp();
    const echo = createProbe<string>(node);
    probe.autopilot((message, self) => {
      self.send(echo.pid, message.toUpperCase());
      return message === "b" ? "stop" : undefined;
    });
    for (const message of ["a", "b", "c"]) node.send(probe.pid, message);
    await probe.receiveWhile(() => true, { withinMs: 1 });
    expect(echo.messages).toEqual(["A", "B"]);
  });

  test("answers calls, sends in its own name, and ends when it is stopped", async () => {
    const sim = simulate();
    const node = sim.node();
    const probe = createProbe<Call<number, number>>(node, { sim });
    probe.autoReply((request) => (request as number) + 1);
    let answer = 0;
    node.spawn<never>(async (self) => {
      answer = await self.call(probe.pid, 1);
    });
    expect((await probe.expect()).request).toBe(1);
    await sim.settle();
    expect(answer).toBe(2);
    const other = createProbe<string>(node, { sim });
    probe.send(other.pid, "from a probe");
    expect(await other.expect()).toBe("from a probe");
    probe.stop();
    await sim.settle();
    expect(node.isAlive(probe.pid)).toBe(false);
    expect(() => createProbe(node, { withinMs: -1 })).toThrow(InvalidArgumentError);
  });

  test("works on a plain node with a virtual clock, too", async () => {
    const clock = createVirtualClock();
    const node = createNode({ clock, logger: false });
    const probe = createProbe<string>(node);
    const late = probe.expect({ withinMs: 10 });
    const failed = late.catch((error: unknown) => error);
    await clock.advance(10);
    expect(await failed).toBeInstanceOf(ProbeError);
    node.sendAfter(probe.pid, 5, "x");
    const message = probe.expect();
    await clock.advance(5);
    expect(await message).toBe("x");
    // The timer of a wait that is over is gone.
    await quiesce();
    expect(node.counts.timers).toBe(0);
    await node.stop();
  });
});

/** `timeoutMs`: a server is called when no message comes for so long. */
import { describe, expect, test } from "@jest/globals";
import { quiesce } from "@coppice/testkit";
import { defineServer, sys } from "@coppice/supervisor";
import { createServerWorld, puppet, type ServerWorld } from "./server-world.js";

interface Timed extends ServerWorld {
  /** When `timeout` was called, on the clock. */
  readonly timeouts: number[];
  readonly pid: Awaited<ReturnType<typeof start>>;
}

async function start({ node }: ServerWorld, callbacks: object, init: unknown) {
  return node.start(puppet(callbacks as never), () => init);
}

/** A server that returns `init` from its `init`, and `then` from `timeout`. */
async function createTimed(init: unknown, then?: unknown): Promise<Timed> {
  const world = createServerWorld();
  const timeouts: number[] = [];
  const timeout = (): unknown => {
    timeouts.push(world.clock.now());
    return then;
  };
  const pid = await start(world, { timeout, info: () => undefined }, init);
  return { ...world, timeouts, pid };
}

describe("timeoutMs", () => {
  test("of init calls timeout when no message comes in time, once", async () => {
    const { clock, node, timeouts } = await createTimed({ state: 0, timeoutMs: 100 });
    await clock.advance(99, quiesce);
    expect(timeouts).toEqual([]);
    await clock.advance(1, quiesce);
    expect(timeouts).toEqual([100]);
    await clock.advance(1_000, quiesce);
    expect(timeouts).toEqual([100]);
    expect(node.counts.timers).toBe(0);
    await node.stop();
  });

  test.each([
    ["a call", "call"],
    ["a cast", "cast"],
  ] as const)("of %s starts when that is handled", async (_what, how) => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0 });
    await clock.advance(50, quiesce);
    if (how === "call") await node.call(pid, ["do", () => ({ reply: 1, timeoutMs: 100 })]);
    else node.cast(pid, ["do", () => ({ timeoutMs: 100 })]);
    await clock.advance(99, quiesce);
    expect(timeouts).toEqual([]);
    await clock.advance(1, quiesce);
    expect(timeouts).toEqual([150]);
    await node.stop();
  });

  test("of timeout itself makes it periodic", async () => {
    const { node, clock, timeouts } = await createTimed(
      { state: 0, timeoutMs: 100 },
      { timeoutMs: 100 },
    );
    await clock.advance(350, quiesce);
    expect(timeouts).toEqual([100, 200, 300]);
    await node.stop();
  });

  test.each<[string, (timed: Timed) => unknown]>([
    ["a call", ({ node, pid }) => node.call(pid, ["do", () => ({ reply: 1 })])],
    ["a cast", ({ node, pid }) => node.cast(pid, ["do", () => undefined])],
    ["another message", ({ node, pid }) => node.send(pid as never, "x" as never)],
    [
      "a call that the server does not know",
      ({ node, pid }) => node.call(pid, ["nope"] as never).catch(() => undefined),
    ],
  ])("is ended by %s, and does not come back", async (_what, act) => {
    const timed = await createTimed({ state: 0, timeoutMs: 100 });
    await timed.clock.advance(99, quiesce);
    await act(timed);
    await timed.clock.advance(1_000, quiesce);
    expect(timed.timeouts).toEqual([]);
    expect(timed.node.counts.timers).toBe(0);
    await timed.node.stop();
  });

  test("that a message has ended does not begin anew with a system request", async () => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0, timeoutMs: 100 });
    node.cast(pid, ["do", () => undefined]);
    await sys.getState(node, pid);
    await clock.advance(1_000, quiesce);
    expect(timeouts).toEqual([]);
    await node.stop();
  });

  test("counts from the end of an async callback", async () => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0 });
    node.cast(pid, [
      "do",
      async (_state, self) => {
        await self.sleep(500);
        return { timeoutMs: 100 };
      },
    ]);
    await clock.advance(599, quiesce);
    expect(timeouts).toEqual([]);
    await clock.advance(1, quiesce);
    expect(timeouts).toEqual([600]);
    await node.stop();
  });

  test("of 0 calls timeout as soon as the mailbox is empty", async () => {
    const { node, pid, timeouts, clock } = await createTimed({ state: 0 });
    node.cast(pid, ["do", () => ({ timeoutMs: 0 })]);
    await quiesce();
    expect(timeouts).toEqual([clock.now()]);
    await node.stop();
  });

  test("of 0 is ended by a message that waits already", async () => {
    const { node, pid, timeouts } = await createTimed({ state: 0 });
    node.cast(pid, ["do", () => ({ timeoutMs: 0 })]);
    node.cast(pid, ["do", () => undefined]);
    await quiesce();
    expect(timeouts).toEqual([]);
    await node.stop();
  });

  test("of Infinity is none", async () => {
    const { node, clock, timeouts } = await createTimed({ state: 0, timeoutMs: Infinity });
    await clock.advance(1e9, quiesce);
    expect(timeouts).toEqual([]);
    expect(node.counts.timers).toBe(0);
    await node.stop();
  });

  test("of undefined is none", async () => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0, timeoutMs: undefined });
    await node.call(pid, ["do", () => ({ reply: 1, timeoutMs: undefined })]);
    await clock.advance(1_000, quiesce);
    expect(timeouts).toEqual([]);
    await node.stop();
  });

  test.each<[string, (timed: Timed) => unknown]>([
    ["getState", ({ node, pid }) => sys.getState(node, pid)],
    ["getStatus", ({ node, pid }) => sys.getStatus(node, pid)],
    ["replaceState", ({ node, pid }) => sys.replaceState(node, pid, (state) => state)],
    [
      "an async replaceState",
      ({ node, pid }) => sys.replaceState(node, pid, (state) => Promise.resolve(state)),
    ],
    [
      "a replaceState that fails",
      ({ node, pid }) =>
        sys
          .replaceState(node, pid, () => {
            throw new Error("no");
          })
          .catch(() => undefined),
    ],
    ["statistics", ({ node, pid }) => sys.statistics(node, pid, "on")],
  ])("begins anew with a system request: %s", async (_what, ask) => {
    const timed = await createTimed({ state: 0, timeoutMs: 100 });
    await timed.clock.advance(60, quiesce);
    await ask(timed);
    await timed.clock.advance(99, quiesce);
    expect(timed.timeouts).toEqual([]);
    await timed.clock.advance(1, quiesce);
    expect(timed.timeouts).toEqual([160]);
    await timed.node.stop();
  });

  test("stands still while the server is suspended, and begins anew when it is resumed", async () => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0, timeoutMs: 100 });
    await clock.advance(60, quiesce);
    await sys.suspend(node, pid);
    await sys.getState(node, pid);
    await clock.advance(1_000, quiesce);
    expect(timeouts).toEqual([]);
    await sys.resume(node, pid);
    await clock.advance(99, quiesce);
    expect(timeouts).toEqual([]);
    await clock.advance(1, quiesce);
    expect(timeouts).toEqual([1_160]);
    await node.stop();
  });

  test("is forgotten when the code changes to one without timeout", async () => {
    const { node, clock, pid, timeouts } = await createTimed({ state: 0, timeoutMs: 100 });
    await sys.suspend(node, pid);
    await sys.changeCode(node, pid, defineServer({ init: () => 0 }));
    await sys.resume(node, pid);
    expect(node.counts.timers).toBe(0);
    await clock.advance(1_000, quiesce);
    expect(timeouts).toEqual([]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("does not keep the server from what its timeout returns", async () => {
    const { node, clock, pid } = await createTimed({ state: 0, timeoutMs: 100 }, { stop: "idle" });
    const ended = node.whenExited(pid);
    await clock.advance(100, quiesce);
    expect(await ended).toBe("idle");
  });
});

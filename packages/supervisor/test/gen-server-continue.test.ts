/** `continue`: what a server does between two messages. */
import { describe, expect, test } from "@jest/globals";
import { createNode, type ExitReason } from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { defineServer, sys, type ServerSelf } from "@coppice/supervisor";
import { boom, createServerWorld, errorOf, puppet, settle } from "./server-world.js";

/** Writes down what it does; `continue` returns what its argument is told to. */
function recorder(steps: unknown[]) {
  return puppet({
    info: (_state: unknown, message: unknown) => void steps.push(message),
    continue: (_state: unknown, argument: { step: unknown; next?: unknown }) => {
      steps.push(argument.step);
      return argument.next;
    },
  });
}

describe("continue", () => {
  test("after init comes before the first message, whenever that was sent", async () => {
    const { node } = createServerWorld();
    const steps: unknown[] = [];
    const pid = await node.start(recorder(steps), (self) => {
      self.send(self.pid, "message");
      return { state: 0, continue: { step: "continued", next: { state: 1 } } };
    });
    expect(steps).toEqual(["continued", "message"]);
    expect(await sys.getState(node, pid)).toBe(1);
    await node.stop();
  });

  test("after init comes after the starter is told: it may take long", async () => {
    const { node, clock } = createServerWorld();
    const server = defineServer({
      init: () => ({ state: 0, continue: "load" }),
      continue: async (_state, _load: string, self: ServerSelf) => {
        await self.sleep(100);
        return { state: 1 };
      },
      call: { get: (state) => ({ reply: state }) },
    });
    const pid = await node.start(server);
    const reply = settle(node.call(pid, ["get"]));
    await clock.advance(99, quiesce);
    expect(await reply).toEqual({ state: "pending" });
    await clock.advance(1, quiesce);
    expect(await reply).toEqual({ state: "fulfilled", value: 1 });
    await node.stop();
  });

  test("after a call comes after its reply, and before the next message", async () => {
    const { node } = createServerWorld();
    const steps: unknown[] = [];
    const pid = await node.start(recorder(steps), () => 0);
    const reply = node.call(pid, [
      "do",
      (_state, self) => {
        self.send(self.pid, "message");
        return { reply: "replied", continue: { step: "continued" } };
      },
    ]);
    expect(await reply).toBe("replied");
    await quiesce();
    expect(steps).toEqual(["continued", "message"]);
    await node.stop();
  });

  test.each(["cast", "info", "timeout", "down", "exit"])(
    "may be asked for by %s",
    async (callback) => {
      const { node } = createServerWorld();
      const seen: unknown[] = [];
      const asks = (): unknown => ({ continue: callback });
      const other = node.spawn<unknown>(async (self) => void (await self.receive()));
      const server = puppet({
        [callback]: callback === "cast" ? { do: asks } : asks,
        continue: (_state: unknown, argument: unknown) => void seen.push(argument),
      });
      const pid = await node.start(server, (self) => {
        self.trapExits();
        if (callback === "down") self.monitor(other);
        if (callback === "exit") self.link(other);
        return { state: 0, ...(callback === "timeout" && { timeoutMs: 0 }) };
      });
      if (callback === "cast") node.cast(pid, ["do", () => 0]);
      if (callback === "info") node.send(pid as never, "x" as never);
      node.exit(other, "over");
      await quiesce();
      expect(seen).toEqual([callback]);
      await node.stop();
    },
  );

  test("may follow continue, each with the state of the one before", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: () => ({ state: [0], continue: 1 }),
      continue: (state, step: number) => ({
        state: [...state, step],
        ...(step < 500 ? { continue: step + 1 } : {}),
      }),
      call: { get: (state) => ({ reply: state }) },
    });
    const pid = await node.start(server);
    expect(await node.call(pid, ["get"])).toEqual(Array.from({ length: 501 }, (_, step) => step));
    await node.stop();
  });

  test("may follow continue when both are async", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: () => ({ state: 0, continue: 200 }),
      continue: async (state, left: number) => ({
        state: state + 1,
        ...(left > 1 ? { continue: left - 1 } : {}),
      }),
      call: { get: (state) => ({ reply: state }) },
    });
    const pid = await node.start(server);
    expect(await node.call(pid, ["get"])).toBe(200);
    await node.stop();
  });

  test("with undefined is none: that is what a field holds that is not set", async () => {
    const { node } = createServerWorld();
    const steps: unknown[] = [];
    const pid = await node.start(recorder(steps), () => ({ state: 0, continue: undefined }));
    await node.call(pid, ["do", () => ({ reply: 1, continue: undefined })]);
    expect(steps).toEqual([]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test.each<[string, () => unknown, ExitReason]>([
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["rejects", () => Promise.reject(boom), { error: boom }],
    ["stops", () => ({ stop: "enough" }), "enough"],
  ])("that %s ends the server, after terminate", async (_what, step, reason) => {
    const { node } = createServerWorld();
    const terminated: unknown[] = [];
    const server = puppet({
      continue: step,
      terminate: (_state: unknown, why: unknown) => void terminated.push(why),
    });
    const pid = await node.start(server, () => 0);
    const call = errorOf(node.call(pid, ["do", () => ({ continue: "next" })]));
    expect(await call).toMatchObject({ reason });
    expect(terminated).toEqual([reason]);
  });

  test("is not interrupted by a system request, nor by the exit of the parent", async () => {
    const { node, clock } = createServerWorld();
    const steps: string[] = [];
    const server = defineServer({
      init: (self: ServerSelf) => {
        self.trapExits();
        return { state: "loading", continue: "load" };
      },
      continue: async (_state, _argument: string, self: ServerSelf) => {
        await self.sleep(100);
        steps.push("loaded");
        return { state: "loaded" };
      },
      terminate: (state) => void steps.push(`terminated when ${state}`),
    });
    const pid = await node.start(server);
    const state = settle(sys.getState(node, pid));
    node.exit(pid, "shutdown");
    await clock.advance(100, quiesce);
    expect(await state).toEqual({ state: "fulfilled", value: "loaded" });
    expect(steps).toEqual(["loaded", "terminated when loaded"]);
  });
});

describe("a chain of continues without end", () => {
  const isAsync = [
    ["sync", (): unknown => ({ continue: 1 })],
    ["async", async (): Promise<unknown> => ({ continue: 1 })],
  ] as const;

  test.each(isAsync)("that is %s leaves the event loop to others", async (_what, callback) => {
    // Time passes with each look at the clock, as it does where nobody turns it by hand.
    let nowMs = 0;
    const clock = {
      ...createVirtualClock(),
      now: () => (nowMs += 0.05),
      set: () => 0,
      clear: () => undefined,
    };
    const node = createNode({ clock, logger: false });
    const pid = await node.start(puppet({ continue: callback }), () => ({ state: 0, continue: 1 }));
    // Turns of the event loop: were it held, none would come.
    for (let turn = 0; turn < 5; turn++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    node.exit(pid, "enough");
    expect(await node.whenExited(pid)).toBe("enough");
  });

  test.each(isAsync)(
    "that is %s lets a scheduler decide over and over",
    async (_what, callback) => {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed: 1 });
      const { node } = createServerWorld({ clock, scheduler });
      const start = settle(
        node.start(puppet({ continue: callback }), () => ({ state: 0, continue: 1 })),
      );
      const pass = async (): Promise<boolean> => {
        await new Promise<void>((resolve) => void setImmediate(resolve));
        return scheduler.runNext();
      };
      for (let step = 0; step < 50; step++) expect(await pass()).toBe(true);
      const { value: pid } = await start;
      node.exit(pid as never, "enough");
      while (await pass());
      expect(node.counts.processes).toBe(0);
    },
  );
});

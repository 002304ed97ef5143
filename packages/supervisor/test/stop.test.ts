/** `stop`: ending one process in order, and waiting for its end. */
import { describe, expect, test } from "@jest/globals";
import {
  at,
  CallCycleError,
  CallTimeoutError,
  InvalidArgumentError,
  name,
  NodeStoppedError,
  NoProcessError,
  ServerExitError,
  type ExitReason,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { stop, sys, type ServerSelf } from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  outcomeOf,
  puppet,
  settle,
  terminating,
  type Journal,
} from "./server-world.js";

const slow = puppet({
  terminate: (_state: unknown, _reason: ExitReason, self: ServerSelf) => self.sleep(100),
});

describe("stop", () => {
  test("ends a process normally, after its terminate, and resolves when it has ended", async () => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(terminating(journal)), () => "state");
    const ended = node.whenExited(pid);
    await stop(node, pid);
    expect(node.isAlive(pid)).toBe(false);
    expect(await ended).toBe("normal");
    expect(journal).toEqual([["terminate", "state", "normal"]]);
  });

  test.each<[string, ExitReason]>([
    ["a word", "shutdown"],
    ["a term", { shutdown: { drained: [1, 2] } }],
    ["a number", 0],
    ["null", null],
  ])("ends it with any reason: %s", async (_what, reason) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = node.whenExited(pid);
    await stop(node, pid, { reason });
    expect(await ended).toEqual(reason);
  });

  test("takes a name, also one at a node", async () => {
    const { node } = createServerWorld();
    const Server = name<never>("server");
    for (const target of [Server, at("demo", Server)]) {
      await node.startOpt({ name: Server }, puppet() as never, (() => 0) as never);
      await stop(node, target);
      expect(node.whereis(Server)).toBeUndefined();
    }
  });

  test("may be asked for by a process, which gets no message of it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const asker = node.spawn<unknown>(async (self) => {
      await stop(self, pid);
      await self.receive(() => false);
    });
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);
    expect(node.mailboxOf(asker)).toEqual([]);
    expect(node.processes()).toEqual([asker]);
    await node.stop();
  });

  test("waits for the callback under way, and for terminate", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(slow, () => 0);
    node.cast(pid, ["do", (_state, self) => self.sleep(100)]);
    const stopped = outcomeOf(stop(node, pid));
    await clock.advance(199, quiesce);
    expect(stopped.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(stopped.state).toBe("fulfilled");
  });

  test("is refused by a node that is stopped", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    await node.stop();
    expect(await errorOf(stop(node, pid))).toBeInstanceOf(NodeStoppedError);
  });

  test("is a legal end whatever a scheduler decides", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const { node } = createServerWorld({ clock, scheduler });
      const start = node.start(puppet(), () => 0);
      await scheduler.runAll();
      const pid = await start;
      const first = outcomeOf(stop(node, pid));
      const second = outcomeOf(stop(node, pid));
      const state = outcomeOf(sys.getState(node, pid));
      await scheduler.runAll();
      // One of them stops it, the other finds it gone or going.
      const ends = [first, second].map((outcome) => outcome.state).toSorted();
      expect(ends).toEqual(["fulfilled", "rejected"]);
      expect(state.state).not.toBe("pending");
      expect(node.counts.processes).toBe(0);
    }
  });
});

describe("stop fails", () => {
  test("with NoProcessError when nobody is there", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    await stop(node, pid);
    expect(await errorOf(stop(node, pid))).toBeInstanceOf(NoProcessError);
    expect(await errorOf(stop(node, name("nobody")))).toBeInstanceOf(NoProcessError);
    expect(await errorOf(stop(node, at("demo", name("nobody"))))).toBeInstanceOf(NoProcessError);
  });

  test("with ServerExitError and noconnection when its node is out of reach", async () => {
    const { node } = createServerWorld();
    const error = await errorOf(stop(node, at("elsewhere", name("server"))));
    expect(error).toBeInstanceOf(ServerExitError);
    expect(error).toMatchObject({ reason: "noconnection" });
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
  ])("with ServerExitError and the reason when terminate %s", async (_what, terminate, reason) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet({ terminate }), () => 0);
    const error = await errorOf(stop(node, pid));
    expect(error).toBeInstanceOf(ServerExitError);
    expect(error).toMatchObject({ reason, request: "stop" });
  });

  test("with ServerExitError when an exit signal comes between", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(slow, () => 0);
    const stopped = outcomeOf(stop(node, pid));
    await quiesce();
    node.exit(pid, "over");
    await quiesce();
    expect(stopped.value).toMatchObject({
      name: "ServerExitError",
      reason: "over",
      request: "stop",
    });
  });

  test("with ServerExitError when it ended before it was asked, even with the reason that was wanted", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.cast(pid, [
      "do",
      async (_state, self) => {
        await self.sleep(100);
        return { stop: "normal" };
      },
    ]);
    const stopped = outcomeOf(stop(node, pid));
    await clock.advance(100, quiesce);
    expect(stopped.value).toMatchObject({ name: "ServerExitError", reason: "normal" });
    expect((stopped.value as ServerExitError).request).not.toBe("stop");
  });

  test.each([
    ["its terminate takes too long", slow, () => undefined],
    ["a callback takes too long", puppet(), (self: ServerSelf) => self.sleep(200)],
  ])("with CallTimeoutError when %s; it ends all the same", async (_what, server, busy) => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(server, () => 0);
    node.cast(pid, ["do", (_state, self) => busy(self)]);
    const ended = outcomeOf(node.whenExited(pid));
    const stopped = outcomeOf(stop(node, pid, { timeoutMs: 50 }));
    await clock.advance(49, quiesce);
    expect(stopped.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(stopped.value).toBeInstanceOf(CallTimeoutError);
    expect(stopped.value).toMatchObject({ timeoutMs: 50 });
    await clock.advance(1_000, quiesce);
    expect(ended.value).toBe("normal");
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("with CallTimeoutError in all when the request and the end take too long together", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(slow, () => 0);
    node.cast(pid, ["do", (_state, self) => self.sleep(100)]);
    const stopped = outcomeOf(stop(node, pid, { timeoutMs: 150 }));
    await clock.advance(149, quiesce);
    expect(stopped.state).toBe("pending");
    await clock.advance(1, quiesce);
    expect(stopped.value).toBeInstanceOf(CallTimeoutError);
  });

  test("with CallTimeoutError at once with a timeout of 0, and asks all the same", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const stopped = await settle(stop(node, pid, { timeoutMs: 0 }));
    expect(stopped.value).toBeInstanceOf(CallTimeoutError);
    expect(node.isAlive(pid)).toBe(false);
    expect(eventsOf("fenced")).toEqual([]);
  });

  test("with CallTimeoutError for a process that is no behaviour; without a limit it waits for its end", async () => {
    const { node, clock } = createServerWorld();
    const body = node.spawn<unknown>(async (self) => void (await self.receive((m) => m === "end")));
    const limited = outcomeOf(stop(node, body, { timeoutMs: 100 }));
    const patient = outcomeOf(stop(node, body));
    await clock.advance(100, quiesce);
    expect(limited.value).toBeInstanceOf(CallTimeoutError);
    expect(patient.state).toBe("pending");
    node.send(body, "end");
    await quiesce();
    expect(patient.value).toMatchObject({ name: "ServerExitError", reason: "normal" });
  });

  test("with CallCycleError when a server stops itself, or one that waits for it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const selfish = node.call(pid, [
      "do",
      async (_state, self) => ({
        reply: await stop(self, self.pid).catch((error: unknown) => (error as Error).name),
      }),
    ]);
    expect((await settle(selfish)).value).toBe("CallCycleError");
    const other = await node.start(puppet(), () => 0);
    const round = node.call(pid, [
      "do",
      async (_state, self) => ({
        reply: await self.call(other, [
          "do",
          async (_state, otherSelf) => ({
            reply: await stop(otherSelf, pid).catch((error: unknown) => error),
          }),
        ]),
      }),
    ]);
    expect((await settle(round)).value).toBeInstanceOf(CallCycleError);
    await node.stop();
  });

  test.each<[string, unknown, unknown]>([
    ["no target", undefined, {}],
    ["a name as a mere string", "server", {}],
    ["an object", {}, {}],
    ["options that are null", "pid", null],
    ["an unknown option", "pid", { timeout: 5 }],
    ["a negative timeout", "pid", { timeoutMs: -1 }],
    ["a timeout that is NaN", "pid", { timeoutMs: Number.NaN }],
    ["a timeout that is no number", "pid", { timeoutMs: "5" }],
  ])("with InvalidArgumentError for %s, and asks nobody", async (_what, target, options) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const error = await errorOf(
      stop(node, (target === "pid" ? pid : target) as never, options as never),
    );
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(node.processes()).toEqual([pid]);
    await node.stop();
  });

  test.each<[string, (pid: unknown) => unknown]>([
    ["a pid", (pid) => pid],
    ["a promise", () => Promise.resolve()],
  ])(
    "with InvalidArgumentError for a reason that is %s, and ends nobody",
    async (_what, reason) => {
      const { node } = createServerWorld();
      const pid = await node.start(puppet(), () => 0);
      expect(await errorOf(stop(node, pid, { reason: reason(pid) as never }))).toBeInstanceOf(
        InvalidArgumentError,
      );
      expect(node.isAlive(pid)).toBe(true);
      await node.stop();
    },
  );

  test.each(["share", "freeze", "clone"] as const)(
    "with the same error where messages are: %s",
    async (messages) => {
      const { node } = createServerWorld({ messages });
      const pid = await node.start(puppet(), () => 0);
      const error = await errorOf(stop(node, pid, { reason: pid }));
      // A copy of it may have lost its class.
      expect(error).toMatchObject({ name: "InvalidArgumentError", code: "INVALID_ARGUMENT" });
      await stop(node, pid, { reason: { shutdown: ["x"] } });
      expect(node.isAlive(pid)).toBe(false);
    },
  );
});

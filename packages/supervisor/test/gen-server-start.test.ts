/** Starting servers: by whom, with which options, and what comes of it. */
import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  name,
  NodeStoppedError,
  StartError,
  type AnyPid,
  type Exit,
  type ExitReason,
  type Node,
  type Pid,
  type Self,
  type StartOptions,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { defineServer, sys, type ProtocolOf, type ServerSelf } from "@coppice/supervisor";
import { boom, createServerWorld, errorOf, outcomeOf, puppet, settle } from "./server-world.js";

const counter = defineServer({
  init: (from: number) => from,
  call: { get: (count) => ({ reply: count }) },
});
const Counter = name<ProtocolOf<typeof counter>>("counter");

/** Has a process do something, and tells what came of it; the process goes on, and takes no messages. */
function within(
  node: Node,
  act: (self: Self<unknown>) => Promise<unknown>,
  prepare: (self: Self<unknown>) => void = () => undefined,
): { pid: Pid<unknown>; result: Promise<unknown> } {
  let done!: (value: unknown) => void;
  let failed!: (error: unknown) => void;
  const result = new Promise<unknown>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  result.catch(() => undefined);
  const pid = node.spawn<unknown>(async (self) => {
    prepare(self);
    await act(self).then(done, failed);
    await self.receive(() => false);
  });
  return { pid, result };
}

describe("start", () => {
  test("of a node resolves to the pid when init has returned", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    expect(await node.call(pid, ["get"])).toBe(5);
    expect(node.processInfo(pid)).toMatchObject({ initialCall: "gen_server", links: [] });
    await node.stop();
  });

  test("of a process does not link it", async () => {
    const { node } = createServerWorld();
    const { pid: starter, result } = within(node, (self) => self.start(counter, 5));
    const pid = (await result) as AnyPid;
    node.exit(starter, "over");
    await quiesce();
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("of the same definition makes servers that share nothing", async () => {
    const { node } = createServerWorld();
    const pids = await Promise.all([node.start(counter, 1), node.start(counter, 2)]);
    expect(await Promise.all(pids.map((pid) => node.call(pid, ["get"])))).toEqual([1, 2]);
    await node.stop();
  });

  test("of a node that stops is refused", async () => {
    const { node } = createServerWorld();
    await node.stop();
    expect(await errorOf(node.start(counter, 1))).toBeInstanceOf(NodeStoppedError);
  });
});

describe("startLink", () => {
  test("links the server from the beginning", async () => {
    const { node } = createServerWorld();
    const { pid: starter, result } = within(node, (self) => self.startLink(counter, 5));
    const pid = (await result) as AnyPid;
    expect(node.processInfo(pid)?.links).toEqual([starter]);
    node.exit(starter, "over");
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);
  });

  test("ends a starter that does not trap exits, when init fails", async () => {
    const { node, eventsOf } = createServerWorld();
    const { pid: starter } = within(node, (self) =>
      self.startLink(puppet(), () => ({ stop: "no luck" })),
    );
    await quiesce();
    expect(eventsOf("exited").find(({ pid }) => pid === starter)?.reason).toBe("no luck");
  });

  test.each<[string, (self: ServerSelf) => unknown, ExitReason]>([
    ["stops", () => ({ stop: "no luck" }), "no luck"],
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["exits", (self) => self.exit("no luck"), "no luck"],
    ["ignores", () => ({ ignore: true }), "normal"],
  ])(
    "leaves a starter that traps exits the error and, as in OTP 25, an Exit, when init %s",
    async (_what, init, reason) => {
      const { node } = createServerWorld();
      const { pid: starter, result } = within(
        node,
        (self) => self.startLink(puppet(), init),
        (self) => self.trapExits(),
      );
      expect(await errorOf(result)).toMatchObject({
        reason: reason === "normal" ? "ignore" : reason,
      });
      expect(node.mailboxOf(starter)).toMatchObject([{ type: "exit", reason }]);
      expect(node.counts.processes).toBe(1);
    },
  );

  test("tells of a server that a signal ends before it has started by the error alone", async () => {
    const { node } = createServerWorld();
    let child: AnyPid | undefined;
    const { pid: starter, result } = within(
      node,
      (self) =>
        self.startLink(puppet(), async (server) => {
          child = server.pid;
          await server.sleep(1_000);
        }),
      (self) => self.trapExits(),
    );
    await quiesce();
    node.exit(child as AnyPid, "over");
    expect(await errorOf(result)).toMatchObject({ reason: "over" });
    expect(node.mailboxOf(starter)).toEqual([]);
  });

  test("is no crash of the starter to be reported when the exit of the starter ends init", async () => {
    const { node, eventsOf } = createServerWorld();
    const { pid: starter } = within(node, (self) =>
      self.startLink(puppet(), (server) => server.sleep(1_000)),
    );
    await quiesce();
    node.exit(starter, "over");
    await quiesce();
    expect(node.counts.processes).toBe(0);
    expect([...eventsOf("crashed"), ...eventsOf("fenced")]).toEqual([]);
  });

  test("attempts nothing any more when it is killed during init", async () => {
    const { node, eventsOf, clock } = createServerWorld();
    let child: AnyPid | undefined;
    const { result } = within(node, (self) =>
      self.start(puppet(), async (server) => {
        child = server.pid;
        await server.sleep(1_000);
      }),
    );
    await quiesce();
    node.exit(child as AnyPid, "kill");
    expect(await errorOf(result)).toMatchObject({ reason: "killed" });
    await clock.advance(1_000, quiesce);
    expect(eventsOf("fenced")).toEqual([]);
    await node.stop();
  });
});

describe("startMonitor", () => {
  test("resolves to the pid and the monitor, which tells of the end", async () => {
    const { node } = createServerWorld();
    const { pid: starter, result } = within(node, (self) =>
      self.startMonitor((down) => down, counter, 5),
    );
    const { pid, ref } = (await result) as { pid: AnyPid; ref: unknown };
    node.exit(pid, "over");
    await quiesce();
    expect(node.mailboxOf(starter)).toEqual([{ type: "down", ref, process: pid, reason: "over" }]);
    await node.stop();
  });

  test("leaves no Down of a server that did not start", async () => {
    const { node } = createServerWorld();
    const { pid: starter, result } = within(node, (self) =>
      self.startMonitor(
        (down) => down,
        puppet(),
        () => ({ stop: "no luck" }),
      ),
    );
    expect(await errorOf(result)).toMatchObject({ reason: "no luck" });
    expect(node.mailboxOf(starter)).toEqual([]);
    await node.stop();
  });

  test("makes the starter the parent, whose exit ends it", async () => {
    const { node } = createServerWorld();
    const { pid: starter, result } = within(node, (self) =>
      self.startMonitor(
        (down) => down,
        puppet(),
        (server) => void server.trapExits(),
      ),
    );
    const { pid } = (await result) as { pid: Pid<never> };
    expect((await sys.getStatus(node, pid)).parent).toBe(starter);
    const exit: Exit = { type: "exit", from: starter, reason: "forged" };
    node.send(pid, exit as never);
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);
    await node.stop();
  });
});

describe("startOpt", () => {
  test("gives the server its name before init runs", async () => {
    const { node } = createServerWorld();
    const server = defineServer({ init: (self: ServerSelf) => self.whereis(Counter) === self.pid });
    const pid = await node.startOpt({ name: Counter as never }, server);
    expect(await sys.getState(node, pid)).toBe(true);
    await node.stop();
  });

  test("tells who holds a name that is taken, and starts nothing", async () => {
    const { node } = createServerWorld();
    const first = await node.startOpt({ name: Counter }, counter, 1);
    const error = (await errorOf(node.startOpt({ name: Counter }, counter, 2))) as StartError;
    expect(error).toBeInstanceOf(StartError);
    expect(error.reason).toEqual({ alreadyStarted: first });
    expect(node.counts.processes).toBe(1);
    expect(await node.call(Counter, ["get"])).toBe(1);
    await node.stop();
  });

  test.each<[string, (self: ServerSelf) => unknown]>([
    ["stops", () => ({ stop: "no luck" })],
    ["throws", () => Promise.reject(boom)],
    ["ignores", () => ({ ignore: true })],
  ])("has the name free again when its starter hears that init %s", async (_what, init) => {
    const { node } = createServerWorld();
    const options = { name: Counter as never };
    await errorOf(node.startOpt(options, puppet(), init));
    expect(node.whereis(Counter)).toBeUndefined();
    await node.startOpt({ name: Counter }, counter, 1);
    await node.stop();
  });

  test("frees the name before the starter hears, whatever a scheduler decides", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const { node } = createServerWorld({ clock, scheduler });
      const again = node
        .startOpt({ name: Counter as never }, puppet(), () => ({ stop: "no luck" }))
        .catch(() => node.startOpt({ name: Counter }, counter, 1));
      const outcome = outcomeOf(again);
      await scheduler.runAll();
      expect(outcome.state).toBe("fulfilled");
    }
  });

  test("kills a server whose init takes too long, and says so", async () => {
    const { node, clock, eventsOf } = createServerWorld();
    const start = outcomeOf(
      node.startOpt({ timeoutMs: 100, name: Counter as never }, puppet(), (self) =>
        self.sleep(1_000),
      ),
    );
    await clock.advance(99, quiesce);
    expect(start).toEqual({ state: "pending" });
    await clock.advance(1, quiesce);
    expect(start).toMatchObject({ state: "rejected", value: { reason: "timeout" } });
    expect(eventsOf("exited")).toMatchObject([{ reason: "killed" }]);
    expect(node.whereis(Counter)).toBeUndefined();
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("does not hold a time limit against a server that has started in time", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.startOpt({ timeoutMs: 100 }, counter, 1);
    await clock.advance(1_000, quiesce);
    expect(node.isAlive(pid)).toBe(true);
    expect(node.counts.timers).toBe(0);
    await node.stop();
  });

  test("gives the label that reports use", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.startOpt({ label: "the counter" }, puppet(), () => 0);
    node.cast(pid, ["do", () => Promise.reject(boom)]);
    await quiesce();
    expect(eventsOf("crashed")).toMatchObject([{ report: { label: "the counter" } }]);
  });

  test.each<[string, object]>([
    ["an unknown option", { nam: Counter }],
    ["a negative timeout", { timeoutMs: -1 }],
    ["a timeout that is no number", { timeoutMs: "5" }],
    ["a link outside any process", { link: true }],
  ])("refuses %s", async (_what, options) => {
    const { node } = createServerWorld();
    const start = settle(
      (async () => node.startOpt(options as StartOptions<never>, counter as never))(),
    );
    expect((await start).value).toBeInstanceOf(InvalidArgumentError);
    expect(node.counts.processes).toBe(0);
  });
});

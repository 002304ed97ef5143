/** `sys.trace`: an Observable of what a process does. */
import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  name,
  NoProcessError,
  opaque,
  type ExitReason,
  type Node,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import {
  defineServer,
  stop,
  sys,
  type ServerSelf,
  type SystemEvent,
  type SystemTarget,
} from "@coppice/supervisor";
import { filter, map, take, type Observable } from "rxjs";
import { boom, createServerWorld, puppet, thenable } from "./server-world.js";

const counter = defineServer({
  init: (from: number) => from,
  call: { next: (count) => ({ reply: count, state: count + 1 }) },
  cast: { add: (count, by: number) => ({ state: count + by }) },
});

interface Said {
  readonly events: SystemEvent[];
  readonly end: unknown[];
  readonly unsubscribe: () => void;
}

/** Writes down what an Observable says. */
function record(source: Observable<SystemEvent>): Said {
  const events: SystemEvent[] = [];
  const end: unknown[] = [];
  const subscription = source.subscribe({
    next: (event) => events.push(event),
    error: (error: unknown) => end.push(error),
    complete: () => end.push("complete"),
  });
  return { events, end, unsubscribe: () => subscription.unsubscribe() };
}

async function trace(node: Node, target: SystemTarget): Promise<Said> {
  const said = record(sys.trace(node, target));
  await quiesce();
  return said;
}

describe("a trace", () => {
  test("tells what comes in, what goes out, and the state after it", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(counter, 5);
    const { events } = await trace(node, pid);
    await clock.advance(10, quiesce);
    await node.call(pid, ["next"]);
    node.cast(pid, ["add", 10]);
    await quiesce();
    expect(events).toMatchObject([
      { type: "in", atMs: 10, message: { type: "call", request: ["next"] } },
      { type: "out", atMs: 10, message: 5 },
      { type: "state", atMs: 10, state: 6 },
      { type: "in", atMs: 10, message: { type: "cast", request: ["add", 10] } },
      { type: "state", atMs: 10, state: 16 },
    ]);
    expect(events[1]).toMatchObject({
      to: (events[0] as { message: { from: unknown } }).message.from,
    });
    await node.stop();
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["an empty object", {}],
    ["a promise of nothing", Promise.resolve()],
    ["a thenable of a state", thenable((done) => done({ state: 5 }))],
  ])("tells the state once for a callback that returns %s", async (_what, result) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 5);
    const { events } = await trace(node, pid);
    node.cast(pid, ["do", () => result]);
    await quiesce();
    expect(events).toMatchObject([{ type: "in" }, { type: "state", state: 5 }]);
    await node.stop();
  });

  test("tells the last reply and state of a server that stops", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => "old");
    const { events, end } = await trace(node, pid);
    await node.call(pid, ["do", () => ({ reply: "bye", state: "new", stop: "normal" })]);
    await quiesce();
    expect(events).toMatchObject([
      { type: "in" },
      { type: "state", state: "new" },
      { type: "out", message: "bye" },
    ]);
    expect(end).toEqual(["complete"]);
  });

  test("leaves out system requests, its own included", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const { events } = await trace(node, pid);
    await sys.getState(node, pid);
    await sys.suspend(node, pid);
    await sys.resume(node, pid);
    expect(events).toEqual([]);
    await node.stop();
  });

  test("begins for each subscription, and ends with it", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const source = sys.trace(node, pid);
    await node.call(pid, ["next"]);
    const first = record(source);
    await quiesce();
    await node.call(pid, ["next"]);
    const second = record(source);
    await quiesce();
    first.unsubscribe();
    await node.call(pid, ["next"]);
    expect([first.events.length, second.events.length]).toEqual([3, 3]);
    expect([first.end, second.end]).toEqual([[], []]);
    await node.stop();
  });

  test("that is unsubscribed before the process has heard of it tells nothing", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const { events, end, unsubscribe } = record(sys.trace(node, pid));
    unsubscribe();
    await node.call(pid, ["next"]);
    expect([events, end]).toEqual([[], []]);
    await node.stop();
  });

  test("bothers nobody who wants to hear no more", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const heard: unknown[] = [];
    const tracer = opaque({
      closed: true,
      next: (event: unknown) => heard.push(event),
      complete: () => 0,
    });
    const request = { type: "system", action: { type: "trace", tracer } };
    expect(await node.call(pid as never, request as never)).toBe("ok");
    await node.call(pid, ["next"]);
    expect(heard).toEqual([]);
    await node.stop();
  });

  test("may be piped", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    const states: unknown[] = [];
    let completed = false;
    sys
      .trace(node, pid)
      .pipe(
        filter((event) => event.type === "state"),
        map(({ state }) => state),
        take(2),
      )
      .subscribe({ next: (state) => states.push(state), complete: () => (completed = true) });
    await quiesce();
    for (let i = 0; i < 5; i++) await node.call(pid, ["next"]);
    expect([states, completed]).toEqual([[6, 7], true]);
    await node.stop();
  });

  test("can be had from a process, and goes on when that ends", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(counter, 5);
    let said: Said | undefined;
    node.spawn((self) => {
      said = record(sys.trace(self, pid));
      return self.sleep(0);
    });
    await quiesce();
    await node.call(pid, ["next"]);
    expect(said?.events).toHaveLength(3);
    said?.unsubscribe();
    await node.stop();
  });

  test("follows the process, not its name", async () => {
    const { node } = createServerWorld();
    const Counter = name<never>("counter");
    const first = await node.startOpt({ name: Counter }, counter as never);
    const { events, end } = await trace(node, Counter);
    await stop(node, first);
    await node.startOpt({ name: Counter }, counter as never);
    node.send(Counter, "x" as never);
    await quiesce();
    expect([events, end]).toEqual([[], ["complete"]]);
    await node.stop();
  });

  test.each(["share", "freeze", "clone"] as const)(
    "hears of messages and states as they are, where messages are: %s",
    async (messages) => {
      const { node } = createServerWorld({ messages });
      const state = { format: (): string => "text", count: 0 };
      const server = defineServer({
        init: () => ({ state }),
        cast: { count: (state) => void state.count++ },
      });
      const pid = await node.start(server);
      const { events } = await trace(node, pid);
      node.cast(pid, ["count"]);
      node.cast(pid, ["count"]);
      await quiesce();
      expect(
        events
          .filter(({ type }) => type === "state")
          .map((event) => (event as { state: unknown }).state),
      ).toEqual([state, state]);
      expect(state.count).toBe(2);
      await node.stop();
    },
  );

  test("is told when a scheduler decides, too", async () => {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock, seed: 2 });
    const { node } = createServerWorld({ clock, scheduler });
    const started = node.start(counter, 5);
    await scheduler.runAll();
    const pid = await started;
    const { events, end } = record(sys.trace(node, pid));
    await scheduler.runAll();
    node.cast(pid, ["add", 1]);
    await scheduler.runAll();
    expect(events.map(({ type }) => type)).toEqual(["in", "state"]);
    node.exit(pid, "over");
    await scheduler.runAll();
    expect(end).toEqual(["complete"]);
  });
});

describe("the end of a traced process", () => {
  test.each<[string, (node: Node, pid: never) => unknown]>([
    ["it stops", (node, pid) => stop(node, pid)],
    ["it crashes", (node, pid) => node.cast(pid, ["do", () => Promise.reject(boom)] as never)],
    ["an exit signal ends it", (node, pid) => node.exit(pid, "over")],
    ["it is killed", (node, pid) => node.exit(pid, "kill")],
    [
      "it is killed in the midst of a callback",
      async (node, pid) => {
        node.cast(pid, ["do", () => new Promise(() => undefined)] as never);
        await quiesce();
        node.exit(pid, "kill");
      },
    ],
    ["its node stops", (node) => node.stop()],
  ])("completes the trace when %s", async (_what, end) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const said = await trace(node, pid);
    await end(node, pid as never);
    await quiesce();
    expect(said.end).toEqual(["complete"]);
  });

  test("completes the trace only when terminate is over", async () => {
    const { node, clock } = createServerWorld();
    const server = puppet({
      terminate: (_s: unknown, _r: ExitReason, self: ServerSelf) => self.sleep(100),
    });
    const pid = await node.start(server, () => 0);
    const said = await trace(node, pid);
    node.cast(pid, ["do", () => ({ stop: "done" })]);
    await quiesce();
    expect(said.end).toEqual([]);
    await clock.advance(100, quiesce);
    expect(said.end).toEqual(["complete"]);
  });
});

describe("a trace that cannot be had", () => {
  test("fails as a call does", async () => {
    const { node, clock } = createServerWorld();
    const nobody = await trace(node, name("nobody"));
    expect(nobody.end).toEqual([expect.any(NoProcessError)]);
    const deaf = node.spawn<unknown>(async (self) => void (await self.receive(() => false)));
    const late = await trace(node, deaf);
    await clock.advance(5_000, quiesce);
    expect(late.end).toEqual([expect.any(CallTimeoutError)]);
    await node.stop();
  });

  test("of what is no target fails when it is subscribed to", async () => {
    const { node } = createServerWorld();
    const { end } = await trace(node, "counter" as never);
    expect(end).toMatchObject([{ name: "InvalidArgumentError" }]);
  });

  test("is told as subscriberFailed to a subscriber without an error handler", async () => {
    const { node, eventsOf } = createServerWorld();
    sys.trace(node, name("nobody")).subscribe(() => undefined);
    await quiesce();
    expect(eventsOf("subscriberFailed")).toMatchObject([{ error: { name: "NoProcessError" } }]);
  });
});

describe("a subscriber that throws", () => {
  const throwing = (): never => {
    throw boom;
  };

  test.each<[string, (source: Observable<SystemEvent>) => unknown]>([
    ["in next", (source) => source.subscribe(throwing)],
    ["in complete", (source) => source.subscribe({ complete: throwing })],
    [
      "in an operator, and has no error handler",
      (source) => source.pipe(map(throwing)).subscribe(),
    ],
    [
      "in next behind an operator",
      (source) => source.pipe(map((event) => event)).subscribe(throwing),
    ],
  ])(
    "%s hurts nobody: the server goes on, others hear all, the node is told",
    async (_what, subscribe) => {
      const { node, eventsOf } = createServerWorld();
      const pid = await node.start(counter, 5);
      const before = await trace(node, pid);
      subscribe(sys.trace(node, pid));
      await quiesce();
      const after = await trace(node, pid);
      expect(await node.call(pid, ["next"])).toBe(5);
      expect(await node.call(pid, ["next"])).toBe(6);
      expect([before.events.length, after.events.length]).toEqual([6, 6]);
      await stop(node, pid);
      expect([before.end, after.end]).toEqual([["complete"], ["complete"]]);
      expect(eventsOf("subscriberFailed")[0]).toEqual({ type: "subscriberFailed", error: boom });
      expect(eventsOf("crashed")).toEqual([]);
      expect(eventsOf("disposerFailed")).toEqual([]);
    },
  );

  test("in the error handler of a trace that cannot be had is told, too", async () => {
    const { node, eventsOf } = createServerWorld();
    sys.trace(node, name("nobody")).subscribe({ error: throwing });
    await quiesce();
    expect(eventsOf("subscriberFailed")).toEqual([{ type: "subscriberFailed", error: boom }]);
  });
});

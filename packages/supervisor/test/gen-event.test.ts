import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  isCrash,
  name,
  ServerExitError,
  TIMEOUT,
  type AnyPid,
  type Call,
  type ExitReason,
  type Node,
  type Pid,
  type Report,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  addHandler,
  addSupervisedHandler,
  callHandler,
  child,
  defineEventHandler,
  defineEventManager,
  defineSupervisor,
  deleteHandler,
  EventHandlerFailedError,
  eventHandler,
  InvalidCallbackResultError,
  NoEventHandlerError,
  notify,
  sendHandlerRequest,
  startSupervisor,
  stop,
  swapHandler,
  swapSupervisedHandler,
  syncNotify,
  sys,
  UnknownEventHandlerError,
  UnknownRequestError,
  whichChildren,
  whichHandlers,
  type EventHandlerEnd,
  type EventHandlerExit,
  type EventHandlerReport,
  type EventHandlerResult,
  type EventHandlerSelf,
  type EventManagerProtocol,
  type Handover,
} from "@coppice/supervisor";
import { boom, createWorld, isSettled, within, type World } from "./world.js";

/** What a scripted handler is told by an event: what to do, by its id. */
type Command = (state: number, self: EventHandlerSelf) => unknown;
type Event = Readonly<Record<string, Command | undefined>>;
type Manager = Pid<EventManagerProtocol<Event, string>>;

const manager = defineEventManager<Event, string>();

/** What handlers did, in order. */
type Log = unknown[][];

/** A handler that counts events, writes down what it is called with, and does what events tell it. */
function scripted(log: Log, id = "h") {
  const noted = (what: string, ...rest: unknown[]): void => void log.push([id, what, ...rest]);
  return defineEventHandler({
    name: id,
    init: (first: number) => {
      noted("init", first);
      return first;
    },
    takeOver: (handover, first) => {
      noted("takeOver", handover);
      return first;
    },
    event: (count, event: Event, self) => {
      noted("event", count);
      const command = event[id];
      return (
        command === undefined ? { state: count + 1 } : command(count, self)
      ) as EventHandlerResult<number, Event, string>;
    },
    info: (count, message: string) => {
      noted("info", message, count);
    },
    call: {
      count: (count) => ({ reply: count }),
      do: (count, command: Command, self: EventHandlerSelf) =>
        command(count, self) as { reply: unknown },
      add: (count, by: number, twice: number) => ({ state: count + by * twice, reply: count }),
    },
    terminate: (count, why: EventHandlerEnd) => {
      noted("terminate", why, count);
      return `last words of ${id}`;
    },
  });
}

async function start(world: World): Promise<{ pid: Manager; log: Log }> {
  return { pid: await world.node.start(manager), log: [] };
}

function reportsOf(node: Node): Report[] {
  const reports: Report[] = [];
  node.events.subscribe((event) => event.type === "report" && reports.push(event.report));
  return reports;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it resolved to ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** A process that keeps all it is sent, once it has done what it is asked to. */
function owning(
  node: Node,
  act: (self: Self<EventHandlerExit>) => Promise<unknown>,
): { pid: AnyPid; done: Promise<unknown>; told: () => unknown[] } {
  const { pid, result } = within<unknown, EventHandlerExit>(node, act);
  return { pid, done: result, told: () => [...node.mailboxOf(pid)] };
}

/** What a handler `w`, added now, hears of exits. */
async function exitsHeardBy(node: Node, manager: Manager): Promise<readonly unknown[]> {
  const exits: unknown[] = [];
  const handler = defineEventHandler({
    name: "w",
    init: () => 0,
    event: () => {},
    exit: (_state, exit) => void exits.push(exit),
  });
  await addHandler(node, manager, handler);
  return exits;
}

describe("events", () => {
  test("go to the handlers newest first, and each keeps a state of its own", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    await addHandler(world.node, pid, scripted(log, "b").with(10));
    notify(world.node, pid, {});
    notify(world.node, pid, {});
    await quiesce();
    expect(log).toEqual([
      ["a", "init", 0],
      ["b", "init", 10],
      ["b", "event", 10],
      ["a", "event", 0],
      ["b", "event", 11],
      ["a", "event", 1],
    ]);
    expect(await whichHandlers(world.node, pid)).toEqual(["b", "a"]);
  });

  test("without handlers come to nothing", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const unhandled: unknown[] = [];
    world.node.events.subscribe((event) => event.type === "undelivered" && unhandled.push(event));
    notify(world.node, pid, {});
    await syncNotify(world.node, pid, {});
    expect(await whichHandlers(world.node, pid)).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  test("wait for a handler that takes its time, and so does who is told synchronously", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    await addHandler(world.node, pid, scripted(log, "b").with(0));
    log.length = 0;
    const slow: Event = {
      b: async (count, self) => {
        await self.sleep(50);
        log.push(["b", "slept"]);
        return { state: count + 5 };
      },
    };
    const notified = syncNotify(world.node, pid, slow);
    notify(world.node, pid, {});
    expect(await isSettled(notified)).toBe(false);
    expect(log).toEqual([["b", "event", 0]]);
    await world.clock.advance(50);
    expect(await isSettled(notified)).toBe(true);
    expect(log).toEqual([
      ["b", "event", 0],
      ["b", "slept"],
      ["a", "event", 0],
      ["b", "event", 5],
      ["a", "event", 1],
    ]);
  });

  test("can be waited for with a limit", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    const slow: Event = { a: (_count, self) => self.sleep(50) };
    const notified = syncNotify(world.node, pid, slow, { timeoutMs: 20 });
    const error = errorOf(notified);
    await world.clock.advance(20);
    expect(await error).toMatchObject({ code: "CALL_TIMEOUT" });
  });

  test("reach a manager by its name, and nobody by a name that nobody holds", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const Named = name<EventManagerProtocol<Event, string>>("manager");
    expect(() => notify(world.node, Named, {})).toThrow("manager");
    expect(await errorOf(syncNotify(world.node, Named, {}))).toMatchObject({ code: "NO_PROCESS" });
    world.node.register(Named, pid);
    await addHandler(world.node, Named, scripted(log, "a").with(0));
    notify(world.node, Named, {});
    expect(await callHandler(world.node, Named, scripted(log, "a"), ["count"])).toBe(1);
  });

  test("can be cast, and called, as the protocol says", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    world.node.cast(pid, ["notify", {}]);
    expect(await world.node.call(pid, ["notify", {}])).toBeUndefined();
    expect(await callHandler(world.node, pid, scripted(log, "a"), ["count"])).toBe(2);
  });

  test("of a dead manager are no error, unless one waits", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    await stop(world.node, pid);
    notify(world.node, pid, {});
    expect(await errorOf(syncNotify(world.node, pid, {}))).toMatchObject({ code: "NO_PROCESS" });
  });
});

describe("adding a handler", () => {
  test("one id can be there several times, and the newest is meant", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    await addHandler(world.node, pid, handler.with(2));
    expect(await whichHandlers(world.node, pid)).toEqual(["a", "a"]);
    expect(await callHandler(world.node, pid, handler, ["count"])).toBe(2);
    await deleteHandler(world.node, pid, handler);
    expect(await callHandler(world.node, pid, handler, ["count"])).toBe(1);
  });

  test("ids of its own keep several of one handler apart, and are compared by content", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    await addHandler(world.node, pid, handler.as({ disk: [1] }).with(2));
    await addHandler(world.node, pid, handler.with(3).as(pid));
    expect(await whichHandlers(world.node, pid)).toEqual([["a", pid], ["a", { disk: [1] }], "a"]);
    expect(await callHandler(world.node, pid, handler.as({ disk: [1] }), ["count"])).toBe(2);
    expect(await callHandler(world.node, pid, handler.as(pid), ["count"])).toBe(3);
    expect(await callHandler(world.node, pid, handler, ["count"])).toBe(1);
  });

  test.each<[string, () => unknown, unknown]>([
    ["the state itself", () => 7, 7],
    ["an object that is no result", () => ({ state: 1, other: 2 }), { state: 1, other: 2 }],
    ["{ state }", () => ({ state: { stop: 1 } }), { stop: 1 }],
    ["a promise of the state", async () => 7, 7],
    ["nothing", () => undefined, undefined],
  ])("init returns %s", async (_what, init, state) => {
    const world = createWorld();
    const { pid } = await start(world);
    await addHandler(world.node, pid, defineEventHandler({ name: "a", init, event: () => {} }));
    expect(await sys.getState(world.node, pid)).toEqual([{ handler: "a", state }]);
  });

  test.each<[string, (self: EventHandlerSelf) => unknown, unknown]>([
    ["{ stop }", () => ({ stop: "full" }), "full"],
    ["a promise of { stop }", async () => ({ stop: "full" }), "full"],
    ["self.exit", (self) => self.exit("full"), "full"],
    [
      "an error",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["a promise that rejects", () => Promise.reject(boom), { error: boom }],
    ["{ ignore }", () => ({ ignore: true }), { error: expect.any(InvalidCallbackResultError) }],
    [
      "{ state, stop }",
      () => ({ state: 1, stop: "x" }),
      { error: expect.any(InvalidCallbackResultError) },
    ],
  ])("fails where init comes to %s: nothing is added", async (_what, init, reason) => {
    const world = createWorld();
    const { pid } = await start(world);
    const handler = defineEventHandler({
      name: "a",
      init: (self: EventHandlerSelf) => init(self),
      event: () => {},
    });
    const error = await errorOf(addHandler(world.node, pid, handler));
    expect(error).toBeInstanceOf(EventHandlerFailedError);
    expect(error).toMatchObject({ code: "EVENT_HANDLER_FAILED", handler: "a", manager: pid });
    expect((error as EventHandlerFailedError).reason).toEqual(reason);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test("by its name alone needs a manager that knows the handler", async () => {
    const world = createWorld();
    const log: Log = [];
    const handler = scripted(log, "a");
    const named = eventHandler<typeof handler>("a").as("b");
    const knowing = await world.node.start(
      defineEventManager<Event, string>({ handlers: [handler] }),
    );
    await addHandler(world.node, knowing, named.with(5));
    expect(await callHandler(world.node, knowing, named, ["count"])).toBe(5);
    const { pid } = await start(world);
    const error = await errorOf(addHandler(world.node, pid, named.with(5)));
    expect(error).toBeInstanceOf(UnknownEventHandlerError);
    expect(error).toMatchObject({ handler: ["a", "b"], manager: pid });
  });

  test("works where messages are cloned, and what comes of it arrives whole", async () => {
    const world = createWorld({ messages: "clone" });
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    const other = scripted(log, "b");
    await addHandler(world.node, pid, handler.with(5));
    await swapHandler(world.node, pid, handler, other.with(7));
    expect(await callHandler(world.node, pid, other, ["count"])).toBe(7);
    const failing = defineEventHandler({
      name: "c",
      init: () => ({ stop: { shutdown: "no room" } }),
      event: () => {},
    });
    const error = await errorOf(addHandler(world.node, pid, failing));
    expect(error).toBeInstanceOf(EventHandlerFailedError);
    expect(error).toMatchObject({ handler: "c", reason: { shutdown: "no room" } });
  });
});

describe("deleting a handler", () => {
  test("calls its terminate and returns what that returned", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(3));
    const last = await deleteHandler(world.node, pid, "a", { argument: "bye" });
    expect(last).toBe("last words of a");
    expect(log.at(-1)).toEqual(["a", "terminate", { type: "delete", argument: "bye" }, 3]);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test("waits for a terminate that takes its time", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const slow = defineEventHandler({
      name: "slow",
      init: () => null,
      event: () => {},
      terminate: async (_state, _why, self) => {
        await self.sleep(30);
        return "done";
      },
    });
    await addHandler(world.node, pid, slow);
    const deleted = deleteHandler(world.node, pid, slow);
    expect(await isSettled(deleted)).toBe(false);
    await world.clock.advance(30);
    expect(await deleted).toBe("done");
  });

  test("that is not there is an error", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const error = await errorOf(deleteHandler(world.node, pid, ["a", 1]));
    expect(error).toBeInstanceOf(NoEventHandlerError);
    expect(error).toMatchObject({ manager: pid, handler: ["a", 1], code: "NO_EVENT_HANDLER" });
  });

  test("whose terminate throws tells that, and removes it all the same", async () => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid } = await start(world);
    const bad = defineEventHandler({
      name: "bad",
      init: () => null,
      event: () => {},
      terminate: () => {
        throw boom;
      },
    });
    await addHandler(world.node, pid, bad);
    const error = await errorOf(deleteHandler(world.node, pid, bad));
    expect(error).toMatchObject({ code: "EVENT_HANDLER_FAILED", reason: { error: boom } });
    expect(await whichHandlers(world.node, pid)).toEqual([]);
    expect(reports.map(({ data }) => data)).toMatchObject([
      { handler: "bad", callback: "terminate", message: { type: "delete" } },
    ]);
  });

  test("without a terminate returns undefined", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    await addHandler(
      world.node,
      pid,
      defineEventHandler({ name: "a", init: () => 0, event: () => {} }),
    );
    expect(await deleteHandler(world.node, pid, "a")).toBeUndefined();
  });
});

describe("swapping handlers", () => {
  test("hands over what terminate of the old one returned, and the new one comes first", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    await addHandler(world.node, pid, scripted(log, "b").with(2));
    log.length = 0;
    await swapHandler(world.node, pid, "a", scripted(log, "c").as(1).with(3), { argument: "go" });
    const handover: Handover = { type: "handover", from: "a", result: "last words of a" };
    expect(log).toEqual([
      ["a", "terminate", { type: "swap", to: ["c", 1], argument: "go" }, 1],
      ["c", "takeOver", handover],
    ]);
    expect(await whichHandlers(world.node, pid)).toEqual([["c", 1], "b"]);
  });

  test("that are not there adds the new one, which is told so", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await swapHandler(world.node, pid, "a", scripted(log, "b").with(3));
    expect(log).toEqual([["b", "takeOver", { type: "missing", from: "a" }]]);
    expect(await whichHandlers(world.node, pid)).toEqual(["b"]);
  });

  test("of which the old one fails in terminate hands over that failure", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const bad = defineEventHandler({
      name: "bad",
      init: () => null,
      event: () => {},
      terminate: (_state, _why, self) => self.exit("broken"),
    });
    await addHandler(world.node, pid, bad);
    await swapHandler(world.node, pid, bad, scripted(log, "b").with(3));
    expect(log).toEqual([["b", "takeOver", { type: "failed", from: "bad", reason: "broken" }]]);
  });

  test("for one without takeOver calls its init", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    const plain = defineEventHandler({ name: "p", init: (n: number) => n, event: () => {} });
    await swapHandler(world.node, pid, "a", plain.with(9));
    expect(await sys.getState(world.node, pid)).toEqual([{ handler: "p", state: 9 }]);
  });

  test("for one that does not start tells why, and the old one is gone all the same", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    const refusing = defineEventHandler({
      name: "r",
      init: () => ({ stop: "no" }),
      event: () => {},
    });
    const error = await errorOf(swapHandler(world.node, pid, "a", refusing));
    expect(error).toMatchObject({ code: "EVENT_HANDLER_FAILED", handler: "r", reason: "no" });
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test("by a callback puts the new one in the place of the old one, without the event at hand", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    for (const id of ["a", "b", "c"]) {
      await addHandler(world.node, pid, scripted(log, id).with(0));
    }
    log.length = 0;
    const swap: Event = {
      b: (count) => ({
        state: count + 70,
        swap: { to: scripted(log, "d").with(4), argument: "go" },
      }),
    };
    await syncNotify(world.node, pid, swap);
    expect(log).toEqual([
      ["c", "event", 0],
      ["b", "event", 0],
      ["b", "terminate", { type: "swap", to: "d", argument: "go" }, 70],
      ["d", "takeOver", { type: "handover", from: "b", result: "last words of b" }],
      ["a", "event", 0],
    ]);
    expect(await whichHandlers(world.node, pid)).toEqual(["c", "d", "a"]);
  });

  test("by a callback for one that fails to start removes the old one and reports it", async () => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid, log } = await start(world);
    for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    log.length = 0;
    const refusing = defineEventHandler({
      name: "r",
      init: () => ({ stop: "no" }),
      event: () => {},
    });
    await syncNotify(world.node, pid, { b: () => ({ swap: { to: refusing } }) });
    expect(log.map(([id, what]) => [id, what])).toEqual([
      ["b", "event"],
      ["b", "terminate"],
      ["a", "event"],
    ]);
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
    expect(reports.map(({ data }) => data)).toMatchObject([
      { handler: "r", callback: "init", reason: "no", message: { type: "handover", from: "b" } },
    ]);
  });

  test("by a callback for one of which only the name is known takes what the manager knows", async () => {
    const world = createWorld();
    const log: Log = [];
    const known = scripted(log, "known");
    const pid = await world.node.start(defineEventManager<Event, string>({ handlers: [known] }));
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    const named = eventHandler<typeof known>("known").with(7);
    await syncNotify(world.node, pid, { a: () => ({ swap: { to: named } }) });
    expect(await sys.getState(world.node, pid)).toEqual([{ handler: "known", state: 7 }]);
  });

  test("for one that nobody knows is a failure of the callback, and an error for who asked", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    const nobody = eventHandler<ReturnType<typeof scripted>>("nobody").with(1);
    const error = await errorOf(swapHandler(world.node, pid, "a", nobody));
    expect(error).toBeInstanceOf(UnknownEventHandlerError);
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
    await syncNotify(world.node, pid, { a: () => ({ state: 9, swap: { to: nobody } }) });
    const reason = { error: expect.any(UnknownEventHandlerError) };
    expect(log.at(-1)).toMatchObject(["a", "terminate", { type: "error", reason }, 1]);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test("for itself ends one and begins another", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    await swapHandler(world.node, pid, handler, handler.with(2));
    expect(await sys.getState(world.node, pid)).toEqual([{ handler: "a", state: 2 }]);
  });
});

describe("a handler that fails", () => {
  const failures: [string, Command, unknown][] = [
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["rejects", () => Promise.reject(boom), { error: boom }],
    [
      "throws what is no error",
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- that is what is tested
        throw "junk";
      },
      { error: expect.objectContaining({ value: "junk" }) },
    ],
    ["calls self.exit", (_count, self) => self.exit("enough"), "enough"],
    ["calls self.exit with normal", (_count, self) => self.exit("normal"), "normal"],
    ["calls self.exit later", async (_count, self) => self.exit("enough"), "enough"],
    [
      "forgets the second argument of exit",
      (_count, self) => self.exit(self.pid),
      { error: expect.any(InvalidArgumentError) },
    ],
    ...[
      7,
      null,
      "remove_handler",
      [],
      { states: 1 },
      { reply: 1 },
      { remove: "yes" },
      { swap: "b" },
      { swap: { to: "b" } },
      { remove: true, swap: { to: eventHandler("b") } },
      { swap: { to: eventHandler("b"), argumnet: 1 } },
      Promise.resolve(7),
    ].map((result): [string, Command, unknown] => [
      `returns ${JSON.stringify(result)}`,
      () => result,
      { error: expect.any(InvalidCallbackResultError) },
    ]),
  ];

  test.each(failures)(
    "as it %s is removed and reported, and the others go on",
    async (_what, command, reason) => {
      const world = createWorld();
      const reports = reportsOf(world.node);
      const { pid, log } = await start(world);
      for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
      log.length = 0;
      await syncNotify(world.node, pid, { b: command });
      notify(world.node, pid, {});
      await quiesce();
      expect(log).toEqual([
        ["b", "event", 0],
        ["b", "terminate", { type: "error", reason }, 0],
        ["a", "event", 0],
        ["a", "event", 1],
      ]);
      expect(reports).toHaveLength(1);
      expect(reports[0]).toMatchObject({
        level: "error",
        data: {
          type: "eventHandlerFailed",
          manager: pid,
          handler: "b",
          callback: "event",
          state: 0,
        },
      });
      expect((reports[0]?.data as EventHandlerReport).reason).toEqual(reason);
      expect(reports[0]?.format()).toContain(`event handler "b" of ${String(pid)} failed in event`);
    },
  );

  test("by the number of its arguments, which only the manager knows, is not added", async () => {
    const world = createWorld();
    const handler = scripted([], "a");
    const pid = await world.node.start(defineEventManager<Event, string>({ handlers: [handler] }));
    const named = eventHandler<typeof handler>("a").with(...([1, 2] as never as [number]));
    const error = await errorOf(addHandler(world.node, pid, named));
    expect(error).toMatchObject({ reason: { error: { code: "INVALID_ARGUMENT" } } });
  });

  test("as it meddles with the exits of the manager is removed, and they are trapped as before", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    await syncNotify(world.node, pid, { b: (_count, self) => void self.trapExits(false) });
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
    expect(world.node.processInfo(pid)).toMatchObject({ trapsExits: true });
  });

  test("does so alone when two fail in one event", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    for (const id of ["a", "b", "c"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    const fail: Command = (_count, self) => self.exit("x");
    await syncNotify(world.node, pid, { a: fail, c: async () => ({ remove: true }) });
    expect(await whichHandlers(world.node, pid)).toEqual(["b"]);
    await syncNotify(world.node, pid, { b: fail });
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test("while it terminates is reported for that as well", async () => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid } = await start(world);
    const bad = defineEventHandler({
      name: "bad",
      init: () => null,
      event: (_state, _event: unknown, self) => self.exit("first"),
      terminate: (_state, _why, self) => self.exit("second"),
    });
    await addHandler(world.node, pid, bad);
    await syncNotify(world.node, pid, {});
    expect(reports.map(({ data }) => data)).toMatchObject([
      { callback: "event", reason: "first" },
      { callback: "terminate", reason: "second" },
    ]);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
  });

  test.each<[string, ((state: string) => unknown) | undefined, unknown]>([
    ["as its status shows it", (state) => `${state.length} letters`, "6 letters"],
    ["as it is without a status", undefined, "secret"],
    [
      "not at all when its status fails",
      () => {
        throw new Error("status");
      },
      undefined,
    ],
    ["not at all when its status takes time", async () => "later", undefined],
  ])("is reported with its state %s", async (_what, status, state) => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid } = await start(world);
    const handler = defineEventHandler({
      name: "a",
      init: () => "secret",
      event: (_state, _event: unknown, self) => self.exit("x"),
      ...(status === undefined ? {} : { status }),
    });
    await addHandler(world.node, pid, handler);
    await syncNotify(world.node, pid, {});
    expect((reports[0]?.data as EventHandlerReport).state).toEqual(state);
  });

  test("by killing the process that it shares with the others ends them all, and does nothing more", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    notify(world.node, pid, {
      a: async (_count, self) => {
        self.exit(self.pid, "kill");
      },
    });
    const fenced: unknown[] = [];
    world.node.events.subscribe((event) => event.type === "fenced" && fenced.push(event));
    await quiesce();
    expect(world.node.isAlive(pid)).toBe(false);
    expect(log.map(([, what]) => what)).toEqual(["init", "event"]);
    expect(fenced).toEqual([]);
  });
});

describe("a handler that removes itself", () => {
  test("is told so, and is no failure", async () => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    await syncNotify(world.node, pid, { a: (count) => ({ state: count + 1, remove: true }) });
    expect(log.at(-1)).toEqual(["a", "terminate", { type: "remove" }, 2]);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
    expect(reports).toEqual([]);
  });

  test("stays where remove is false", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    await syncNotify(world.node, pid, { a: (count) => ({ state: count + 1, remove: false }) });
    expect(await sys.getState(world.node, pid)).toEqual([{ handler: "a", state: 2 }]);
  });
});

describe("a call to a handler", () => {
  test("is answered by that one alone", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const [a, b] = [scripted(log, "a"), scripted(log, "b")];
    await addHandler(world.node, pid, a.with(1));
    await addHandler(world.node, pid, b.with(2));
    expect(await callHandler(world.node, pid, a, ["add", 3, 2])).toBe(1);
    expect(await callHandler(world.node, pid, a, ["count"])).toBe(7);
    expect(await callHandler(world.node, pid, b, ["count"])).toBe(2);
  });

  test.each<[string, Command, unknown, string[]]>([
    ["nothing", () => undefined, undefined, ["a"]],
    ["a state alone", () => ({ state: 9 }), undefined, ["a"]],
    ["a promise of a reply", async () => ({ reply: 5 }), 5, ["a"]],
    ["a reply and remove", () => ({ reply: 5, remove: true }), 5, []],
    [
      "a reply and swap",
      () => ({ reply: 5, swap: { to: scripted([], "b").as(2).with(0) } }),
      5,
      [["b", 2]] as never,
    ],
  ])("whose callback returns %s", async (_what, command, reply, left) => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    expect(await callHandler(world.node, pid, handler, ["do", command])).toBe(reply);
    expect(await whichHandlers(world.node, pid)).toEqual(left);
  });

  test.each<[string, Command, unknown]>([
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["exits", (_count, self) => self.exit("enough"), "enough"],
    ["returns what it must not", () => 7, { error: expect.any(InvalidCallbackResultError) }],
  ])("that %s tells the caller, and removes the handler", async (_what, command, reason) => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const error = await errorOf(callHandler(world.node, pid, handler, ["do", command]));
    expect(error).toBeInstanceOf(EventHandlerFailedError);
    expect((error as EventHandlerFailedError).reason).toEqual(reason);
    expect(log.at(-1)).toEqual(["a", "terminate", { type: "error", reason }, 1]);
    expect(await whichHandlers(world.node, pid)).toEqual([]);
    expect(reports.map(({ data }) => data)).toMatchObject([{ handler: "a", callback: "call" }]);
  });

  test.each<[string, unknown]>([
    ["it has no callback for", ["subtract", 1]],
    ["that is a name of Object", ["constructor"]],
    ["with too few arguments", ["add"]],
    ["with too many arguments", ["add", 1, 2, 3]],
    ["that is no tuple", "count"],
  ])("%s is refused, and the handler stays", async (_what, request) => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const error = await errorOf(callHandler(world.node, pid, handler, request as never));
    expect(error).toBeInstanceOf(UnknownRequestError);
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
  });

  test("to a handler that is not there is an error", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const error = await errorOf(callHandler(world.node, pid, scripted(log, "a"), ["count"]));
    expect(error).toBeInstanceOf(NoEventHandlerError);
  });

  test("waits for 5000 ms unless it is told otherwise", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const slow: Command = (_count, self) => self.sleep(10_000);
    const call = callHandler(world.node, pid, handler, ["do", slow]);
    const error = errorOf(call);
    await world.clock.advance(4_999);
    expect(await isSettled(call)).toBe(false);
    await world.clock.advance(1);
    expect(await error).toMatchObject({ code: "CALL_TIMEOUT", timeoutMs: 5_000 });
  });

  test("of its own manager would never be answered, which is an error at once", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const round: Command = (_count, self) => callHandler(self, pid, handler, ["count"]);
    const error = await errorOf(callHandler(world.node, pid, handler, ["do", round]));
    expect(error).toMatchObject({ reason: { error: { code: "CALL_CYCLE" } } });
  });

  test("whose reply cannot be sent is refused, and the manager goes on", async () => {
    const world = createWorld({ messages: "clone" });
    const { pid } = await start(world);
    const handler = defineEventHandler({
      name: "a",
      init: () => 0,
      event: () => {},
      call: { get: () => ({ reply: () => 1 }) },
    });
    await addHandler(world.node, pid, handler);
    const error = await errorOf(callHandler(world.node, pid, handler, ["get"]));
    expect(error).toMatchObject({
      code: "UNSENDABLE_REPLY",
      message: expect.stringMatching(/message.* is a function/),
    });
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
  });
});

describe("a supervised handler", () => {
  async function supervised(world: World) {
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    const owner = owning(world.node, (self) => addSupervisedHandler(self, pid, handler.with(1)));
    await owner.done;
    return { pid, log, handler, owner };
  }

  test("links its owner and the manager", async () => {
    const world = createWorld();
    const { pid, owner } = await supervised(world);
    expect(world.node.processInfo(pid)?.links).toEqual([owner.pid]);
  });

  test.each<[string, (node: Node, pid: Manager) => unknown, EventHandlerExit["reason"]]>([
    ["is deleted", (node, pid) => deleteHandler(node, pid, "a"), "normal"],
    ["removes itself", (node, pid) => notify(node, pid, { a: () => ({ remove: true }) }), "normal"],
    [
      "throws",
      (node, pid) =>
        notify(node, pid, {
          a: () => {
            throw boom;
          },
        }),
      { failed: { error: boom } },
    ],
    [
      "exits normally, which is a failure of a handler",
      (node, pid) => notify(node, pid, { a: (_count, self) => self.exit("normal") }),
      { failed: "normal" },
    ],
    [
      "is one that the manager ends with",
      (node, pid) => stop(node, pid, { reason: "done" }),
      "shutdown",
    ],
  ])("that %s is gone, and its owner is told", async (_what, act, reason) => {
    const world = createWorld();
    const { pid, owner } = await supervised(world);
    await act(world.node, pid);
    await quiesce();
    expect(owner.told()).toEqual([
      { type: "eventHandlerExit", manager: pid, handler: "a", reason },
    ]);
    expect(world.node.isAlive(owner.pid)).toBe(true);
  });

  test("that is swapped leaves its owner to the next, and the owner is told who that is", async () => {
    const world = createWorld();
    const { pid, log, owner } = await supervised(world);
    await swapHandler(world.node, pid, "a", scripted(log, "b").with(0));
    const swapped = { swapped: { handler: "b", owner: owner.pid } };
    expect(owner.told()).toMatchObject([{ handler: "a", reason: swapped }]);
    notify(world.node, pid, {
      b: () => ({ swap: { to: scripted(log, "c").as(1).with(0) } }),
    });
    await deleteHandler(world.node, pid, ["c", 1]);
    expect(owner.told().slice(1)).toMatchObject([
      { handler: "b", reason: { swapped: { handler: ["c", 1], owner: owner.pid } } },
      { handler: ["c", 1], reason: "normal" },
    ]);
  });

  test("that is swapped by another process belongs to that one", async () => {
    const world = createWorld();
    const { pid, log, owner } = await supervised(world);
    const other = owning(world.node, (self) =>
      swapSupervisedHandler(self, pid, "a", scripted(log, "b").with(0)),
    );
    await other.done;
    expect(owner.told()).toMatchObject([
      { reason: { swapped: { handler: "b", owner: other.pid } } },
    ]);
    await deleteHandler(world.node, pid, "b");
    expect(owner.told()).toHaveLength(1);
    expect(other.told()).toMatchObject([{ handler: "b", reason: "normal" }]);
  });

  test("whose successor does not start tells its owner of both", async () => {
    const world = createWorld();
    const { pid, owner } = await supervised(world);
    const refusing = defineEventHandler({
      name: "r",
      init: () => ({ stop: "no" }),
      event: () => {},
    });
    await syncNotify(world.node, pid, { a: () => ({ swap: { to: refusing } }) });
    expect(owner.told()).toMatchObject([
      { handler: "a", reason: { swapped: { handler: "r" } } },
      { handler: "r", reason: { failed: "no" } },
    ]);
  });

  test.each<[string, ExitReason, (self: Self<EventHandlerExit>) => void]>([
    ["fails", "boom", (self) => self.exit("boom")],
    ["ends normally", "normal", () => {}],
    ["is killed", "killed", (self) => self.exit(self.pid, "kill")],
  ])(
    "is removed when its owner %s; the others are told of the exit",
    async (_what, reason, end) => {
      const world = createWorld();
      const { pid, log } = await start(world);
      const exits = await exitsHeardBy(world.node, pid);
      const owner = world.node.spawn(async (self: Self<EventHandlerExit>) => {
        await addSupervisedHandler(self, pid, scripted(log, "a").with(1));
        await self.sleep(10);
        end(self);
      });
      await world.clock.advance(10);
      expect(log).toEqual([
        ["a", "init", 1],
        ["a", "terminate", { type: "ownerExit", owner, reason }, 1],
      ]);
      expect(exits).toEqual([{ type: "exit", from: owner, reason }]);
      expect(await whichHandlers(world.node, pid)).toEqual(["w"]);
    },
  );

  // OTP: gen_event's do_swap makes no link; server_add_sup_handler alone does.
  test("that swaps itself when its owner has just ended has the others told of one exit", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const exits = await exitsHeardBy(world.node, pid);
    const owner = owning(world.node, (self) =>
      addSupervisedHandler(self, pid, scripted(log, "a").with(1)),
    );
    await owner.done;
    await sys.suspend(world.node, pid);
    notify(world.node, pid, { a: () => ({ swap: { to: scripted(log, "b").with(2) } }) });
    world.node.exit(owner.pid, "boom");
    await quiesce();
    await sys.resume(world.node, pid);
    await quiesce();
    expect(log.at(-1)).toEqual([
      "b",
      "terminate",
      { type: "ownerExit", owner: owner.pid, reason: "boom" },
      2,
    ]);
    expect(exits).toEqual([{ type: "exit", from: owner.pid, reason: "boom" }]);
  });

  test("is removed when its owner sends the manager an exit signal, which is taken for its end", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const owner = owning(world.node, async (self) => {
      await addSupervisedHandler(self, pid, scripted(log, "a").with(1));
      self.exit(pid, "normal");
    });
    await owner.done;
    await quiesce();
    expect(log.at(-1)).toEqual([
      "a",
      "terminate",
      { type: "ownerExit", owner: owner.pid, reason: "normal" },
      1,
    ]);
    expect(owner.told()).toMatchObject([{ handler: "a", reason: "shutdown" }]);
  });

  test("keeps its link when it is gone, or does not start", async () => {
    const world = createWorld();
    const { pid, owner } = await supervised(world);
    await deleteHandler(world.node, pid, "a");
    const refusing = defineEventHandler({
      name: "r",
      init: () => ({ stop: "no" }),
      event: () => {},
    });
    const other = owning(world.node, (self) =>
      addSupervisedHandler(self, pid, refusing).catch(() => undefined),
    );
    await other.done;
    expect(world.node.processInfo(pid)?.links).toEqual([owner.pid, other.pid]);
    expect(other.told()).toEqual([]);
  });

  test("of a manager that is killed takes its owner along by the link", async () => {
    const world = createWorld();
    const { pid, owner } = await supervised(world);
    const ended: unknown[] = [];
    world.node.events.subscribe((event) => event.type === "exited" && ended.push(event.reason));
    world.node.exit(pid, "kill");
    await quiesce();
    expect(ended).toEqual(["killed", "killed"]);
    expect(world.node.isAlive(owner.pid)).toBe(false);
  });

  test("needs an owner that can be told", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const added = addSupervisedHandler(world.node as never, pid, scripted(log).with(0));
    expect(await errorOf(added)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("other messages", () => {
  test("go to the info of each handler, newest first", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    log.length = 0;
    world.node.send(pid, "hello");
    await quiesce();
    expect(log).toEqual([
      ["b", "info", "hello", 0],
      ["a", "info", "hello", 0],
    ]);
  });

  test("that no handler has a callback for are told as undelivered", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    await addHandler(
      world.node,
      pid,
      defineEventHandler({ name: "a", init: () => 0, event: () => {} }),
    );
    const undelivered: unknown[] = [];
    world.node.events.subscribe((event) => event.type === "undelivered" && undelivered.push(event));
    world.node.send(pid, "hello");
    await within(world.node, (self) => self.exit(pid, "not its parent")).result;
    await quiesce();
    expect(undelivered).toMatchObject([
      { to: pid, message: "hello", why: "unhandled" },
      { to: pid, message: { type: "exit", reason: "not its parent" }, why: "unhandled" },
    ]);
    expect(world.node.isAlive(pid)).toBe(true);
  });

  test("of monitors and links go to callbacks of their own, or to info", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const seen: unknown[] = [];
    const own = defineEventHandler({
      name: "own",
      init: () => 0,
      event: () => {},
      info: (_state, message: string) => void seen.push(["own info", message]),
      down: (_state, down) => void seen.push(["own down", down.reason]),
      exit: (_state, exit) => void seen.push(["own exit", exit.reason]),
    });
    const info = defineEventHandler({
      name: "info",
      init: (self: EventHandlerSelf) => {
        const watched = self.spawnLink(async (other: Self<"go">) => {
          await other.receive();
          other.exit("gone");
        });
        self.monitor(watched);
        self.send(watched, "go");
        return 0;
      },
      event: () => {},
      info: (_state, message: unknown) => void seen.push(["info", (message as Event).reason]),
    });
    await addHandler(world.node, pid, own);
    await addHandler(world.node, pid, info);
    await quiesce();
    expect(seen.sort()).toEqual(
      [
        ["info", "gone"],
        ["info", "gone"],
        ["own down", "gone"],
        ["own exit", "gone"],
      ].sort(),
    );
  });

  test("that are calls nobody knows are refused", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const stranger = pid as AnyPid as Pid<Call<"what?", never>>;
    const error = await errorOf(world.node.call(stranger, "what?"));
    expect(error).toBeInstanceOf(UnknownRequestError);
    expect(world.node.isAlive(pid)).toBe(true);
  });

  test("sent by a handler come from the manager", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const receiver = within<unknown>(world.node, (self) => self.receive());
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    notify(world.node, pid, { a: (_count, self) => self.send(receiver.pid as never, self.pid) });
    expect(await receiver.result).toBe(pid);
  });
});

describe("the end of a manager", () => {
  async function withTwo(world: World): Promise<{ pid: Manager; log: Log }> {
    const { pid, log } = await start(world);
    for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    log.length = 0;
    return { pid, log };
  }

  test("by stop terminates its handlers, newest first", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    await stop(world.node, pid, { reason: "done" });
    expect(log).toEqual([
      ["b", "terminate", { type: "stop", reason: "done" }, 0],
      ["a", "terminate", { type: "stop", reason: "done" }, 0],
    ]);
    expect(world.node.isAlive(pid)).toBe(false);
  });

  test("waits for each of them, and is not held up by one that fails", async () => {
    const world = createWorld();
    const reports = reportsOf(world.node);
    const { pid } = await start(world);
    const ended: string[] = [];
    const slow = defineEventHandler({
      name: "slow",
      init: () => 0,
      event: () => {},
      terminate: async (_state, _why, self) => {
        await self.sleep(30);
        ended.push("slow");
      },
    });
    const bad = defineEventHandler({
      name: "bad",
      init: () => 0,
      event: () => {},
      terminate: () => {
        ended.push("bad");
        throw boom;
      },
    });
    await addHandler(world.node, pid, slow.as(1));
    await addHandler(world.node, pid, bad);
    await addHandler(world.node, pid, slow);
    const stopped = stop(world.node, pid);
    await world.clock.advance(30);
    expect(ended).toEqual(["slow", "bad"]);
    expect(await isSettled(stopped)).toBe(false);
    await world.clock.advance(30);
    await stopped;
    expect(ended).toEqual(["slow", "bad", "slow"]);
    expect(reports).toHaveLength(1);
  });

  test.each<[string, ExitReason]>([
    ["fails", "boom"],
    ["is shut down", "shutdown"],
  ])("comes when its parent %s", async (_what, reason) => {
    const world = createWorld();
    const log: Log = [];
    const parent = within(world.node, async (self) => {
      const pid = await self.startLink(manager);
      await addHandler(self, pid, scripted(log, "a").with(0));
      return pid;
    });
    const pid = await parent.result;
    world.node.exit(parent.pid, reason);
    await quiesce();
    expect(log.at(-1)).toEqual(["a", "terminate", { type: "stop", reason }, 0]);
    expect(world.node.isAlive(pid)).toBe(false);
  });

  test("reaches its parent by the link, although that is an owner that was told", async () => {
    const world = createWorld();
    const parent = within<Manager, unknown>(world.node, async (self) => {
      self.trapExits();
      const pid = await self.startLink(manager);
      await addSupervisedHandler(self, pid, scripted([], "a").with(0));
      return pid;
    });
    const pid = await parent.result;
    await stop(world.node, pid, { reason: "done" });
    expect(world.node.mailboxOf(parent.pid)).toMatchObject([
      { type: "eventHandlerExit", handler: "a", reason: "shutdown" },
      { type: "exit", from: pid, reason: "done" },
    ]);
  });

  test("does not come when a stranger sends it an exit signal", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    const stranger = within(world.node, (self) => self.exit(pid, "boom"));
    await stranger.result;
    await quiesce();
    expect(world.node.isAlive(pid)).toBe(true);
    expect(log.map(([id, what]) => [id, what])).toEqual([
      ["b", "info"],
      ["a", "info"],
    ]);
  });

  test("by kill terminates nobody", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    world.node.exit(pid, "kill");
    await quiesce();
    expect(log).toEqual([]);
    expect(world.node.isAlive(pid)).toBe(false);
  });

  test("leaves those who wait for an answer with its reason", async () => {
    const world = createWorld();
    const { pid } = await withTwo(world);
    const waiting = syncNotify(world.node, pid, { b: (_count, self) => self.sleep(100) });
    await quiesce();
    world.node.exit(pid, "kill");
    const error = await errorOf(waiting);
    expect(error).toBeInstanceOf(ServerExitError);
    expect(error).toMatchObject({ reason: "killed" });
  });
});

describe("starting a manager", () => {
  test("with a name, a link and a monitor", async () => {
    const world = createWorld();
    const Named = name<EventManagerProtocol<Event, string>>("manager");
    const starter = within(world.node, async (self) => {
      const linked = await self.startOpt({ name: Named, link: true }, manager);
      const { pid, ref } = await self.startMonitor((down) => down, manager);
      return { linked, pid, ref };
    });
    const { linked, pid, ref } = await starter.result;
    expect(world.node.whereis(Named)).toBe(linked);
    expect(world.node.processInfo(linked)).toMatchObject({
      links: [starter.pid],
      trapsExits: true,
    });
    await stop(world.node, pid);
    expect(world.node.mailboxOf(starter.pid)).toMatchObject([
      { type: "down", ref, reason: "normal" },
    ]);
    const again = await errorOf(
      within(world.node, (self) => self.startOpt({ name: Named }, manager)).result,
    );
    expect(again).toMatchObject({ code: "START_FAILED", reason: { alreadyStarted: linked } });
  });

  test("as a child: it is started again without its handlers, and their owner knows", async () => {
    const world = createWorld();
    const supervisor = await startSupervisor(
      world.node,
      defineSupervisor({ children: [child("events", manager)] }),
    );
    const pidOf = async (): Promise<Manager> => {
      const [{ pid } = {}] = await whichChildren(world.node, supervisor);
      return pid as Manager;
    };
    const first = await pidOf();
    const log: Log = [];
    const owner = owning(world.node, (self) =>
      addSupervisedHandler(self, first, scripted(log, "a").with(0)),
    );
    await owner.done;
    await stop(world.node, first, { reason: "again" }).catch(() => undefined);
    await quiesce();
    expect(await pidOf()).not.toBe(first);
    expect(await whichHandlers(world.node, await pidOf())).toEqual([]);
    expect(owner.told()).toMatchObject([{ type: "eventHandlerExit", reason: "shutdown" }]);
  });
});

describe("system requests to a manager", () => {
  async function withTwo(world: World): Promise<{ pid: Manager; log: Log }> {
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(1));
    await addHandler(world.node, pid, scripted(log, "b").as("x").with(2));
    log.length = 0;
    return { pid, log };
  }

  test("its state are its handlers with their states, newest first", async () => {
    const world = createWorld();
    const { pid } = await withTwo(world);
    expect(await sys.getState(world.node, pid)).toEqual([
      { handler: ["b", "x"], state: 2 },
      { handler: "a", state: 1 },
    ]);
  });

  test("states can be replaced, all or none", async () => {
    const world = createWorld();
    const { pid } = await withTwo(world);
    type States = readonly { handler: unknown; state: unknown }[];
    const doubled = await sys.replaceState<States>(world.node, pid, (handlers) =>
      handlers.map(({ handler, state }) => ({ handler, state: Number(state) * 10 })),
    );
    expect(doubled.map(({ state }) => state)).toEqual([20, 10]);
    for (const bad of [
      (handlers: States) => handlers.slice(1),
      (handlers: States) => [...handlers].reverse(),
      (handlers: States) => handlers.map(({ handler }) => ({ handler })) as never,
      () => null as never,
    ]) {
      const error = await errorOf(sys.replaceState<States>(world.node, pid, bad));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(await sys.getState(world.node, pid)).toMatchObject([{ state: 20 }, { state: 10 }]);
  });

  test("suspended, it keeps events and calls until it is resumed", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    await sys.suspend(world.node, pid);
    notify(world.node, pid, {});
    const called = callHandler(world.node, pid, scripted(log, "a"), ["count"]);
    expect(await isSettled(called)).toBe(false);
    expect(log).toEqual([]);
    await sys.resume(world.node, pid);
    expect(await called).toBe(2);
  });

  test("its status shows each state as the handler's status does", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const secret = defineEventHandler({
      name: "secret",
      init: () => "password",
      event: () => {},
      status: (state) => "*".repeat(state.length),
    });
    const slow = defineEventHandler({
      name: "slow",
      init: () => "password",
      event: () => {},
      status: async () => "later",
    });
    await addHandler(world.node, pid, secret);
    const owner = owning(world.node, (self) => addSupervisedHandler(self, pid, slow));
    await owner.done;
    expect(await sys.getStatus(world.node, pid)).toMatchObject({
      pid,
      kind: "gen_event",
      activity: "running",
      state: [
        { handler: "slow", owner: owner.pid, state: "later" },
        { handler: "secret", owner: undefined, state: "********" },
      ],
    });
  });

  test("the code of a handler can be changed, for all of that name", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    await addHandler(world.node, pid, scripted(log, "a").as(2).with(5));
    const next = defineEventHandler({
      name: "a",
      init: () => ({ count: 0 }),
      event: ({ count }: { count: number }) => ({ state: { count: count + 1000 } }),
    });
    await sys.suspend(world.node, pid);
    await sys.changeCode(world.node, pid, next, {
      migrate: (count) => ({ count }),
    });
    await sys.resume(world.node, pid);
    await syncNotify(world.node, pid, {});
    expect(await sys.getState(world.node, pid)).toEqual([
      { handler: ["a", 2], state: { count: 1005 } },
      { handler: ["b", "x"], state: 3 },
      { handler: "a", state: { count: 1001 } },
    ]);
  });

  test("a change of code may take its time", async () => {
    const world = createWorld();
    const { pid } = await withTwo(world);
    await sys.suspend(world.node, pid);
    const next = defineEventHandler({ name: "a", init: () => 0, event: () => {} });
    const migrate = async (count: number): Promise<number> => count + 100;
    await sys.changeCode(world.node, pid, next, { migrate });
    await sys.resume(world.node, pid);
    expect(await sys.getState(world.node, pid)).toMatchObject([{ state: 2 }, { state: 101 }]);
  });

  test("a change of code that fails changes nothing", async () => {
    const world = createWorld();
    const { pid, log } = await withTwo(world);
    await addHandler(world.node, pid, scripted(log, "a").as(2).with(5));
    await sys.suspend(world.node, pid);
    const next = defineEventHandler({ name: "a", init: () => 0, event: () => {} });
    const migrate = (count: number): number => {
      if (count === 1) throw boom;
      return 99;
    };
    expect(await errorOf(sys.changeCode(world.node, pid, next, { migrate }))).toBe(boom);
    const wrong = sys.changeCode(world.node, pid, { start: () => "ignore" as const });
    expect(await errorOf(wrong)).toMatchObject({ code: "INVALID_ARGUMENT" });
    await sys.resume(world.node, pid);
    expect(await sys.getState(world.node, pid)).toMatchObject([
      { state: 5 },
      { state: 2 },
      { state: 1 },
    ]);
  });

  test("the handlers that it knows by name can be changed as well", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await sys.suspend(world.node, pid);
    await sys.changeCode(
      world.node,
      pid,
      defineEventManager<Event, string>({ handlers: [handler] }),
    );
    await sys.resume(world.node, pid);
    await addHandler(world.node, pid, eventHandler<typeof handler>("a").with(4));
    expect(await callHandler(world.node, pid, handler, ["count"])).toBe(4);
  });

  test("a trace shows what it takes, answers and becomes", async () => {
    const world = createWorld();
    const { pid } = await withTwo(world);
    const seen: string[] = [];
    sys.trace(world.node, pid).subscribe((event) => seen.push(event.type));
    await quiesce();
    await syncNotify(world.node, pid, {});
    expect(seen).toEqual(["in", "out", "state"]);
  });
});

describe("a request to a handler that is waited for later", () => {
  test("comes to what a call would have come to", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const slow: Command = async (_count, self) => {
      await self.sleep(20);
      return { reply: "slept" };
    };
    const request = sendHandlerRequest(world.node, pid, handler, ["do", slow]);
    await quiesce();
    expect(request.response).toBeUndefined();
    const failing = sendHandlerRequest(world.node, pid, handler, ["do", () => 7]);
    const missing = sendHandlerRequest(world.node, pid, handler, ["count"]);
    await world.clock.advance(20);
    expect(await request.wait()).toEqual({ reply: "slept" });
    expect(await failing.wait()).toEqual({ error: expect.any(EventHandlerFailedError) });
    expect(await missing.wait()).toEqual({ error: expect.any(NoEventHandlerError) });
  });

  test("can be abandoned, also by waiting in vain", async () => {
    const world = createWorld();
    const { pid, log } = await start(world);
    const handler = scripted(log, "a");
    await addHandler(world.node, pid, handler.with(1));
    const slow: Command = (_count, self) => self.sleep(100);
    const request = sendHandlerRequest(world.node, pid, handler, ["do", slow]);
    const received = request.receive({ timeoutMs: 10 });
    await world.clock.advance(10);
    expect(await received).toBe(TIMEOUT);
    await quiesce();
    expect(request.response).toMatchObject({ error: { code: "REQUEST_ABANDONED" } });
  });
});

describe("what nobody should send", () => {
  /** Throws whatever is done with it. */
  function untouchable(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }

  function withGetter(fields: object, field: string): object {
    return Object.defineProperty({ ...fields }, field, {
      enumerable: true,
      get: () => {
        throw boom;
      },
    });
  }

  test.each<[string, () => unknown]>([
    ["a message whose type throws", () => withGetter({}, "type")],
    ["a cast whose request throws", () => withGetter({ type: "cast" }, "request")],
    ["a cast of what cannot be looked at", () => ({ type: "cast", request: untouchable() })],
    ["an exit from what cannot be looked at", () => ({ type: "exit", from: untouchable() })],
    ["a down whose reference throws", () => withGetter({ type: "down" }, "ref")],
  ])("%s is info, and harms nobody", async (_what, message) => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    log.length = 0;
    world.node.send(pid as Pid<unknown>, message());
    await quiesce();
    expect(log.map(([id, what]) => [id, what])).toEqual([["a", "info"]]);
    expect(world.node.isAlive(pid)).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ["a request that cannot be looked at", untouchable],
    ["a request whose type throws", () => withGetter({}, "type")],
    ["no action", () => ({ type: "eventHandler" })],
    ["an unknown action", () => ({ type: "eventHandler", action: { type: "explode" } })],
    ["nothing to add", () => ({ type: "eventHandler", action: { type: "add" } })],
    [
      "what is no code",
      () => ({
        type: "eventHandler",
        action: { type: "add", handler: { name: "a", id: "a", args: [], code: { value: {} } } },
      }),
    ],
    [
      "an owner that is no process",
      () => ({
        type: "eventHandler",
        action: { type: "add", handler: { name: "a", id: "a", args: [] }, owner: 1 },
      }),
    ],
    ["no id", () => ({ type: "eventHandler", action: { type: "delete" } })],
    ["no successor", () => ({ type: "eventHandler", action: { type: "swap", from: "a", to: 1 } })],
  ])("a call with %s is refused, and harms nobody", async (_what, request) => {
    const world = createWorld();
    const { pid, log } = await start(world);
    await addHandler(world.node, pid, scripted(log, "a").with(0));
    const forged = pid as AnyPid as Pid<Call<unknown, unknown>>;
    const error = await errorOf(world.node.call(forged, request()));
    expect(error).toBeInstanceOf(UnknownRequestError);
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
  });

  test.each<[string, () => unknown]>([
    ["a result whose state throws", () => withGetter({}, "state")],
    ["a result that cannot be looked at", untouchable],
    ["a promise that cannot be looked at", () => withGetter({}, "then")],
    ["an empty Map", () => new Map()],
  ])("%s ends its handler alone", async (_what, result) => {
    const world = createWorld();
    const { pid, log } = await start(world);
    for (const id of ["a", "b"]) await addHandler(world.node, pid, scripted(log, id).with(0));
    await syncNotify(world.node, pid, { b: result });
    expect(await whichHandlers(world.node, pid)).toEqual(["a"]);
  });

  test("a first state that cannot be looked at is refused", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const handler = defineEventHandler({ name: "a", init: untouchable, event: () => {} });
    expect(await errorOf(addHandler(world.node, pid, handler))).toBeInstanceOf(
      EventHandlerFailedError,
    );
  });
});

describe("bad input", () => {
  test.each<[string, () => unknown, string]>([
    ["no definition", () => defineEventHandler(null as never), "definition"],
    ["no name", () => defineEventHandler({ init: () => 0, event: () => {} } as never), "name"],
    [
      "an empty name",
      () => defineEventHandler({ name: "", init: () => 0, event: () => {} }),
      "name",
    ],
    ["no init", () => defineEventHandler({ name: "a", event: () => {} } as never), "init"],
    ["no event", () => defineEventHandler({ name: "a", init: () => 0 } as never), "event"],
    [
      "an unknown field",
      () => defineEventHandler({ name: "a", init: () => 0, event: () => {}, cast: {} } as never),
      "cast",
    ],
    [
      "a callback that is no function",
      () => defineEventHandler({ name: "a", init: () => 0, event: () => {}, info: 1 as never }),
      "info",
    ],
    [
      "calls that are no object",
      () => defineEventHandler({ name: "a", init: () => 0, event: () => {}, call: 1 as never }),
      "call",
    ],
    [
      "a call that is no function",
      () =>
        defineEventHandler({ name: "a", init: () => 0, event: () => {}, call: { x: 1 } as never }),
      "call.x",
    ],
    ["an id that is missing", () => eventHandler("a").as(undefined), "as: id"],
    ["an id that is no data", () => eventHandler("a").as((() => 1) as never), "as: id"],
    ["an id with a Map in it", () => eventHandler("a").as([new Map()] as never), "as: id"],
    [
      "an argument too many",
      () => scripted([]).with(...([1, 2] as never as [number])),
      "with: args",
    ],
    ["a handler without a name", () => eventHandler(""), "eventHandler: name"],
    ["a manager that is none", () => defineEventManager(null as never), "definition"],
    ["an unknown field of it", () => defineEventManager({ handler: [] } as never), "handler"],
    ["handlers that are no array", () => defineEventManager({ handlers: {} as never }), "handlers"],
    [
      "a handler of which it knows but the name",
      () => defineEventManager({ handlers: [eventHandler("a")] }),
      "handlers[0]",
    ],
  ])("%s is refused", (_what, act, argument) => {
    let error: unknown;
    try {
      act();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect((error as InvalidArgumentError).argument).toContain(argument);
  });

  test("what is no handler, or no id of one, is refused before anything is sent", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const { node } = world;
    const twoArguments = defineEventHandler({
      name: "a",
      init: (first: number, second: number) => first + second,
      event: () => {},
    });
    for (const promise of [
      addHandler(node, pid, {} as never),
      addHandler(node, pid, twoArguments as never),
      deleteHandler(node, pid, "" as never),
      deleteHandler(node, pid, ["a"] as never),
      deleteHandler(node, pid, ["a", undefined] as never),
      deleteHandler(node, pid, ["", 1] as never),
      swapHandler(node, pid, 7 as never, eventHandler("a")),
      swapHandler(node, pid, "a", "b" as never),
      callHandler(node, pid, {} as never, ["x"] as never),
    ]) {
      expect(await errorOf(promise)).toBeInstanceOf(InvalidArgumentError);
    }
  });

  test("an error says which handler of whom it was, and why", async () => {
    const world = createWorld();
    const { pid } = await start(world);
    const failing = defineEventHandler({
      name: "log",
      init: () => {
        throw boom;
      },
      event: () => {},
    });
    const error = (await errorOf(addHandler(world.node, pid, failing.as(1)))) as Error;
    expect(error.message).toBe(`event handler ["log",1] of ${String(pid)} failed: Error: boom`);
    expect(error.cause).toBe(boom);
    expect(isCrash((error as EventHandlerFailedError).reason)).toBe(true);
  });
});

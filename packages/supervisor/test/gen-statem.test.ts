import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  createNode,
  InvalidArgumentError,
  name,
  ServerExitError,
  StartError,
  type CrashReason,
  type ExitReason,
  type From,
  type Node,
  type NodeEvent,
  type Pid,
} from "@coppice/core";
import { createVirtualClock, quiesce, type VirtualClock } from "@coppice/testkit";
import {
  defineStateMachine,
  InvalidStateResultError,
  replyTo,
  sys,
  UnhandledEventError,
  UnknownRequestError,
  type CallSelf,
  type EnterCall,
  type EventOf,
  type ProtocolOf,
  type StateMachineEvent,
  type StateMachineSelf,
} from "@coppice/supervisor";
import { thenable } from "./server-world.js";
import { boom, isSettled, within } from "./world.js";

interface World {
  readonly node: Node;
  readonly clock: VirtualClock;
  readonly events: NodeEvent[];
  /** Lets time pass. */
  advance(ms: number): Promise<void>;
}

function createWorld(): World {
  const clock = createVirtualClock();
  const node = createNode({ name: "demo", logger: false, clock });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => events.push(event));
  return { node, clock, events, advance: (ms) => clock.advance(ms, quiesce) };
}

/** Why it ended. */
function exitReason({ events }: World, pid: Pid<never>): ExitReason | undefined {
  return events.flatMap((event) =>
    event.type === "exited" && event.pid === pid ? [event.reason] : [],
  )[0];
}

function crashOf(world: World, pid: Pid<never>): Error {
  return (exitReason(world, pid) as CrashReason).error;
}

/** A lock that takes a code; who wants to go through waits until it is open. */
const door = defineStateMachine({
  init: (code: string, openMs: number) => ({ state: "locked", data: { code, openMs, typed: "" } }),
  states: {
    locked: {
      enter: (data) => ({ data: { ...data, typed: "" } }),
      call: {
        press: (data, digit: string) => {
          const typed = data.typed + digit;
          return typed === data.code
            ? { next: "open", reply: true }
            : { data: { ...data, typed }, reply: false };
        },
        enter: () => ({ postpone: true }),
      },
      cast: { clear: (data) => ({ data: { ...data, typed: "" } }) },
    },
    open: {
      enter: ({ openMs }) => ({ stateTimeout: { ms: openMs } }),
      call: { enter: () => ({ reply: "inside" }), press: () => ({ reply: true }) },
      stateTimeout: () => ({ next: "locked" }),
    },
  },
  anyState: { call: { typed: ({ typed }) => ({ reply: typed }) } },
});

describe("a state machine", () => {
  test("handles requests as its state says, and changes state and data", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "12", 1000);
    expect(await node.call(pid, ["press", "1"])).toBe(false);
    expect(await node.call(pid, ["typed"])).toBe("1");
    node.cast(pid, ["clear"]);
    expect(await node.call(pid, ["press", "1"])).toBe(false);
    expect(await node.call(pid, ["press", "2"])).toBe(true);
    expect(await node.call(pid, ["enter"])).toBe("inside");
    await node.stop();
  });

  test("handles a postponed call when the state has changed", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "1", 1000);
    const visitor = node.call(pid, ["enter"]);
    expect(await isSettled(visitor)).toBe(false);
    await node.call(pid, ["press", "1"]);
    expect(await visitor).toBe("inside");
    await node.stop();
  });

  test("leaves a state after its timeout", async () => {
    const { node, advance } = createWorld();
    const pid = await node.start(door, "1", 1000);
    await node.call(pid, ["press", "1"]);
    await advance(999);
    expect(await sys.getState(node, pid)).toMatchObject({ state: "open" });
    await advance(1);
    expect(await sys.getState(node, pid)).toMatchObject({ state: "locked" });
    await node.stop();
  });

  test("refuses a request that its state does not know, and goes on", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "1", 1000);
    const wrong = pid as unknown as Pid<never> as Pid<{
      type: "call";
      request: unknown;
      from: From<unknown>;
    }>;
    for (const request of [["knock"], "press", ["constructor"], [], 1]) {
      await expect(node.call(wrong, request)).rejects.toThrow(UnknownRequestError);
    }
    await expect(node.call(wrong, ["knock"])).rejects.toThrow(
      'a tuple that begins with "press", "enter", "typed", and has all its arguments, in the state "locked"',
    );
    expect(await node.call(pid, ["typed"])).toBe("");
    await node.stop();
  });

  test("tells of casts and messages that nobody handles, and goes on", async () => {
    const world = createWorld();
    const { node, events } = world;
    const pid = await node.start(door, "1", 1000);
    const any = pid as unknown as Pid<unknown>;
    const unknown = [
      { type: "cast", request: ["knock"] },
      "message",
      { type: "timeout", timer: 1 },
    ];
    for (const message of unknown) node.send(any, message);
    await quiesce();
    const undelivered = events.flatMap((event) =>
      event.type === "undelivered" ? [event.message] : [],
    );
    expect(undelivered).toEqual(unknown);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("that has no callback for its own event or timeout ends with an UnhandledEventError", async () => {
    const world = createWorld();
    const { node, advance } = world;
    const careless = defineStateMachine({
      init: () => ({ state: "a", data: 0 }),
      states: {
        a: {
          cast: {
            insert: () => ({ nextEvents: [{ type: "internal", request: ["tick"] }] }),
            wait: () => ({ timeouts: { tea: { ms: 5, content: "black" } } }),
          },
        },
      },
    });
    const first = await node.start(careless);
    node.cast(first, ["insert"]);
    const second = await node.start(careless);
    node.cast(second, ["wait"]);
    await advance(5);
    expect(crashOf(world, first)).toMatchObject({
      name: "UnhandledEventError",
      code: "UNHANDLED_EVENT",
      state: "a",
      event: { type: "internal", request: ["tick"] },
    });
    expect(crashOf(world, second)).toBeInstanceOf(UnhandledEventError);
    expect(crashOf(world, second).message).toContain('"name":"tea"');
    await node.stop();
  });

  test("handles everything in the order of the engine, whoever is asked", async () => {
    const { node } = createWorld();
    const order = defineStateMachine({
      init: () => ({ state: "a", data: [] as readonly string[], stateTimeout: { ms: 0 } }),
      states: {
        a: {
          cast: {
            keep: () => ({ postpone: true }),
            go: () => ({
              next: "b",
              timeouts: { now: { ms: 0, content: "!" } },
              nextEvents: [
                { type: "internal", request: ["first", 1] },
                { type: "cast", request: ["second"] },
              ],
            }),
          },
          stateTimeout: (log) => ({ data: [...log, "a timeout"] }),
        },
        b: {
          enter: (log, { from }) => ({ data: [...log, `enter from ${from}`] }),
          internal: { first: (log, n: number) => ({ data: [...log, `first ${n}`] }) },
          cast: {
            second: (log) => ({ data: [...log, "second"] }),
            keep: (log) => ({ data: [...log, "kept"] }),
          },
          timeout: { now: (log, content: string) => ({ data: [...log, `now${content}`] }) },
          call: { log: (log) => ({ reply: log }) },
        },
      },
    });
    const pid = await node.start(order);
    node.cast(pid, ["keep"]);
    node.cast(pid, ["go"]);
    expect(await node.call(pid, ["log"])).toEqual([
      "a timeout",
      "enter from a",
      "first 1",
      "second",
      "kept",
      "now!",
    ]);
    await node.stop();
  });

  test("handles one event at a time, also while a callback awaits", async () => {
    const { node, advance } = createWorld();
    const slow = defineStateMachine({
      init: async () => ({ state: "a", data: [] as readonly string[] }),
      states: {
        a: {
          enter: async (log, _enter, self) => {
            await self.sleep(10);
            return { data: [...log, "entered"] };
          },
          cast: {
            work: async (log, what: string, self: StateMachineSelf) => {
              await self.sleep(10);
              return {
                data: [...log, what],
                nextEvents: [{ type: "internal", request: ["done", what] }],
              };
            },
          },
          internal: {
            done: async (log, what: string) => ({ data: [...log, `${what} done`] }),
          },
          call: { log: (log) => ({ reply: log }) },
        },
      },
    });
    const pid = await node.start(slow);
    node.cast(pid, ["work", "x"]);
    node.cast(pid, ["work", "y"]);
    const log = node.call(pid, ["log"]);
    await advance(29);
    expect(await isSettled(log)).toBe(false);
    await advance(1);
    expect(await log).toEqual(["entered", "x", "x done", "y", "y done"]);
    await node.stop();
  });

  test("that inserts events for ever leaves others their turn, sync or async", async () => {
    // Time has to pass for others to get their turn.
    const node = createNode({ name: "demo", logger: false });
    for (const wait of [undefined, Promise.resolve()]) {
      const busy = defineStateMachine({
        init: () => ({
          state: "a",
          data: 0,
          nextEvents: [{ type: "internal" as const, request: ["again"] }],
        }),
        states: {
          a: {
            internal: {
              again: (n) => {
                const result = {
                  data: n + 1,
                  nextEvents: [{ type: "internal" as const, request: ["again"] }],
                };
                return wait === undefined ? result : wait.then(() => result);
              },
            },
          },
        },
      });
      const pid = await node.start(busy);
      await new Promise((resolve) => setImmediate(resolve));
      expect(node.isAlive(pid)).toBe(true);
      node.exit(pid, "kill");
    }
    await node.stop();
  });
});

describe("replies", () => {
  const desk = defineStateMachine({
    init: () => ({ state: "closed", data: [] as readonly From<string>[] }),
    states: {
      closed: {
        call: {
          ask: (waiting, self: CallSelf<string>) => ({ data: [...waiting, self.from] }),
          later: () => ({ postpone: true }),
        },
        cast: {
          open: (waiting) => ({
            next: "open",
            replies: waiting.map((from) => replyTo(from, "now")),
          }),
        },
      },
      open: {
        call: {
          later: (_waiting, self: CallSelf<string>) => self.reply(self.from, "retried"),
          stop: () => ({ stop: "shutdown", reply: "bye" }),
        },
      },
    },
  });

  test("may be sent from a later event, to all who wait", async () => {
    const { node } = createWorld();
    const pid = await node.start(desk);
    const calls = [node.call(pid, ["ask"]), node.call(pid, ["ask"])];
    expect(await isSettled(Promise.race(calls))).toBe(false);
    node.cast(pid, ["open"]);
    expect(await Promise.all(calls)).toEqual(["now", "now"]);
    await node.stop();
  });

  test("of a postponed call go to its caller, by self.from", async () => {
    const { node } = createWorld();
    const pid = await node.start(desk);
    const late = node.call(pid, ["later"]);
    node.cast(pid, ["open"]);
    expect(await late).toBe("retried");
    await node.stop();
  });

  test("are sent before a machine stops", async () => {
    const world = createWorld();
    const { node } = world;
    const pid = await node.start(desk);
    node.cast(pid, ["open"]);
    expect(await node.call(pid, ["stop"])).toBe("bye");
    await quiesce();
    expect(exitReason(world, pid)).toBe("shutdown");
    await node.stop();
  });

  test("that nobody sends are waited for in vain; a machine that ends ends the wait", async () => {
    const { node, advance } = createWorld();
    const pid = await node.start(desk);
    const patient = node.call(pid, ["ask"], { timeoutMs: Infinity });
    const hasty = node.call(pid, ["ask"]);
    hasty.catch(() => undefined);
    await advance(5000);
    await expect(hasty).rejects.toThrow(CallTimeoutError);
    node.exit(pid, "shutdown");
    await expect(patient).rejects.toThrow(ServerExitError);
    await node.stop();
  });
});

describe("timeouts", () => {
  const timed = defineStateMachine({
    init: () => ({ state: "a", data: [] as readonly string[] }),
    states: {
      a: {
        cast: {
          set: (_log, ms: number) => ({
            stateTimeout: { ms, content: "s" },
            eventTimeout: { ms, content: "e" },
            timeouts: { n: { ms, content: "n" } },
          }),
          at: (_log, atMs: number) => ({ stateTimeout: { atMs, content: "at" } }),
          update: () => ({ timeouts: { n: { update: "new" } } }),
          cancel: () => ({ stateTimeout: "cancel", timeouts: { n: "cancel" } }),
          go: () => ({ next: "b" }),
        },
        stateTimeout: (log, content: string, self) => ({
          data: [...log, `${self.now()} ${content}`],
        }),
        eventTimeout: (log, content: string) => ({ data: [...log, content] }),
      },
      b: {},
    },
    anyState: {
      timeout: { n: (log, content: string) => ({ data: [...log, content] }) },
      call: { log: (log) => ({ reply: log }) },
      info: (log, message: unknown) => ({ data: [...log, message as string] }),
    },
  });

  test.each<[string, ("update" | "cancel" | "go")[], string[]]>([
    ["left alone", [], ["s", "n"]],
    ["after a change of state", ["go"], ["n"]],
    ["after an update", ["update"], ["s", "new"]],
    ["after being cancelled", ["cancel"], []],
  ])("%s", async (_, requests, expected) => {
    const { node, advance } = createWorld();
    const pid = await node.start(timed);
    node.cast(pid, ["set", 100]);
    await advance(50);
    for (const request of requests) node.cast(pid, [request]);
    // The event timeout ends with any event, the state timeout at the same time included.
    await advance(100);
    const log = await node.call(pid, ["log"]);
    expect(log.map((line) => line.replace("100 ", ""))).toEqual(
      requests.length === 0 ? ["s", "n"] : expected,
    );
    await node.stop();
  });

  test("by the clock of the node fire when it gets there; at once when it has", async () => {
    const { node, advance } = createWorld();
    const pid = await node.start(timed);
    await advance(100);
    node.cast(pid, ["at", 150]);
    await advance(60);
    node.cast(pid, ["at", 20]);
    await advance(0);
    expect(await node.call(pid, ["log"])).toEqual(["150 at", "160 at"]);
    await node.stop();
  });

  test("that were cancelled when they had fired already are not seen", async () => {
    const { node, clock } = createWorld();
    const pid = await node.start(timed);
    node.cast(pid, ["set", 100]);
    await quiesce();
    await sys.suspend(node, pid);
    node.cast(pid, ["cancel"]);
    node.cast(pid, ["update"]);
    await clock.advance(100, quiesce);
    await sys.resume(node, pid);
    // What waited is handled in order: the casts first, then messages of timers that are no more.
    expect(await node.call(pid, ["log"])).toEqual(["new"]);
    await node.stop();
  });

  test("of others are messages like any other", async () => {
    const { node, advance } = createWorld();
    const pid = await node.start(timed);
    const any = pid as unknown as Pid<unknown>;
    const ref = node.startTimer(any, 10, "theirs");
    node.send(any, { type: "timeout", timer: "no reference", message: 1 });
    await advance(10);
    expect(await node.call(pid, ["log"])).toEqual([
      { type: "timeout", timer: "no reference", message: 1 },
      { type: "timeout", timer: ref, message: "theirs" },
    ]);
    await node.stop();
  });

  test("leave no timer behind when the machine ends", async () => {
    const { node, clock } = createWorld();
    const pid = await node.start(timed);
    node.cast(pid, ["set", 100]);
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(clock.pending).toBe(0);
    await node.stop();
  });
});

describe("starting", () => {
  const choosy = defineStateMachine({
    init: (how: "runs" | "stops" | "ignores" | "throws" | "errs" | "errs later") => {
      switch (how) {
        case "runs":
          return { state: "a", data: 1 };
        case "stops":
          return { stop: { shutdown: "no" } };
        case "ignores":
          return { ignore: true as const };
        case "throws":
          throw boom;
        case "errs":
          return { state: "c", data: 1 };
        default:
          return { state: "a", data: 1, stateTimeout: { ms: -1 } };
      }
    },
    states: { a: {}, c: {} },
  });

  test.each<[Parameters<typeof choosy.start>[2], unknown]>([
    ["stops", { shutdown: "no" }],
    ["throws", { error: boom }],
    ["ignores", "ignore"],
  ])("an init that %s rejects with %j", async (how, reason) => {
    const { node } = createWorld();
    const started = node.start(choosy, how);
    await expect(started).rejects.toThrow(StartError);
    await expect(started).rejects.toMatchObject({ reason });
    await node.stop();
  });

  test.each<[string, (done: (value: unknown) => void) => void]>([
    ["at once and twice", (done) => [done({ state: "a" }), done({ state: "b" })]],
    ["later", (done) => queueMicrotask(() => done({ state: "a" }))],
  ])("an init may return a thenable that calls back %s", async (_when, follow) => {
    const { node } = createWorld();
    const machine = defineStateMachine({
      init: () => thenable(follow) as PromiseLike<{ state: "a" }>,
      states: { a: { call: { where: () => ({ reply: "a" }) } }, b: {} },
    });
    expect(await node.call(await node.start(machine), ["where"])).toBe("a");
    await node.stop();
  });

  test("a first state that there is not is refused", async () => {
    const { node } = createWorld();
    const lost = defineStateMachine({
      init: (state: string) => ({ state, data: 1 }) as { state: "a"; data: number },
      states: { a: {} },
    });
    await expect(node.start(lost, "b")).rejects.toMatchObject({
      reason: { error: { kind: "bad_return_from_init", received: { state: "b", data: 1 } } },
    });
    await expect(node.start(lost, "a")).resolves.toBeDefined();
    await node.stop();
  });

  test.each([undefined, null, "a", {}, { state: "a", stat: 1 }, { stop: "x", state: "a" }])(
    "an init that returns %j is refused",
    async (result) => {
      const { node } = createWorld();
      const wrong = defineStateMachine({
        init: () => result as never as { state: "a" },
        states: { a: {} },
      });
      await expect(node.start(wrong)).rejects.toMatchObject({
        reason: { error: { kind: "bad_return_from_init", received: result } },
      });
      await node.stop();
    },
  );

  test("actions of init that cannot be done end it after it has started", async () => {
    const world = createWorld();
    const pid = await world.node.start(choosy, "errs later");
    await quiesce();
    expect(crashOf(world, pid)).toMatchObject({ kind: "bad_action_from_state_function" });
    await world.node.stop();
  });

  test("it has started before its first enter call, which precedes every message", async () => {
    const { node, advance } = createWorld();
    const seen: string[] = [];
    const late = defineStateMachine({
      init: (self: StateMachineSelf) => {
        self.send(self.pid as Pid<unknown>, "early");
        return { state: "a" };
      },
      states: {
        a: {
          enter: async (_data, { from }, self) => {
            await self.sleep(10);
            seen.push(`enter from ${from}`);
          },
          info: (_data, message: string) => void seen.push(message),
        },
      },
    });
    await node.start(late);
    expect(seen).toEqual([]);
    await advance(10);
    expect(seen).toEqual(["enter from a", "early"]);
    await node.stop();
  });

  test("links, monitors, names and timeouts are those of any behaviour", async () => {
    const { node, advance } = createWorld();
    const Door = name<ProtocolOf<typeof door>>("door");
    const { pid: starter, result } = within(node, async (self) => {
      const pid = await self.startOpt({ link: true, name: Door }, door, "1", 10);
      const again = self.startOpt({ name: Door }, door, "1", 10);
      await expect(again).rejects.toMatchObject({ reason: { alreadyStarted: pid } });
      return pid;
    });
    const pid = await result;
    expect(await node.call(Door, ["press", "1"])).toBe(true);
    node.exit(starter, "shutdown");
    await quiesce();
    expect(node.isAlive(pid)).toBe(false);

    const slow = defineStateMachine({
      init: async (self: StateMachineSelf) => {
        await self.sleep(100);
        return { state: "a" };
      },
      states: { a: {} },
    });
    const { result: late } = within(node, (self) => self.startOpt({ timeoutMs: 50 }, slow));
    late.catch(() => undefined);
    await advance(50);
    await expect(late).rejects.toMatchObject({ reason: "timeout" });
    await node.stop();
  });
});

describe("ending", () => {
  const ends: unknown[] = [];
  const mortal = defineStateMachine({
    init: (self: StateMachineSelf) => {
      self.trapExits();
      return { state: "a", data: 0 };
    },
    states: {
      a: {
        enter: () => undefined,
        cast: {
          stop: (_n, reason: ExitReason) => ({ stop: reason, data: 1 }),
          crash: () => {
            throw boom;
          },
          exit: (_n, self: StateMachineSelf) => self.exit("left"),
          reject: async () => {
            await Promise.resolve();
            throw boom;
          },
          go: () => ({ next: "b", data: 1 }),
          bad: () => ({ data: "x", nxt: "b" }) as never,
          nowhere: () => ({ next: "c" }) as never,
        },
        exit: (n, { reason }) => ({ data: n + (reason === "boo" ? 100 : 0) }),
      },
      b: {
        enter: () => {
          throw boom;
        },
      },
    },
    terminate: (at, reason) => void ends.push([at, reason]),
  });

  test.each<[string, "stop" | "crash" | "exit" | "reject" | "go", unknown]>([
    ["that it stops with", "stop", [{ state: "a", data: 1 }, "done"]],
    ["of a callback", "crash", [{ state: "a", data: 0 }, { error: boom }]],
    ["of self.exit", "exit", [{ state: "a", data: 0 }, "left"]],
    ["of a promise", "reject", [{ state: "a", data: 0 }, { error: boom }]],
    [
      "of an enter call, seen from the state before",
      "go",
      [{ state: "a", data: 0 }, { error: boom }],
    ],
  ])("terminate gets the reason %s", async (_, request, expected) => {
    const world = createWorld();
    const { node } = world;
    const pid = await node.start(mortal);
    ends.splice(0);
    if (request === "stop") node.cast(pid, ["stop", "done"]);
    else node.cast(pid, [request]);
    await quiesce();
    expect(ends).toEqual([expected]);
    expect(exitReason(world, pid)).toEqual((expected as unknown[])[1]);
    await node.stop();
  });

  test("what is no result ends it, and says what was expected", async () => {
    const world = createWorld();
    const { node } = world;
    const bad = await node.start(mortal);
    node.cast(bad, ["bad"]);
    const nowhere = await node.start(mortal);
    node.cast(nowhere, ["nowhere"]);
    await quiesce();
    for (const pid of [bad, nowhere]) {
      expect(crashOf(world, pid)).toBeInstanceOf(InvalidStateResultError);
      expect(crashOf(world, pid).message).toContain(
        'a callback of "a" must return nothing, or an object of next, data, repeat, stop and actions, ' +
          'with one of the states "a", "b", but returned {',
      );
    }
    await node.stop();
  });

  test("the parent's exit ends a machine that traps exits; others' are events", async () => {
    const { node } = createWorld();
    const { pid: parent, result } = within(node, (self) => self.startLink(mortal));
    const pid = await result;
    await within(node, (self) => self.exit(pid, "boo")).result;
    await quiesce();
    expect(await sys.getState(node, pid)).toEqual({ state: "a", data: 100 });
    ends.splice(0);
    node.exit(parent, "shutdown");
    await quiesce();
    expect(ends).toEqual([[{ state: "a", data: 100 }, "shutdown"]]);
    await node.stop();
  });

  test("a terminate that throws decides the reason", async () => {
    const world = createWorld();
    const { node } = world;
    const other = new Error("other");
    const bad = defineStateMachine({
      init: () => ({ state: "a" }),
      states: { a: { cast: { stop: () => ({ stop: "normal" }) } } },
      terminate: () => {
        throw other;
      },
    });
    const pid = await node.start(bad);
    node.cast(pid, ["stop"]);
    await quiesce();
    expect(crashOf(world, pid)).toBe(other);
    await node.stop();
  });

  test("a crash report names the event that was worked on", async () => {
    const { node, events } = createWorld();
    const fragile = defineStateMachine({
      init: () => ({ state: "a" }),
      states: {
        a: { call: { break: () => ({ postpone: true }) }, cast: { go: () => ({ next: "b" }) } },
        b: {
          call: {
            break: () => {
              throw boom;
            },
          },
        },
      },
    });
    const pid = await node.start(fragile);
    node.call(pid, ["break"]).catch(() => undefined);
    node.cast(pid, ["go"]);
    await quiesce();
    const reports = events.flatMap((event) => (event.type === "crashed" ? [event.report] : []));
    expect(reports).toEqual([
      expect.objectContaining({ during: 'handling message call ["break"]' }),
    ]);
    await node.stop();
  });
});

describe("one callback for all events", () => {
  type Path = readonly string[];
  type Messages = EventOf<
    | { type: "call"; request: readonly ["path"]; from: From<Path> }
    | { type: "cast"; request: readonly ["enter", string] }
    | { type: "cast"; request: readonly ["leave"] }
    | { hello: string }
  >;
  const journal: unknown[] = [];
  const menu = defineStateMachine({
    init: (): { state: Path & string; data: number } => ({ state: [] as never, data: 0 }),
    enterCalls: true,
    handleEvent: (event: Messages | EnterCall<unknown>, { state, data }) => {
      switch (event.type) {
        case "enter":
          journal.push(["enter", event.from, state]);
          return { data: data + 1 };
        case "call":
          return { reply: state };
        case "cast":
          return event.request[0] === "enter"
            ? { next: [...state, event.request[1]] as never }
            : { next: [] as never };
        default:
          return undefined;
      }
    },
  });

  test("may have any term as its state; states that are equal are the same", async () => {
    const { node } = createWorld();
    journal.splice(0);
    const pid = await node.start(menu);
    node.cast(pid, ["leave"]);
    node.cast(pid, ["enter", "file"]);
    expect(await node.call(pid, ["path"])).toEqual(["file"]);
    expect(journal).toEqual([
      ["enter", [], []],
      ["enter", [], ["file"]],
    ]);
    expect(await sys.getState(node, pid)).toEqual({ state: ["file"], data: 2 });
    await node.stop();
  });

  test("gets no enter calls unless it asks for them, and every kind of event", async () => {
    const { node, advance } = createWorld();
    const seen: StateMachineEvent[] = [];
    const all = defineStateMachine({
      init: () => ({
        state: "a",
        timeouts: { n: { ms: 1 } },
        stateTimeout: { ms: 2, content: "s" },
      }),
      handleEvent: (event) => {
        if (event.type !== "enter") seen.push(event);
        if (event.type === "call") return { reply: "r", next: "a" };
        return event.type === "cast"
          ? { eventTimeout: { ms: 0 }, nextEvents: [{ type: "internal", request: 1 }] }
          : undefined;
      },
    });
    const pid = await node.start(all);
    node.cast(pid, "any");
    expect(await node.call(pid, "any")).toBe("r");
    node.send(pid as Pid<never> as Pid<unknown>, "message");
    await advance(2);
    expect(seen).toEqual([
      { type: "cast", request: "any" },
      { type: "internal", request: 1 },
      expect.objectContaining({ type: "call", request: "any" }),
      { type: "info", message: "message" },
      { type: "timeout", name: "n", content: undefined },
      { type: "stateTimeout", content: "s" },
    ]);
    await node.stop();
  });
});

describe("system requests", () => {
  test("replace state and data, and refuse what is no state", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "1", 10);
    type At = { state: string; data: { code: string; openMs: number; typed: string } };
    const replaced = await sys.replaceState<At>(node, pid, ({ data }) => ({
      state: "open",
      data: { ...data, typed: "x" },
    }));
    expect(replaced).toMatchObject({ state: "open" });
    expect(await node.call(pid, ["typed"])).toBe("x");
    for (const wrong of [{ state: "ajar", data: 1 }, undefined, { state: "open", more: 1 }]) {
      const replacing = sys.replaceState(node, pid, () => wrong);
      await expect(replacing).rejects.toThrow(InvalidArgumentError);
    }
    await expect(
      sys.replaceState(node, pid, () => {
        throw boom;
      }),
    ).rejects.toThrow(boom);
    expect(await sys.getState(node, pid)).toEqual(replaced);
    await node.stop();
  });

  test("do not end an event timeout", async () => {
    const { node, advance } = createWorld();
    const idle = defineStateMachine({
      init: () => ({ state: "a", data: 0, eventTimeout: { ms: 100 } }),
      states: { a: { eventTimeout: (n) => ({ data: n + 1 }) } },
    });
    const pid = await node.start(idle);
    await advance(50);
    await sys.getState(node, pid);
    await advance(50);
    expect(await sys.getState(node, pid)).toEqual({ state: "a", data: 1 });
    await node.stop();
  });

  test("show postponed events and timeouts, and nothing that the machine hides", async () => {
    const { node } = createWorld();
    const shown = await node.start(door, "1", 10);
    node.cast(shown as Pid<never> as Pid<{ type: "cast"; request: unknown }>, ["clear"]);
    node.call(shown, ["enter"]).catch(() => undefined);
    await quiesce();
    expect(await sys.getStatus(node, shown)).toEqual({
      pid: shown,
      kind: "gen_statem",
      parent: undefined,
      activity: "running",
      state: {
        state: "locked",
        data: { code: "1", openMs: 10, typed: "" },
        postponed: [expect.objectContaining({ type: "call", request: ["enter"] })],
        timeouts: [],
      },
    });
    const secret = defineStateMachine({
      init: (code: string) => ({
        state: "a",
        data: { code },
        stateTimeout: { ms: 5, content: "c" },
      }),
      states: { a: { stateTimeout: () => undefined } },
      status: ({ state, timeouts }) => ({ state, timeouts }),
    });
    const hiding = await node.start(secret, "1234");
    expect((await sys.getStatus(node, hiding)).state).toEqual({
      state: "a",
      timeouts: [{ type: "stateTimeout", content: "c" }],
    });
    await node.stop();
  });

  test("change the code of a suspended machine, whose callers wait", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "1", 10);
    const better = defineStateMachine({
      init: () => ({ state: "shut", data: "" }),
      states: { shut: { call: { typed: (data) => ({ reply: `better ${data}` }) } } },
    });
    const migrate = ({ data }: { data: { code: string } }): unknown => ({
      state: "shut",
      data: data.code,
    });
    await sys.suspend(node, pid);
    const waiting = node.call(pid, ["typed"]);
    expect(await isSettled(waiting)).toBe(false);
    // The state of the old code is none of the new.
    await expect(sys.changeCode(node, pid, better)).rejects.toThrow(InvalidArgumentError);
    await sys.changeCode(node, pid, better, { migrate: migrate as never });
    await sys.resume(node, pid);
    expect(await waiting).toBe("better 1");
    await node.stop();
  });

  test("trace each event that was handled", async () => {
    const { node } = createWorld();
    const pid = await node.start(door, "1", 10);
    const seen: unknown[] = [];
    sys.trace(node, pid).subscribe((event) => {
      if (event.type === "state") seen.push((event.state as { state: string }).state);
      if (event.type === "out") seen.push(event.message);
    });
    const visitor = node.call(pid, ["enter"]);
    await node.call(pid, ["press", "1"]);
    await visitor;
    expect(seen).toEqual(["locked", true, "open", "inside", "open"]);
    await node.stop();
  });
});

describe("a definition", () => {
  test.each<[string, unknown, string]>([
    ["nothing", undefined, "definition"],
    ["no init", { states: { a: {} } }, "init"],
    ["an init that is no function", { init: 1, states: { a: {} } }, "init"],
    ["neither states nor handleEvent", { init: () => 1 }, "definition"],
    ["both", { init: () => 1, states: { a: {} }, handleEvent: () => 1 }, "definition"],
    ["an unknown field", { init: () => 1, states: { a: {} }, call: {} }, "call"],
    ["no states", { init: () => 1, states: {} }, "states"],
    ["states that are no object", { init: () => 1, states: [] }, "states"],
    ["a state that is no object", { init: () => 1, states: { a: 1 } }, "states.a"],
    ["an unknown callback", { init: () => 1, states: { a: { entry: () => 1 } } }, "states.a.entry"],
    ["a callback that is none", { init: () => 1, states: { a: { info: 1 } } }, "states.a.info"],
    ["calls that are no object", { init: () => 1, states: { a: { call: 1 } } }, "states.a.call"],
    [
      "a call that is none",
      { init: () => 1, states: { a: { call: { x: 1 } } } },
      "states.a.call.x",
    ],
    ["a wrong anyState", { init: () => 1, states: { a: {} }, anyState: { x: 1 } }, "anyState.x"],
    ["anyState without states", { init: () => 1, handleEvent: () => 1, anyState: {} }, "anyState"],
    [
      "enterCalls beside states",
      { init: () => 1, states: { a: {} }, enterCalls: true },
      "enterCalls",
    ],
    [
      "enterCalls that are none",
      { init: () => 1, handleEvent: () => 1, enterCalls: 1 },
      "enterCalls",
    ],
  ])("with %s is refused", (_, definition, argument) => {
    expect(() => defineStateMachine(definition as never)).toThrow(
      expect.objectContaining({ argument: `defineStateMachine: ${argument}` }),
    );
  });
});

test("a state may hold itself: the machine knows it again, and enters another one", async () => {
  const ring = (called: unknown): unknown => {
    const made: Record<string, unknown> = { called };
    made["me"] = made;
    return made;
  };
  const entered: unknown[] = [];
  const machine = defineStateMachine({
    init: () => ({ state: ring("a") as never, data: 0 }),
    enterCalls: true,
    handleEvent(event: StateMachineEvent | EnterCall<unknown>, { state }) {
      const { type, request } = event as { readonly type: string; readonly request?: unknown };
      if (type === "enter") return void entered.push((state as { called: unknown }).called);
      return { next: ring(request) as never };
    },
  });
  const node = createNode({ logger: false, clock: createVirtualClock() });
  const pid = await node.start(machine);
  node.cast(pid as never, "a" as never);
  node.cast(pid as never, "b" as never);
  await quiesce();
  expect(entered).toEqual(["a", "b"]);
  expect(node.isAlive(pid)).toBe(true);
  await node.stop();
});

test.each<[string, readonly unknown[]]>([
  ["too few", []],
  ["too many", [1, "x", "y", "z"]],
])("with %s arguments of init a machine refuses to start", async (_what, args) => {
  const node = createNode({ logger: false, clock: createVirtualClock() });
  const machine = defineStateMachine({
    init: (a: number, b: string, _self: StateMachineSelf) => ({ state: "on", data: [a, b] }),
    states: { on: {} },
  });
  const start = async (): Promise<unknown> =>
    (node.start.bind(node) as (...all: readonly unknown[]) => Promise<unknown>)(machine, ...args);
  const error = await start().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(node.counts.processes).toBe(0);
  await node.stop();
});

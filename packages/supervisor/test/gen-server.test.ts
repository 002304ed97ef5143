/** Servers: init, calls, casts, other messages, and what callbacks may return. */
import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  InvalidArgumentError,
  ServerExitError,
  StartError,
  ThrownValueError,
  type Down,
  type From,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  defineServer,
  InvalidCallbackResultError,
  sys,
  UnknownRequestError,
  type CallSelf,
  type ServerSelf,
} from "@coppice/supervisor";
import {
  boom,
  createServerWorld,
  errorOf,
  journalling,
  puppet,
  settle,
  terminating,
  type Journal,
} from "./server-world.js";

const stack = defineServer({
  init: (items: readonly string[]) => items,
  call: {
    pop: ([top, ...rest]) => ({ reply: top, state: rest }),
    size: (items) => ({ reply: items.length }),
  },
  cast: { push: (items, item: string) => ({ state: [item, ...items] }) },
});

describe("init", () => {
  test.each<[string, unknown, unknown]>([
    ["a bare state", ["a"], ["a"]],
    ["nothing: that is the state", undefined, undefined],
    ["null", null, null],
    ["a number", 7, 7],
    ["{ state }", { state: { count: 1 } }, { count: 1 }],
    ["{ state: undefined }", { state: undefined }, undefined],
    ["{ state } with fields that are undefined", { state: 1, stop: undefined, ignore: false }, 1],
    ["an object with other fields beside state", { state: 1, since: 2 }, { state: 1, since: 2 }],
    ["an empty object", {}, {}],
    ["{ ignore: false }", { ignore: false }, { ignore: false }],
    ["{ timeoutMs } without a state", { timeoutMs: 5 }, { timeoutMs: 5 }],
    ["a Map", new Map([["state", 1]]), new Map([["state", 1]])],
    ["an array that has the field state", Object.assign([1], { state: 2 }), [1]],
    ["a promise of a state", Promise.resolve("later"), "later"],
    ["a promise of { state }", Promise.resolve({ state: "later" }), "later"],
  ])("that returns %s starts the server", async (_what, result, state) => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => result);
    expect({ ...(await sys.getStatus(node, pid)) }).toMatchObject({ activity: "running" });
    const got = await sys.getState(node, pid);
    if (Array.isArray(state)) expect([...(got as unknown[])]).toEqual(state);
    else expect(got).toEqual(state);
    await node.stop();
  });

  test("gets what the server is started with, and self", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: (a: number, b: string, self: ServerSelf) => ({ state: [a, b, self.pid] }),
    });
    const pid = await node.start(server, 1, "x");
    expect(await sys.getState(node, pid)).toEqual([1, "x", pid]);
    await node.stop();
  });

  test("may do without self", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(stack, ["a"]);
    expect(await node.call(pid, ["size"])).toBe(1);
    await node.stop();
  });

  test.each<[string, unknown[]]>([
    ["too few", []],
    ["too many", [1, "x", "y", "z"]],
  ])("with %s arguments refuses to start", async (_what, args) => {
    const { node } = createServerWorld();
    const server = defineServer({ init: (a: number, b: string, _self: ServerSelf) => [a, b] });
    const start = node.start.bind(node) as (...all: unknown[]) => Promise<unknown>;
    expect(await errorOf(start(server, ...args))).toBeInstanceOf(InvalidArgumentError);
    expect(node.counts.processes).toBe(0);
  });

  test("that returns other fields beside those of a result has returned a state", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: () => ({ state: "open", timeout: 5 }),
      call: { get: (state) => ({ reply: state }) },
    });
    const pid = await node.start(server);
    expect(await node.call(pid, ["get"])).toEqual({ state: "open", timeout: 5 });
    await node.stop();
  });

  test("that returns { stop } ends the server with that reason, which its starter is told", async () => {
    const { node, eventsOf } = createServerWorld();
    const journal: Journal = [];
    const start = node.start(puppet(terminating(journal)), () => ({ stop: "no luck" }));
    const error = (await errorOf(start)) as StartError;
    expect(error).toBeInstanceOf(StartError);
    expect(error.reason).toBe("no luck");
    expect(eventsOf("exited")).toMatchObject([{ reason: "no luck" }]);
    // It is an end as it was meant, and no crash.
    expect(eventsOf("crashed")).toEqual([]);
    expect(journal).toEqual([]);
  });

  test("that returns { ignore: true } ends the server normally", async () => {
    const { node, eventsOf } = createServerWorld();
    const start = node.start(puppet(), () => ({ ignore: true }));
    expect(await errorOf(start)).toMatchObject({ reason: "ignore" });
    expect(eventsOf("exited")).toMatchObject([{ reason: "normal" }]);
  });

  test.each<[string, () => unknown, unknown]>([
    [
      "throws",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["rejects", () => Promise.reject(boom), { error: boom }],
    [
      "throws what is no Error",
      () => {
        throw "a string";
      },
      { error: new ThrownValueError("a string") },
    ],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is tested
    ["rejects with nothing", () => Promise.reject(), { error: new ThrownValueError(undefined) }],
  ])("that %s crashes the server, and its starter is told", async (_what, init, reason) => {
    const { node, eventsOf } = createServerWorld();
    const journal: Journal = [];
    const error = (await errorOf(node.start(puppet(terminating(journal)), init))) as StartError;
    expect(error.reason).toEqual(reason);
    expect(eventsOf("crashed")).toMatchObject([{ report: { reason } }]);
    // It had not begun: there is nothing to clean up.
    expect(journal).toEqual([]);
  });

  test("that exits ends the server with that reason, which its starter is told", async () => {
    const { node, eventsOf } = createServerWorld();
    const journal: Journal = [];
    const start = node.start(puppet(terminating(journal)), (self) => self.exit("enough"));
    expect(await errorOf(start)).toMatchObject({ reason: "enough" });
    expect(eventsOf("crashed")).toEqual([]);
    expect(journal).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["both { state } and { stop }", { state: 1, stop: "x" }],
    ["both { state } and { ignore: true }", { state: 1, ignore: true }],
    ["both { stop } and { ignore: true }", { stop: "x", ignore: true }],
    ["{ stop: undefined }", { stop: undefined }],
    ["continue together with timeoutMs", { state: 1, continue: 1, timeoutMs: 1 }],
    ["a negative timeoutMs", { state: 1, timeoutMs: -1 }],
    ["a timeoutMs that is no number", { state: 1, timeoutMs: "5" }],
    ["a timeoutMs that is NaN", { state: 1, timeoutMs: Number.NaN }],
  ])("that returns %s fails", async (_what, result) => {
    const { node } = createServerWorld();
    const server = puppet(journalling([], "continue", "timeout"));
    const { reason } = (await errorOf(node.start(server, () => result))) as StartError;
    expect((reason as { error: unknown }).error).toBeInstanceOf(InvalidCallbackResultError);
    expect((reason as { error: unknown }).error).toMatchObject({ callback: "init" });
    expect(node.counts.processes).toBe(0);
  });

  test.each<[string, unknown]>([
    ["continue", { state: 1, continue: "x" }],
    ["timeout", { state: 1, timeoutMs: 5 }],
  ])("that asks for %s without a callback for it fails", async (callback, result) => {
    const { node } = createServerWorld();
    const { reason } = (await errorOf(node.start(puppet(), () => result))) as StartError;
    const { error } = reason as { error: Error };
    expect(error).toBeInstanceOf(InvalidCallbackResultError);
    expect(error.message).toContain(`there is no callback ${callback}`);
  });

  test("that is async is waited for, and messages that come meanwhile wait", async () => {
    const { node, clock } = createServerWorld();
    const journal: Journal = [];
    const start = settle(
      node.start(puppet(journalling(journal, "info")), async (self) => {
        self.send(self.pid, "early");
        await self.sleep(100);
        return "ready";
      }),
    );
    await clock.advance(99, quiesce);
    expect(await start).toEqual({ state: "pending" });
    expect(journal).toEqual([]);
    await clock.advance(1, quiesce);
    expect(await start).toMatchObject({ state: "fulfilled" });
    expect(journal).toEqual([["info", "ready", "early"]]);
    await node.stop();
  });

  test("may receive messages itself when it is async", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), async (self) => {
      self.send(self.pid, "state");
      return { state: await self.receive() };
    });
    expect(await sys.getState(node, pid)).toBe("state");
    await node.stop();
  });
});

describe("a call", () => {
  test("is answered with reply, and changes the state with state", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(stack, ["a", "b"]);
    expect(await node.call(pid, ["pop"])).toBe("a");
    expect(await node.call(pid, ["size"])).toBe(1);
    expect(await node.call(pid, ["pop"])).toBe("b");
    expect(await node.call(pid, ["pop"])).toBeUndefined();
    await node.stop();
  });

  test.each<[number, unknown[]]>([
    [0, []],
    [1, ["a"]],
    [2, ["a", "b"]],
    [3, ["a", "b", "c"]],
    [6, ["a", "b", "c", "d", "e", "f"]],
  ])("has %i arguments, and self comes after them", async (_count, args) => {
    const { node } = createServerWorld();
    const seen: unknown[] = [];
    const names = args.map((_, index) => `a${index}`);
    // As many parameters as there are arguments, between the state and self.
    // oxlint-disable-next-line typescript/no-implied-eval -- what is declared is what is tested
    const callback = new Function(
      "seen",
      `return (${["state", ...names, "self"].join(", ")}) => {
        seen.push(${["state", ...names, "self.pid"].join(", ")});
        return { reply: "ok" };
      }`,
    )(seen) as () => { reply: string };
    const server = defineServer({ init: () => "state", call: { ask: callback } });
    const pid = await node.start(server);
    expect(await node.call(pid, ["ask", ...args] as unknown as readonly ["ask"])).toBe("ok");
    expect(seen).toEqual(["state", ...args, pid]);
    await node.stop();
  });

  test("is answered by an undefined reply, too", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    expect(await node.call(pid, ["do", () => ({ reply: undefined })])).toBeUndefined();
    await node.stop();
  });

  test("that gets no reply times out, and the server goes on", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const silent = node.call(pid, ["do", () => ({ state: 1 })], { timeoutMs: 100 });
    silent.catch(() => undefined);
    await clock.advance(100, quiesce);
    expect(await errorOf(silent)).toBeInstanceOf(CallTimeoutError);
    expect(await sys.getState(node, pid)).toBe(1);
    await node.stop();
  });

  test("may be answered later, in any order, by whatever callback", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: (): readonly From<string>[] => [],
      call: {
        wait: (waiting, self: CallSelf<string>) => ({ state: [...waiting, self.from] }),
      },
      cast: {
        wake: (waiting, self: ServerSelf) => {
          waiting.toReversed().forEach((from, index) => self.reply(from, `reply ${index}`));
          return { state: [] };
        },
      },
    });
    const pid = await node.start(server);
    const replies = [node.call(pid, ["wait"]), node.call(pid, ["wait"])];
    await quiesce();
    node.cast(pid, ["wake"]);
    expect(await Promise.all(replies)).toEqual(["reply 1", "reply 0"]);
    await node.stop();
  });

  test("may be answered before its callback has returned", async () => {
    const { node, clock } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const reply = await settle(
      node.call(pid, [
        "do",
        async (_state, self) => {
          self.reply(self.from, "early");
          await self.sleep(100);
        },
      ]),
    );
    expect(reply).toEqual({ state: "fulfilled", value: "early" });
    await clock.advance(100, quiesce);
    await node.stop();
  });

  test("is answered only once: a second reply is not heard", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const reply = await node.call(pid, [
      "do",
      (_state, self) => {
        self.reply(self.from, "first");
        return { reply: "second" };
      },
    ]);
    expect(reply).toBe("first");
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("whose callback throws ends the server with that error, which the caller is told", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const error = await errorOf(
      node.call(pid, [
        "do",
        () => {
          throw boom;
        },
      ]),
    );
    expect(error).toBeInstanceOf(ServerExitError);
    expect(error).toMatchObject({ reason: { error: boom } });
    expect(eventsOf("crashed")).toMatchObject([
      { report: { pid, initialCall: "gen_server", reason: { error: boom } } },
    ]);
  });

  test.each(["stop", "request", "terminate"])(
    "is not confused by a name such as %s",
    async (name) => {
      const { node } = createServerWorld();
      const server = defineServer({ init: () => 0, call: { [name]: () => ({ reply: name }) } });
      const pid = await node.start(server);
      expect(await node.call(pid, [name])).toBe(name);
      await node.stop();
    },
  );

  test("comes after all that its sender sent before", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(stack, []);
    for (const item of ["a", "b", "c"]) node.cast(pid, ["push", item]);
    expect(await node.call(pid, ["pop"])).toBe("c");
    await node.stop();
  });
});

describe("a request that the server does not know", () => {
  const server = defineServer({
    init: () => 0,
    call: {
      none: (state) => ({ reply: state }),
      one: (state, by: number) => ({ reply: state + by }),
      oneAndSelf: (_state, by: number, self: ServerSelf) => ({ reply: [by, self.pid] }),
      three: (_state, a: number, b: number, c: number) => ({ reply: a + b + c }),
    },
    cast: { set: (_state, to: number) => ({ state: to }) },
  });

  test.each<[string, unknown]>([
    ["has another name", ["nope"]],
    ["is that of a cast", ["set", 1]],
    ["is no tuple", "none"],
    ["is nothing", undefined],
    ["is null", null],
    ["is an object", { 0: "none", length: 1 }],
    ["is empty", []],
    ["has an argument too many", ["none", 1]],
    ["has arguments too many", ["three", 1, 2, 3, 4]],
    ["has too few arguments", ["three", 1]],
    ["has none where at least one is needed", ["oneAndSelf"]],
    ["has a name that is no string", [["none"]]],
    ["is an object of the type system without an action", { type: "systems" }],
  ])("is refused when it %s, and the server goes on", async (_what, request) => {
    const { node } = createServerWorld();
    const pid = await node.start(server);
    const error = (await errorOf(node.call(pid, request as never))) as UnknownRequestError;
    expect(error).toBeInstanceOf(UnknownRequestError);
    expect(error.server).toBe(pid);
    expect(error.received).toEqual(request);
    expect(error.message).toContain(`"three" (2 or 3)`);
    expect(await node.call(pid, ["none"])).toBe(0);
    await node.stop();
  });

  test("says so when the server knows none at all", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(defineServer({ init: () => 0 }));
    const error = await errorOf(node.call(pid as never, ["x"] as never));
    expect(error).toMatchObject({
      message: expect.stringContaining("it answers no calls") as unknown,
    });
    await node.stop();
  });

  test.each<[string, unknown]>([
    ["has another name", ["nope"]],
    ["is that of a call", ["none"]],
    ["has too few arguments", ["two", 1]],
    ["has too many arguments", ["two", 1, 2, 3, 4]],
  ])("goes to info when it is a cast and %s", async (_what, request) => {
    const { node, eventsOf } = createServerWorld();
    const journal: Journal = [];
    const two = (_state: unknown, _a: unknown, _b: unknown, _self: ServerSelf): void => {
      journal.push(["two"]);
    };
    const pid = await node.start(
      puppet({ cast: { two }, ...journalling(journal, "info") }),
      () => 0,
    );
    node.cast(pid, request as never);
    await quiesce();
    expect(journal).toEqual([["info", 0, { type: "cast", request }]]);
    expect(eventsOf("undelivered")).toEqual([]);
    await node.stop();
  });

  test("is told as undelivered when it is a cast and there is no info", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(server);
    node.cast(pid, ["nope"] as never);
    await quiesce();
    expect(eventsOf("undelivered")).toMatchObject([
      { to: pid, message: { type: "cast", request: ["nope"] }, why: "unhandled" },
    ]);
    await node.stop();
  });

  test("may have any arguments for a callback that declares none, as one that wraps another does", async () => {
    const { node } = createServerWorld();
    const inner = (state: number, a: number, b: number): { reply: number } => ({
      reply: state + a + b,
    });
    const wrap = ((...all: never[]) =>
      (inner as (...args: never[]) => unknown)(...all)) as typeof inner;
    expect(wrap).toHaveLength(0);
    const pid = await node.start(defineServer({ init: () => 1, call: { add: wrap } }));
    expect(await node.call(pid, ["add", 2, 3])).toBe(6);
    await node.stop();
  });
});

describe("a cast", () => {
  test("changes the state, and nobody waits", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(stack, []);
    node.cast(pid, ["push", "a"]);
    node.cast(pid, ["push", "b"]);
    expect(await sys.getState(node, pid)).toEqual(["b", "a"]);
    await node.stop();
  });

  test("to a process that has ended is lost, and no error", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(stack, []);
    node.exit(pid, "over");
    await quiesce();
    expect(() => node.cast(pid, ["push", "a"])).not.toThrow();
  });

  test("whose callback throws ends the server with that error", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const ended = node.whenExited(pid);
    node.cast(pid, [
      "do",
      () => {
        throw boom;
      },
    ]);
    expect(await ended).toEqual({ error: boom });
  });
});

describe("another message", () => {
  test.each<[string, unknown]>([
    ["a string", "hello"],
    ["nothing", undefined],
    ["null", null],
    ["an object", { type: "tick" }],
    ["an object without a type", { a: 1 }],
    ["a function", Math.max],
    ["what looks like a call, but has no caller", { type: "call", request: ["do"], from: "me" }],
    ["what looks like a Down, but has no reference", { type: "down", ref: 1, reason: "x" }],
    ["what looks like an Exit, but has no pid", { type: "exit", from: "me", reason: "x" }],
  ])("goes to info: %s", async (_what, message) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const server = puppet(journalling(journal, "info", "down", "exit"));
    const pid = await node.start(server, () => "state");
    node.send(pid as never, message as never);
    await quiesce();
    expect(journal).toEqual([["info", "state", message]]);
    await node.stop();
  });

  test("is told as undelivered when there is no info", async () => {
    const { node, eventsOf } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    node.send(pid as never, { type: "tick" } as never);
    await quiesce();
    expect(eventsOf("undelivered")).toMatchObject([
      { to: pid, message: { type: "tick" }, why: "unhandled" },
    ]);
    expect(node.isAlive(pid)).toBe(true);
    await node.stop();
  });

  test("may change the state", async () => {
    const { node } = createServerWorld();
    const server = defineServer({
      init: () => 0,
      info: (state, by: number) => ({ state: state + by }),
    });
    const pid = await node.start(server);
    node.send(pid, 5);
    node.send(pid, 6);
    expect(await sys.getState(node, pid)).toBe(11);
    await node.stop();
  });

  test.each([
    [["down", "info"], "down"],
    [["info"], "info"],
  ])("that is the Down of a monitor goes, of %j, to %s", async (callbacks, where) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const pid = await node.start(puppet(journalling(journal, ...callbacks)), () => 0);
    const other = node.spawn<unknown>(async (self) => void (await self.receive()));
    await node.call(pid, ["do", (_state, self) => ({ reply: self.monitor(other) })]);
    node.exit(other, "over");
    await quiesce();
    expect(journal).toMatchObject([[where, 0, { type: "down", reason: "over" } as Partial<Down>]]);
    await node.stop();
  });

  test.each([
    [["exit", "info"], "exit"],
    [["info"], "info"],
  ])("that is the exit of another process goes, of %j, to %s", async (callbacks, where) => {
    const { node } = createServerWorld();
    const journal: Journal = [];
    const server = puppet(journalling(journal, ...callbacks));
    const pid = await node.start(server, (self) => void self.trapExits());
    const other = node.spawn<unknown>(async (self) => void (await self.receive()));
    await node.call(pid, [
      "do",
      (_state, self) => {
        self.link(other);
        return { reply: "linked" };
      },
    ]);
    node.exit(other, "over");
    await quiesce();
    expect(journal).toEqual([[where, undefined, { type: "exit", from: other, reason: "over" }]]);
    await node.stop();
  });
});

describe("a result", () => {
  /** What becomes of a server whose callback returns this. */
  async function returning(
    result: unknown,
    request: "call" | "cast" = "call",
  ): Promise<{ reason: unknown; reply: unknown; terminated: Journal }> {
    const { node } = createServerWorld();
    const terminated: Journal = [];
    const server = puppet({
      ...journalling([], "continue", "timeout"),
      ...terminating(terminated),
    });
    const pid = await node.start(server, () => "state");
    const ended = settle(node.whenExited(pid));
    if (request === "cast") node.cast(pid, ["do", () => result]);
    const reply =
      request === "call" ? await settle(node.call(pid, ["do", () => result])) : undefined;
    return { reason: (await ended).value, reply, terminated };
  }

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["true", true],
    ["a string", "ok"],
    ["a function", () => ({})],
    ["an unknown field", { reply: 1, stat: 2 }],
    ["an array", ["a", "b"]],
    ["an empty array, which is a state that is not wrapped", []],
    ["an empty Map, which is one, too", new Map()],
    ["an instance of a class", new (class Result {})()],
    ["an Error", new Error("returned")],
    ["an iterator of a generator", (function* () {})()],
    ["continue together with timeoutMs", { reply: 1, continue: "x", timeoutMs: 5 }],
    ["stop together with continue", { stop: "x", continue: "x" }],
    ["stop together with timeoutMs", { stop: "x", timeoutMs: 5 }],
    ["a negative timeoutMs", { reply: 1, timeoutMs: -1 }],
    ["a timeoutMs that is no number", { reply: 1, timeoutMs: "soon" }],
    ["a timeoutMs that is NaN", { reply: 1, timeoutMs: Number.NaN }],
    ["ignore, which is a word of init", { ignore: true }],
    ["a field that is inherited and unknown", Object.create({ reply: 1, other: 2 })],
    ["a promise of any of these", Promise.resolve([])],
  ])("that is %s ends the server, and nothing of it is done", async (_what, result) => {
    const { reason, reply, terminated } = await returning(result);
    const { error } = reason as { error: InvalidCallbackResultError };
    expect(error).toBeInstanceOf(InvalidCallbackResultError);
    expect(error.callback).toBe("call");
    expect(error.received).toBe(result instanceof Promise ? await result : result);
    // The caller hears of the end, not of a reply; terminate sees the state as it was.
    expect(reply).toMatchObject({ state: "rejected", value: { reason: { error } } });
    expect(terminated).toEqual([["terminate", "state", { error }]]);
  });

  test("with a state is not taken when something else in it is wrong", async () => {
    const { terminated } = await returning({ state: "new", timeoutMs: -1 });
    expect(terminated[0]?.[1]).toBe("state");
  });

  test.each(["cast", "info", "continue", "timeout", "down", "exit"])(
    "with a reply ends the server when it is that of %s",
    async (callback) => {
      const { node, eventsOf } = createServerWorld();
      const replies = (): unknown => ({ reply: 1 });
      const server = puppet({ [callback]: callback === "cast" ? { do: replies } : replies });
      const asks =
        callback === "continue" ? { continue: 1 } : callback === "timeout" ? { timeoutMs: 0 } : {};
      const other = node.spawn<unknown>(async (self) => void (await self.receive()));
      const pid = await node.start(server, (self) => {
        self.trapExits();
        if (callback === "down") self.monitor(other);
        if (callback === "exit") self.link(other);
        return { state: 0, ...asks };
      });
      if (callback === "cast") node.cast(pid, ["do", () => 0]);
      if (callback === "info") node.send(pid as never, "x" as never);
      node.exit(other, "over");
      await quiesce();
      expect(eventsOf("exited").find((event) => event.pid === pid)?.reason).toMatchObject({
        error: { name: "InvalidCallbackResultError", callback },
      });
    },
  );

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["an empty object", {}],
    ["an object without a prototype", Object.create(null)],
    [
      "fields that are all undefined",
      { stop: undefined, continue: undefined, timeoutMs: undefined },
    ],
    ["a promise of nothing", Promise.resolve()],
  ])("that is %s leaves everything as it is", async (_what, result) => {
    const { reason, terminated } = await returning(result, "cast");
    expect(reason).toBeUndefined();
    expect(terminated).toEqual([]);
  });

  test.each(["continue", "timeout"])(
    "that asks for %s without a callback for it ends the server",
    async (callback) => {
      const { node } = createServerWorld();
      const pid = await node.start(puppet(), () => 0);
      const asks = callback === "continue" ? { continue: 1 } : { timeoutMs: 1 };
      const error = (await errorOf(
        node.call(pid, ["do", () => ({ reply: "yes", ...asks })]),
      )) as ServerExitError;
      const { error: why } = error.reason as { error: Error };
      expect(why).toBeInstanceOf(InvalidCallbackResultError);
      expect(why.message).toContain(`there is no callback ${callback}`);
    },
  );

  test("may have its fields from a prototype or from getters", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    let read = 0;
    const result = {
      get reply() {
        return ++read;
      },
    };
    expect(await node.call(pid, ["do", () => result])).toBe(1);
    expect(
      await node.call(pid, ["do", () => Object.create({ reply: "inherited" }) as unknown]),
    ).toBe("inherited");
    await node.stop();
  });

  test("that throws when it is looked at ends the server as if its callback had thrown", async () => {
    const { node } = createServerWorld();
    const pid = await node.start(puppet(), () => 0);
    const result = {
      get reply() {
        throw boom;
      },
    };
    expect(await errorOf(node.call(pid, ["do", () => result]))).toMatchObject({
      reason: { error: boom },
    });
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  at,
  formatCrashReport,
  MutationAfterSendError,
  name,
  opaque,
  ThrownValueError,
  UncloneableMessageError,
  type Body,
  type Call,
  type CrashReport,
  type Isolation,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld, type World } from "./world.js";

/** A process that keeps what it receives. */
function spawnKeeper(node: Node): { pid: Pid<unknown>; received: unknown[] } {
  const received: unknown[] = [];
  const pid = node.spawn<unknown>(async (self) => {
    for (;;) received.push(await self.receive());
  });
  return { pid, received };
}

/** What arrives when `message` is sent. */
async function arrivalOf<M>(node: Node, message: M): Promise<M> {
  const { pid, received } = spawnKeeper(node);
  await quiesce();
  node.send(pid, message);
  await quiesce();
  return received[0] as M;
}

function crashes(events: World["events"]): CrashReport[] {
  return events.flatMap((event) => (event.type === "crashed" ? [event.report] : []));
}

/** The two sites that a report has to name. */
function sendsTheOrder<M>(self: Self<unknown>, to: Pid<M>, order: M): void {
  self.send(to, order);
}
function changesTheOrder(order: unknown, change: (order: never) => unknown): void {
  change(order as never);
}

describe("with messages: share", () => {
  test("the receiver gets the object itself, and sees a change made after sending", async () => {
    const { node } = createWorld();
    const message = { count: 1, list: [1], map: new Map() };
    const received = await arrivalOf(node, message);
    expect(received).toBe(message);
    message.count = 2;
    expect(received.count).toBe(2);
    expect(Object.isFrozen(message)).toBe(false);
  });

  test("anything can be sent, also functions, symbols and instances", async () => {
    const { node } = createWorld();
    class Custom {}
    for (const message of [() => 1, Symbol("x"), new Custom(), new WeakMap()]) {
      expect(await arrivalOf<unknown>(node, message)).toBe(message);
    }
  });
});

describe("with messages: freeze and traceSends: false", () => {
  test("what a frozen Map, Set or instance holds is frozen as well", async () => {
    const { node } = createWorld({ messages: "freeze", traceSends: false });
    class Box {
      readonly held = { inBox: 1 };
    }
    const box = new Box();
    const parts = [{ inMap: 1 }, { inSet: 1 }, box.held];
    await arrivalOf(node, {
      map: Object.freeze(new Map([["key", parts[0]]])),
      set: Object.freeze(new Set([parts[1]])),
      box: Object.freeze(box),
    });
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true]);
  });

  test.each<[string, () => object, (message: never) => void]>([
    ["a field", () => ({ n: 1 }), (message: { n: number }) => void (message.n = 2)],
    ["a field inside", () => ({ a: { n: 1 } }), (m: { a: { n: number } }) => void (m.a.n = 2)],
    ["a new field", () => ({}), (message: { n?: number }) => void (message.n = 2)],
    ["an array", () => [1], (message: number[]) => void message.push(2)],
    ["a Map", () => new Map([[1, 2]]), (message: Map<number, number>) => void message.set(1, 3)],
    [
      "what a user had frozen on the surface",
      () => Object.freeze({ a: { n: 1 } }),
      (m: { a: { n: number } }) => void (m.a.n = 2),
    ],
  ])("a change to %s is an error that does not say where it was sent", async (_what, make, act) => {
    const { node, events } = createWorld({ messages: "freeze", traceSends: false });
    const receiver = node.spawn<object>(async (self) => {
      act((await self.receive()) as never);
    });
    node.send(receiver, make());
    await node.whenExited(receiver);
    const crashed = events.find(({ type }) => type === "crashed");
    expect(
      String((crashed as never as { report: { reason: { error: Error } } }).report.reason.error),
    ).toMatch(/^MutationAfterSendError.*not remembered/s);
  });
});

describe("with messages: freeze", () => {
  const order = () => ({
    count: 1,
    lines: [{ item: "apple" }, { item: "pear" }],
    prices: new Map<unknown, unknown>([
      ["apple", { cents: 30 }],
      [{ item: "key" }, "value"],
    ]),
    tags: new Set<unknown>(["new", { tag: "deep" }]),
    due: new Date(0),
  });
  type Order = ReturnType<typeof order>;

  const changes: [string, (order: Order) => unknown][] = [
    ["sets a property", (o) => (o.count = 2)],
    ["adds a property", (o) => Object.assign(o, { added: true })],
    ["deletes a property", (o) => delete (o as Partial<Order>).count],
    ["sets a property deep inside", (o) => ((o.lines[1] as { item: string }).item = "plum")],
    ["sets an element", (o) => (o.lines[0] = { item: "plum" })],
    ["pushes to an array", (o) => o.lines.push({ item: "plum" })],
    ["pops from an array", (o) => o.lines.pop()],
    ["shifts an array", (o) => o.lines.shift()],
    ["puts something before an array", (o) => o.lines.unshift({ item: "plum" })],
    ["splices an array", (o) => o.lines.splice(0, 1)],
    ["sorts an array", (o) => o.lines.sort(() => -1)],
    ["reverses an array", (o) => o.lines.reverse()],
    ["empties an array", (o) => (o.lines.length = 0)],
    ["redefines a property", (o) => Object.defineProperty(o, "count", { value: 2 })],
    ["defines a new property", (o) => Object.defineProperty(o, "added", { value: 2 })],
    ["sets an entry of a Map", (o) => o.prices.set("plum", {})],
    ["deletes an entry of a Map", (o) => o.prices.delete("apple")],
    ["clears a Map", (o) => o.prices.clear()],
    ["changes a value of a Map", (o) => ((o.prices.get("apple") as { cents: number }).cents = 1)],
    ["changes a key of a Map", (o) => (([...o.prices.keys()][1] as { item: string }).item = "x")],
    ["adds to a Set", (o) => o.tags.add("old")],
    ["deletes from a Set", (o) => o.tags.delete("new")],
    ["clears a Set", (o) => o.tags.clear()],
    ["changes an element of a Set", (o) => (([...o.tags][1] as { tag: string }).tag = "x")],
    ["sets a Date", (o) => o.due.setFullYear(2000)],
    ["sets a Date in UTC", (o) => o.due.setUTCHours(1)],
  ];

  test.each(changes)(
    "a receiver that %s crashes with MutationAfterSendError, and the report names both sites",
    async (_what, change) => {
      const { node, events } = createWorld({ messages: "freeze" });
      const receiver = node.spawn<Order>(async function receiver(self) {
        changesTheOrder(await self.receive(), change);
      });
      const sent = order();
      node.spawn<unknown>(function sender(self) {
        sendsTheOrder(self, receiver, sent);
      });
      await quiesce();
      const [report] = crashes(events) as [CrashReport];
      const error = report.reason.error as MutationAfterSendError;
      expect(error).toBeInstanceOf(MutationAfterSendError);
      expect(error.code).toBe("MUTATION_AFTER_SEND");
      expect(report.pid).toBe(receiver);
      expect(error.sentAt).toContain("sendsTheOrder");
      expect(error.sentAt).not.toContain("changesTheOrder");
      expect(error.stack).toContain("changesTheOrder");
      expect(formatCrashReport(report)).toMatch(/sendsTheOrder[^]*changesTheOrder/);
      expect(sent).toEqual(order());
    },
  );

  test("a sender that changes what it sent crashes the same way; the receiver is not hurt", async () => {
    const { node, events } = createWorld({ messages: "freeze" });
    const { pid, received } = spawnKeeper(node);
    const sender = node.spawn<unknown>(function sender(self) {
      const sent = order();
      sendsTheOrder(self, pid, sent);
      changesTheOrder(sent, (own: Order) => own.lines.push({ item: "plum" }));
    });
    await quiesce();
    const [report] = crashes(events) as [CrashReport];
    expect(report.pid).toBe(sender);
    const error = report.reason.error as MutationAfterSendError;
    expect(error).toBeInstanceOf(MutationAfterSendError);
    expect(error.sentAt).toContain("sendsTheOrder");
    expect(error.stack).toContain("changesTheOrder");
    expect(received).toEqual([order()]);
  });

  test("a handler that changes its message is reported in the same way", async () => {
    const { node, events } = createWorld({ messages: "freeze" });
    const pid = node.spawn<Order, null>({
      init: () => null,
      message(state, message) {
        changesTheOrder(message, (own: Order) => (own.count = 2));
        return state;
      },
    });
    node.spawn<unknown>((self) => sendsTheOrder(self, pid, order()));
    await quiesce();
    const [report] = crashes(events) as [CrashReport];
    expect(report.reason.error).toBeInstanceOf(MutationAfterSendError);
    expect((report.reason.error as MutationAfterSendError).sentAt).toContain("sendsTheOrder");
  });

  test("code outside any process that changes what it sent is stopped in the same way", async () => {
    const { node } = createWorld({ messages: "freeze" });
    const { pid } = spawnKeeper(node);
    const sent = order();
    node.send(pid, sent);
    expect(() => sent.lines.push({ item: "plum" })).toThrow(MutationAfterSendError);
    expect(() => (sent.count = 2)).toThrow(MutationAfterSendError);
    expect(() => sent.prices.clear()).toThrow(MutationAfterSendError);
  });

  test("requests, replies and messages of timers are frozen as well", async () => {
    const { node, clock } = createWorld({ messages: "freeze" });
    const { pid, received } = spawnKeeper(node);
    const [request, reply, timed] = [{ a: 1 }, { b: 1 }, { c: 1 }];
    const server = node.spawn<Call<{ a: number }, { b: number }>>(async (self) => {
      self.reply((await self.receive()).from, reply);
    });
    expect(await node.call(server, request)).toBe(reply);
    node.sendAfter(pid, 10, timed);
    expect([request, reply, timed].map((sent) => Object.isFrozen(sent))).toEqual([
      true,
      true,
      true,
    ]);
    await clock.advance(10);
    expect(received).toEqual([{ c: 1 }]);
  });

  test("the receiver gets the object itself", async () => {
    const { node } = createWorld({ messages: "freeze" });
    const message = order();
    expect(await arrivalOf(node, message)).toBe(message);
  });

  test("what is frozen reads as before, and copies of it can be changed", async () => {
    const { node } = createWorld({ messages: "freeze" });
    const received = await arrivalOf(node, order());
    expect(received).toEqual(order());
    expect(JSON.stringify(received)).toBe(JSON.stringify(order()));
    expect(Object.keys(received)).toEqual(Object.keys(order()));
    expect(Object.keys(received.lines)).toEqual(["0", "1"]);
    const copy = { ...received, lines: [...received.lines], tags: new Set(received.tags) };
    copy.count = 2;
    copy.lines.push({ item: "plum" });
    copy.tags.add("old");
    expect(copy.lines.map(({ item }) => item).toSorted()).toEqual(["apple", "pear", "plum"]);
    expect(received.due.getTime()).toBe(0);
    expect(received).toEqual(order());
  });

  test("cycles, getters, what is frozen already and what was sent before are no trouble", async () => {
    const { node } = createWorld({ messages: "freeze" });
    let reads = 0;
    const message: Record<string, unknown> = {
      frozen: Object.freeze({ inner: { deep: 1 } }),
      get lazy() {
        return reads++;
      },
    };
    message.self = message;
    await arrivalOf(node, message);
    await arrivalOf(node, message);
    expect(reads).toBe(0);
    expect(Object.isFrozen((message.frozen as { inner: object }).inner)).toBe(true);
  });

  test("binary data passes, although no engine can freeze it", async () => {
    const { node } = createWorld({ messages: "freeze" });
    const message = { bytes: new Uint8Array([1, 2]), buffer: new ArrayBuffer(2) };
    const received = await arrivalOf(node, message);
    expect(received.bytes).toEqual(new Uint8Array([1, 2]));
    expect(Object.isFrozen(received)).toBe(true);
  });

  test("the site of the send is that of the message that was changed, not of a later one", async () => {
    const { node, events } = createWorld({ messages: "freeze" });
    const { pid } = spawnKeeper(node);
    function sendsAnother(self: Self<unknown>): void {
      self.send(pid, { count: 7 });
    }
    node.spawn<unknown>(function sender(self) {
      const sent = { count: 1 };
      sendsTheOrder(self, pid, sent);
      sendsAnother(self);
      changesTheOrder(sent, (own: Order) => (own.count = 2));
    });
    await quiesce();
    const [report] = crashes(events) as [CrashReport];
    const error = report.reason.error as MutationAfterSendError;
    expect(error).toBeInstanceOf(MutationAfterSendError);
    expect(error.sentAt).toContain("sendsTheOrder");
  });

  test("the site of the send is told also when hundreds of others came after it", async () => {
    const { node, events } = createWorld({ messages: "freeze" });
    const { pid } = spawnKeeper(node);
    node.spawn<unknown>(function sender(self) {
      const sent = order();
      sendsTheOrder(self, pid, sent);
      for (let i = 0; i < 500; i++) self.send(pid, { i });
      changesTheOrder(sent, (own: Order) => (own.count = 2));
    });
    await quiesce();
    const [report] = crashes(events) as [CrashReport];
    expect(report.reason.error).toBeInstanceOf(MutationAfterSendError);
    expect((report.reason.error as MutationAfterSendError).sentAt).toContain("sendsTheOrder");
  });

  test.each<[string, (config: { port?: number; list: number[] }) => unknown]>([
    ["set", (config) => (config.port = 81)],
    ["deleted", (config) => delete config.port],
    ["emptied", (config) => (config.list.length = 0)],
  ])(
    "a change to something frozen that was never sent stays the TypeError it is: %s",
    async (_how, change) => {
      const { node, events } = createWorld({ messages: "freeze" });
      const { pid } = spawnKeeper(node);
      node.spawn<unknown>(function innocent(self) {
        const config = Object.freeze({ port: 80, list: Object.freeze([1]) });
        sendsTheOrder(self, pid, { something: "else" });
        changesTheOrder(config, change);
      });
      await quiesce();
      const [report] = crashes(events) as [CrashReport];
      expect(report.reason.error).toBeInstanceOf(TypeError);
    },
  );

  test.each<[string, (order: Order) => unknown]>([
    ["adds a property", (o) => Object.assign(o, { added: true })],
    ["deletes a property", (o) => delete (o as Partial<Order>).count],
    ["defines a property", (o) => Object.defineProperty(o, "added", { value: 2 })],
  ])("the right send is among those that are told when the sender %s", async (_what, change) => {
    const { node, events } = createWorld({ messages: "freeze" });
    const { pid } = spawnKeeper(node);
    node.spawn<unknown>(function sender(self) {
      const sent = order();
      sendsTheOrder(self, pid, sent);
      for (let i = 0; i < 500; i++) self.send(pid, { i, count: i });
      changesTheOrder(sent, change);
    });
    await quiesce();
    const [report] = crashes(events) as [CrashReport];
    expect(report.reason.error).toBeInstanceOf(MutationAfterSendError);
    expect((report.reason.error as MutationAfterSendError).sentAt).toContain("sendsTheOrder");
  });

  test("other errors stay what they are", async () => {
    const { node, events } = createWorld({ messages: "freeze" });
    const { pid } = spawnKeeper(node);
    node.send(pid, order());
    node.spawn<unknown>(() => void (undefined as never as { x: 1 }).x);
    node.spawn<unknown>(() => {
      throw "not an error";
    });
    await quiesce();
    expect(crashes(events).map(({ reason }) => reason.error)).toEqual([
      expect.any(TypeError),
      expect.any(ThrownValueError),
    ]);
  });
});

describe("with messages: clone", () => {
  test("neither end sees what the other changes", async () => {
    const { node } = createWorld({ messages: "clone" });
    const message = { deep: { list: [1, { x: 1 }] } };
    const received = await arrivalOf(node, message);
    expect(received).toEqual(message);
    expect(received).not.toBe(message);
    message.deep.list.push(2);
    (received.deep.list[1] as { x: number }).x = 2;
    expect(received.deep.list).toEqual([1, { x: 2 }]);
    expect(message.deep.list).toEqual([1, { x: 1 }, 2]);
    expect(Object.isFrozen(message)).toBe(false);
  });

  test.each<[string, unknown]>([
    ["primitives", ["s", 1, -0, NaN, true, null, undefined, 10n]],
    ["plain objects", { a: { b: {} } }],
    ["Maps with objects as keys", new Map([[{ k: 1 }, new Map([["x", 1]])]])],
    ["Sets of objects", new Set([{ a: 1 }, new Set([1])])],
    ["Dates", new Date(12345)],
    ["RegExps with their flags", /a+(b)/giu],
    ["ArrayBuffers", new Uint8Array([1, 2, 3]).buffer],
    ["Int16Arrays", new Int16Array([1, -2, 3])],
    ["Float64Arrays", new Float64Array([0.5])],
    ["BigInt64Arrays", new BigInt64Array([1n])],
    ["DataViews", new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 2)],
  ])("the copy equals the original: %s", async (_what, message) => {
    const { node } = createWorld({ messages: "clone" });
    const copy = await arrivalOf(node, message);
    expect(copy).toEqual(message);
    if (typeof message === "object") expect(copy).not.toBe(message);
  });

  test("an invalid Date stays invalid", async () => {
    const { node } = createWorld({ messages: "clone" });
    expect((await arrivalOf(node, new Date(NaN))).getTime()).toBeNaN();
  });

  test("a sparse array stays sparse", async () => {
    const { node } = createWorld({ messages: "clone" });
    const sparse: unknown[] = [1];
    sparse[3] = { x: 1 };
    sparse.length = 6;
    const copy = await arrivalOf(node, sparse);
    expect(copy).toHaveLength(6);
    expect(Object.keys(copy)).toEqual(["0", "3"]);
  });

  test("an object without a prototype stays without one", async () => {
    const { node } = createWorld({ messages: "clone" });
    const bare = Object.assign(Object.create(null) as object, { a: { b: 1 } });
    const copy = await arrivalOf(node, { bare });
    expect(Object.getPrototypeOf(copy.bare)).toBeNull();
    expect(copy.bare).toEqual(bare);
  });

  test("an own property called __proto__ is a property of the copy, and not its prototype", async () => {
    const { node } = createWorld({ messages: "clone" });
    const parsed = JSON.parse('{"__proto__": {"admin": true}, "x": 1}') as { admin?: boolean };
    const copy = await arrivalOf(node, parsed);
    expect(copy.admin).toBeUndefined();
    expect(Object.keys(copy)).toEqual(["__proto__", "x"]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  test("cycles and shared parts keep their shape", async () => {
    const { node } = createWorld({ messages: "clone" });
    const shared = { shared: true };
    const message: Record<string, unknown> = { a: shared, b: [shared], map: new Map() };
    message.self = message;
    (message.map as Map<unknown, unknown>).set(message, message.map);
    const copy = await arrivalOf(node, message);
    expect(copy.self).toBe(copy);
    expect(copy.a).toBe((copy.b as unknown[])[0]);
    expect(copy.a).not.toBe(shared);
    expect([...(copy.map as Map<unknown, unknown>)]).toEqual([[copy, copy.map]]);
    expect((copy.map as Map<unknown, unknown>).get(copy)).toBe(copy.map);
  });

  test("a view carries its own bytes, not the whole buffer behind it", async () => {
    const { node } = createWorld({ messages: "clone" });
    const behind = new Uint8Array(1_000).fill(7);
    const view = behind.subarray(10, 14);
    const copy = await arrivalOf(node, view);
    expect([...copy]).toEqual([7, 7, 7, 7]);
    expect(copy.buffer.byteLength).toBe(4);
    behind.fill(9);
    expect([...copy]).toEqual([7, 7, 7, 7]);
  });

  test("Node's Buffer arrives as a Uint8Array with the same bytes", async () => {
    const { node } = createWorld({ messages: "clone" });
    const copy: unknown = await arrivalOf(node, { bytes: Buffer.from("hello") });
    const { bytes } = copy as { bytes: Uint8Array };
    expect(Object.getPrototypeOf(bytes).constructor.name).toBe("Uint8Array");
    expect([...bytes]).toEqual([...Buffer.from("hello")]);
  });

  test("an error keeps name, message, code, stack and cause", async () => {
    const { node } = createWorld({ messages: "clone" });
    class Refused extends Error {
      override name = "Refused";
      code = "E_REFUSED";
    }
    const cause = new RangeError("too much");
    const error = new Refused("no", { cause: { inner: cause } });
    const { failure } = await arrivalOf(node, { failure: error });
    expect(failure).not.toBe(error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ name: "Refused", message: "no", code: "E_REFUSED" });
    expect(failure.stack).toBe(error.stack);
    const inner = (failure.cause as { inner: Error }).inner;
    expect(inner).not.toBe(cause);
    expect(inner).toMatchObject({ name: "RangeError", message: "too much", stack: cause.stack });
  });

  test("an error that is its own cause arrives so", async () => {
    const { node } = createWorld({ messages: "clone" });
    const error = new Error("round");
    error.cause = error;
    const copy = await arrivalOf(node, error);
    expect(copy.cause).toBe(copy);
  });

  class Custom {
    readonly x = 1;
  }
  const hostile = Object.create(Object.create(Object.create(null) as object) as object) as object;

  test.each<[string, unknown, string, RegExp]>([
    ["a function", () => 1, "message", /a function/],
    ["a symbol", Symbol("s"), "message", /a symbol/],
    ["a function in an object", { user: { onClick() {} } }, "message.user.onClick", /a function/],
    ["a symbol in an array", [1, [2, Symbol("s")]], "message[1][1]", /a symbol/],
    ["an instance", new Custom(), "message", /an instance of Custom/],
    ["an instance deep inside", { list: [{ c: new Custom() }] }, "message.list[0].c", /Custom/],
    ["a value of a Map", { m: new Map([["k", { f() {} }]]) }, 'message.m.get("k").f', /a function/],
    ["a key of a Map", { m: new Map([[Symbol("k"), 1]]) }, "message.m.key", /a symbol/],
    ["an element of a Set", { s: new Set([() => 1]) }, "message.s.element", /a function/],
    ["the cause of an error", { e: new Error("x", { cause: () => 1 }) }, "message.e.cause", /fun/],
    ["a WeakMap", { w: new WeakMap() }, "message.w", /WeakMap/],
    ["a promise inside", { p: Promise.resolve() }, "message.p", /Promise/],
    ["a boxed number", { n: Object(1) as unknown }, "message.n", /Number/],
    ["a generator", { g: (function* () {})() }, "message.g", /an instance/],
    ["shared memory", { v: new Uint8Array(new SharedArrayBuffer(2)) }, "message.v", /shared/],
    ["an object that knows no constructor", { hostile }, "message.hostile", /an instance/],
  ])("%s cannot be cloned: the error says where it is", (_what, message, path, says) => {
    const { node } = createWorld({ messages: "clone" });
    const { pid } = spawnKeeper(node);
    let error: unknown;
    try {
      node.send(pid, message);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UncloneableMessageError);
    expect(error).toMatchObject({ code: "UNCLONEABLE_MESSAGE", path });
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).toContain(path);
    expect(node.mailboxOf(pid)).toEqual([]);
  });

  test("what cannot be cloned is refused whoever sends it, in whatever way", async () => {
    const { node } = createWorld({ messages: "clone" });
    const { pid, received } = spawnKeeper(node);
    const bad = (): void => undefined;
    const errors: unknown[] = [];
    const attempt = (act: () => unknown): void => {
      try {
        act();
      } catch (error) {
        errors.push(error);
      }
    };
    const body: Body<unknown> = (self) => {
      attempt(() => self.send(pid, bad));
      attempt(() => self.sendAfter(pid, 1, bad));
      attempt(() => self.startTimer(pid, 1, bad));
      attempt(() => self.sendInterval(pid, 1, bad));
      attempt(() => self.send(self.alias(), bad));
    };
    node.spawn(body);
    await quiesce();
    expect(errors).toEqual(Array.from({ length: 5 }, () => expect.any(UncloneableMessageError)));
    expect(node.counts.timers).toBe(0);
    expect(received).toEqual([]);
  });

  test("the message of a timer is copied when the timer is set", async () => {
    const { node, clock } = createWorld({ messages: "clone" });
    const { pid, received } = spawnKeeper(node);
    const message = { count: 1 };
    node.sendAfter(pid, 10, message);
    message.count = 2;
    await clock.advance(10);
    expect(received).toEqual([{ count: 1 }]);
  });

  test("each message of an interval is a copy of its own", async () => {
    const { node, clock } = createWorld({ messages: "clone" });
    const received: number[] = [];
    const pid = node.spawn<{ count: number }>(async (self) => {
      for (;;) {
        const message = await self.receive();
        received.push(message.count);
        message.count++;
      }
    });
    node.sendInterval(pid, 10, { count: 1 });
    await clock.advance(30);
    expect(received).toEqual([1, 1, 1]);
  });

  test("a Map whose key cannot be printed is cloned", async () => {
    const { node } = createWorld({ messages: "clone" });
    const map = new Map([[Object.create(null) as object, 1]]);
    expect(await arrivalOf(node, map)).toEqual(map);
  });

  test("requests and replies are copied", async () => {
    const { node } = createWorld({ messages: "clone" });
    const seen: unknown[] = [];
    const reply = { items: [1] };
    const server = node.spawn<Call<{ a: number[] }, { items: number[] }>>(async (self) => {
      const { from, request } = await self.receive();
      seen.push(request);
      self.reply(from, reply);
    });
    const request = { a: [1] };
    const answer = await node.call(server, request);
    expect([seen[0], answer]).toEqual([request, reply]);
    expect(seen[0]).not.toBe(request);
    expect(answer).not.toBe(reply);
  });
});

describe.each<Isolation>(["share", "freeze", "clone"])("with messages: %s", (messages) => {
  test("pids, references, aliases and names in a message keep their identity and still work", async () => {
    const { node } = createWorld({ messages });
    const { pid: keeper, received } = spawnKeeper(node);
    const Keeper = name<unknown>("keeper");
    node.register(Keeper, keeper);
    const far = at("b", Keeper);
    const got: Record<string, unknown>[] = [];
    const receiver = node.spawn<Record<string, unknown>>(async (self) => {
      got.push(await self.receive());
    });
    const sent: Record<string, unknown> = {};
    node.spawn<unknown>(async (self) => {
      Object.assign(sent, {
        pid: self.pid,
        alias: self.alias(),
        monitor: self.monitor(keeper, () => null),
        timer: self.sendAfter(keeper, 10, "x"),
        name: Keeper,
        far,
        nested: { map: new Map<unknown, unknown>([[self.pid, [Keeper]]]) },
      });
      self.send(receiver, { ...sent });
      await self.receive();
    });
    await quiesce();
    const [copy] = got as [Record<string, unknown>];
    for (const key of ["pid", "alias", "monitor", "timer", "name", "far"]) {
      expect(copy[key]).toBe(sent[key]);
    }
    const { map } = copy.nested as { map: Map<unknown, unknown[]> };
    expect(map.get(sent.pid)?.[0]).toBe(Keeper);
    node.send(copy.name as typeof Keeper, "found by the name that was sent");
    await quiesce();
    expect(received).toEqual(["found by the name that was sent"]);
    expect(node.cancelTimer(copy.timer as never)).toBe(10);
  });

  test("what is opaque arrives as it is, deep inside a message too", async () => {
    const { node } = createWorld({ messages });
    const tools = { hammer: () => "bang" };
    const sent = { tools: [opaque(tools)] };
    const { tools: got } = await arrivalOf<typeof sent>(node, sent);
    expect(got[0]?.value).toBe(tools);
    expect(Object.isFrozen(tools)).toBe(false);
  });

  test("primitives arrive as they are", async () => {
    const { node } = createWorld({ messages });
    for (const message of ["s", 0, NaN, true, null, undefined, 2n]) {
      expect(await arrivalOf<unknown>(node, message)).toBe(message);
    }
  });
});

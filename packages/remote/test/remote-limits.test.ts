import { describe, expect, test } from "@jest/globals";
import { at, createNode, name, type AnyPid, type Call, type Down, type Exit } from "@coppice/core";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { encodeSignal } from "../src/signal-writer.js";
import { Hostile } from "./hostile.js";
import { createRemoteWorld } from "./remote-world.js";

const Target = name<never>("target");

async function createPair(limits: object) {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const b = await world.start("b", { limits });
  const pid = b.node.spawn<never>(async (self) => self.sleep(1e9));
  b.node.register(Target, pid);
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b, pid };
}

describe("the tables of a session", () => {
  test("hold so many monitors: one more is told limit; what is taken back makes room", async () => {
    const { a, b, settle } = await createPair({ maxMonitors: 4, maxMonitorsPerProcess: 3 });
    const reasons: unknown[] = [];
    const refs: unknown[] = [];
    const watch = (count: number) =>
      a.node.spawn<Down | "free">(async (self) => {
        for (let i = 0; i < count; i++) refs.push(self.monitor(at("b", Target)));
        for (;;) {
          const message = await self.receive();
          if (message === "free") {
            self.demonitor(refs[0] as never);
            self.monitor(at("b", Target));
          } else reasons.push(message.reason);
        }
      });
    const first = watch(5);
    await settle();
    expect(reasons).toEqual(["limit", "limit"]);
    watch(3);
    await settle();
    expect(reasons).toEqual(["limit", "limit", "limit", "limit"]);
    expect(b.remote.breaches).toEqual({ maxMonitorsPerProcess: 2, maxMonitors: 2 });
    a.node.send(first, "free");
    await settle();
    expect([reasons.length, b.remote.nodes()[0]?.monitors]).toEqual([4, 4]);
  });

  test("hold so many links, and are empty when the session is over", async () => {
    const { a, b, pid, settle, network } = await createPair({ maxLinks: 2 });
    const Told = name<unknown>("told");
    let target: AnyPid | undefined;
    const teller = a.node.spawn<unknown>(async (self) => {
      target = (await self.receive()) as AnyPid;
    });
    a.node.register(Told, teller);
    b.node.send(at("a", Told), pid);
    await settle();
    const reasons: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      a.node.spawn<Exit>(async (self) => {
        self.trapExits();
        self.link(target as AnyPid);
        reasons.push((await self.receive()).reason);
      });
    }
    await settle();
    expect(reasons).toEqual(["limit"]);
    expect(b.remote.breaches).toEqual({ maxLinks: 1 });
    network.sever("a", "b");
    await settle();
    expect(reasons).toEqual(["limit", "noconnection", "noconnection"]);
    expect([a.remote.nodes(), b.remote.nodes()]).toEqual([[], []]);
  });
});

test("a half-open session gives way to who has its name, when it does not answer", async () => {
  const { a, network, advance } = await createPair({});
  // The cable to b is pulled; another b, elsewhere, comes meanwhile.
  network.fault("a", "b", { mode: "hold" });
  network.fault("b", "a", { mode: "hold" });
  const other = createNode({ name: "b", logger: false });
  const remote = await startRemote(
    other,
    {
      insecure: true,
      diallers: [{ accepts: () => true, dial: () => network.dial("elsewhere", "memory://a") }],
    },
    {},
  );
  const connected = remote.connect("memory://a").catch((error: unknown) => error);
  await advance(1_500);
  expect(await connected).toEqual({ name: "a", incarnation: a.node.incarnation });
  expect(a.events.map(({ type }) => type)).toEqual(["up", "down", "up"]);
  expect(a.remote.nodes()).toMatchObject([{ name: "b", incarnation: other.incarnation }]);
  await other.stop();
});

test("a frame that is altered on its way closes the session with a code, and hurts nobody", async () => {
  let closed = 0;
  for (let at = 0; at < 12; at++) {
    const { a, b, pid, network, settle } = await createPair({});
    network.fault("a", "b", {
      alter: (frame) => frame.map((byte, index) => (index === at ? byte ^ 0xff : byte)),
    });
    a.node.send(pid as never, "x" as never);
    const call = a.node.whenExited(pid);
    await settle();
    void call;
    expect(b.node.isAlive(pid)).toBe(true);
    const codes = b.events.flatMap((event) => (event.type === "down" ? [event.code] : []));
    closed += codes.length;
    for (const code of codes) {
      expect([CLOSE_CODES.PROTOCOL, CLOSE_CODES.LIMIT]).toContain(code);
    }
  }
  // In front are the heads and numbers of the frame: of them every byte counts.
  expect(closed).toBeGreaterThan(5);
});

describe("what the other node cannot read", () => {
  type Echo = Call<unknown, unknown>;
  const Echo = name<Echo>("echo");
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const small = { maxMessageBytes: 65_536, maxReasonBytes: 4096 };

  async function createEcho(ofA: object, ofB: object) {
    const world = createRemoteWorld();
    const a = await world.start("a", { limits: ofA });
    const b = await world.start("b", { limits: ofB });
    const got: unknown[] = [];
    const pid = b.node.spawn<Echo>(async (self) => {
      for (;;) {
        const message = await self.receive();
        got.push(message);
        if (message.type !== "call") continue;
        const { from, request } = message;
        if (request === "refuse") self.refuse(from, new Error("x".repeat(5_000)));
        else if (request === "function") self.reply(from, () => undefined);
        else if (request === "big") self.reply(from, "x".repeat(5_000));
        else self.reply(from, request === "deep" ? deep(20) : request);
      }
    });
    b.node.register(Echo, pid);
    const call = async (request: unknown): Promise<unknown> => {
      const reply = Promise.resolve()
        .then(() => a.node.call(at("b", Echo), request))
        .catch((error: unknown) => error);
      for (let i = 0; i < 4; i++) await world.settle();
      return reply;
    };
    return { ...world, a, b, got, call };
  }

  test("because it is too big, is the caller's error: at once when that is known, else when it has come", async () => {
    const { a, b, got, call } = await createEcho({}, small);
    // What the other takes is not known before there is a session.
    expect(await call(new Uint8Array(200_000))).toMatchObject({
      name: "UnreadableError",
      code: "UNREADABLE",
      message: expect.stringContaining(`the request cannot be read at "b": it is bigger`),
    });
    expect(b.remote.breaches).toEqual({ maxMessageBytes: 1 });
    for (const bytes of [200_000, 65_536]) {
      expect(await call(new Uint8Array(bytes))).toMatchObject({
        code: "UNREADABLE",
        message: 'the request cannot be read at "b": it is bigger than was agreed on',
      });
    }
    expect([a.remote.breaches, b.remote.breaches]).toEqual([
      { maxMessageBytes: 2 },
      { maxMessageBytes: 1 },
    ]);
    const most = new Uint8Array(65_000);
    expect([await call(most), got.length]).toEqual([most, 1]);
    expect(a.remote.nodes()).toMatchObject([{ monitors: 0 }]);
  });

  test("because it is too deep, fails the call that it is a request of", async () => {
    const { b, call, got } = await createEcho({}, { maxDepth: 8 });
    expect(await call(deep(20))).toMatchObject({ code: "UNREADABLE" });
    expect([await call(deep(2)), got.length]).toEqual([deep(2), 1]);
    expect(b.remote.breaches).toEqual({ maxDepth: 1 });
    expect(b.events.filter(({ type }) => type === "denied")).toHaveLength(1);
  });

  test("because a reply is too deep, fails the call that it answers", async () => {
    const { call } = await createEcho({ maxDepth: 8 }, {});
    const error = await call("deep");
    expect(error).toMatchObject({ name: "UnreadableError", code: "UNREADABLE", node: "a" });
    expect((error as Error).message).toMatch(/^the reply cannot be read at "a"/);
    expect(await call(1)).toBe(1);
  });

  /** No node takes less. */
  const least = { maxMessageBytes: 1_024, maxReasonBytes: 1_024, fragmentBytes: 1_024 };

  test("because a reply is too big for who asked, fails the call that it answers; the server goes on", async () => {
    const { b, call } = await createEcho(least, {});
    expect(await call("small")).toBe("small");
    const server = b.node.whereis(Echo);
    for (const request of ["big", "refuse"]) {
      const error = await call(request);
      expect(error).toMatchObject({ name: "UnreadableError", code: "UNREADABLE" });
      expect((error as Error).message).toBe(
        'the reply cannot be read at "a": it is bigger than was agreed on',
      );
    }
    expect([await call("small"), b.node.whereis(Echo)]).toEqual(["small", server]);
  });

  test("because it is too big for the other, does a sender no harm: it is counted, and told as undelivered", async () => {
    const { a, b, got, call, settle } = await createEcho({}, least);
    const there = b.node.whereis(Echo) as AnyPid;
    const Told = name<unknown>("told");
    let pid: unknown;
    const listener = a.node.spawn<unknown>(async (self) => {
      pid = await self.receive();
    });
    a.node.register(Told, listener);
    b.node.send(at("a", Told), there);
    expect(await call(1)).toBe(1);
    const big = "x".repeat(5_000);
    const sender = a.node.spawn<unknown>(async (self) => {
      self.send(at("b", Echo), big as never);
      self.send(pid as never, big as never);
      self.cast(at("b", Echo) as never, big as never);
      self.send(at("b", Echo), "after" as never);
      self.send(at("b", Echo), (() => big) as never);
    });
    for (let i = 0; i < 4; i++) await settle();
    expect(got.slice(1)).toEqual(["after"]);
    const told = a.nodeEvents.filter(({ type }) => type === "undelivered");
    const error = expect.objectContaining({
      code: "UNREADABLE",
      message: 'the message cannot be read at "b": it is bigger than was agreed on',
    });
    const common = { from: sender, why: "unsendable", error };
    expect(told).toMatchObject([
      { ...common, message: big },
      { ...common, message: big, to: pid },
      { ...common, message: { type: "cast", request: big } },
    ]);
    expect(told.map((event) => String((event as { to?: unknown }).to))).toEqual([
      "<echo@b>",
      String(pid),
      "<echo@b>",
    ]);
    expect([a.node.counts.undelivered, a.remote.breaches]).toEqual([3, { maxMessageBytes: 3 }]);
    // What could be sent to nobody is its own error.
    expect(a.nodeEvents).toContainEqual(
      expect.objectContaining({
        type: "exited",
        pid: sender,
        reason: { error: expect.objectContaining({ code: "UNSENDABLE_TERM" }) },
      }),
    );
  });

  test("is the error of who sets a timer for it when no node could read it; what is too big for one is told when it fires", async () => {
    const { a, got, call, advance } = await createEcho({}, least);
    expect(await call(1)).toBe(1);
    const set: unknown[] = [];
    a.node.spawn<unknown>(async (self) => {
      const timers = [(): number => 1, "x".repeat(5_000), "small"].map((message) => {
        try {
          return self.sendAfter(at("b", Echo), 20, message as never);
        } catch (error) {
          return (error as { code?: unknown }).code;
        }
      });
      set.push(timers[0]);
      await self.sleep(200);
      set.push("slept");
    });
    await advance(200);
    expect([set, got.slice(1)]).toEqual([["UNSENDABLE_TERM", "slept"], ["small"]]);
    expect(a.nodeEvents.filter(({ type }) => type === "undelivered")).toMatchObject([
      { why: "unsendable", message: "x".repeat(5_000), error: { code: "UNREADABLE" } },
    ]);
    expect(a.node.counts.timers).toBe(0);
  });

  test("because a request that somebody forwards is too big, fails the call and not who forwards it", async () => {
    const { a, settle } = await createEcho({}, least);
    const relay = a.node.spawn<Echo>(async (self) => {
      for (;;) self.send(at("b", Echo), await self.receive());
    });
    expect(await Promise.all([a.node.call(relay, "here"), settle()])).toMatchObject([
      "here",
      undefined,
    ]);
    const call = a.node.call(relay, "x".repeat(5_000)).catch((error: unknown) => error);
    await settle();
    expect(await call).toMatchObject({ code: "UNREADABLE" });
    expect(a.node.isAlive(relay)).toBe(true);
  });

  test("because the end of a process has a long reason, is told with less of it, and to the others", async () => {
    const { a, b, settle, call } = await createEcho(least, {});
    await call(1);
    const heard: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      a.node.spawn<Down>(async (self) => {
        self.monitor(at("b", Echo));
        heard.push((await self.receive()).reason);
      });
    }
    b.node.spawn<Down>(async (self) => {
      self.monitor(Echo);
      heard.push((await self.receive()).type);
    });
    for (let i = 0; i < 2; i++) await settle();
    const error = Object.assign(new Error("m".repeat(2_000)), { stack: "s".repeat(2_000) });
    b.node.exit(b.node.whereis(Echo) as AnyPid, { error });
    await settle();
    const reason = { error: expect.objectContaining({ name: "Error" }) };
    expect(heard).toEqual(expect.arrayContaining([reason, reason, "down"]));
    expect([heard.length, a.remote.nodes().length]).toEqual([3, 1]);
  });

  test("because a request cannot be read, is told to one that takes little, too", async () => {
    const { b, call } = await createEcho(least, { maxDepth: 8 });
    expect(await call(deep(20))).toMatchObject({ code: "UNREADABLE" });
    expect([await call(1), b.remote.nodes().length]).toEqual([1, 1]);
  });

  test("because it could be read nowhere, is the error of who asked, as one that is too big for it alone is", async () => {
    const { b, call } = await createEcho({}, {});
    const server = b.node.whereis(Echo);
    expect(await call("function")).toMatchObject({ name: "UnsendableReplyError" });
    expect([await call("small"), b.node.whereis(Echo)]).toEqual(["small", server]);
  });

  test("costs that message and no monitor, call or message beside it", async () => {
    const { a, got, settle, call } = await createEcho({}, { maxDepth: 8 });
    const heard: unknown[] = [];
    await call(0);
    a.node.spawn<unknown>(async (self) => {
      self.monitor(at("b", Echo), (down) => down.reason);
      self.send(at("b", Echo), deep(20) as never);
      self.send(at("b", Echo), "one" as never);
      const waits = self.call(at("b", Echo), "two").catch((error: unknown) => error);
      self.send(at("b", Echo), deep(20) as never);
      heard.push(await waits);
      heard.push(await self.receive());
    });
    for (let i = 0; i < 4; i++) await settle();
    expect(heard).toEqual(["two"]);
    expect(got.slice(1)).toMatchObject(["one", { request: "two" }]);
    expect(a.remote.nodes()).toMatchObject([{ monitors: 1 }]);
  });

  test("of the end of a process, leaves that it ended", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { limits: small });
    const peer = await Hostile.open(world, "a", "b");
    const Theirs = name<never>("theirs");
    const heard: unknown[] = [];
    b.node.spawn<unknown>(async (self) => {
      self.trapExits((exit) => exit.reason);
      self.monitor(at("a", Theirs), (down) => down.reason);
      for (;;) heard.push(await self.receive());
    });
    await world.settle();
    const [monitor] = peer.of("monitor");
    const { ref = 0, from = 0 } = monitor ?? {};
    const big = new Uint8Array(200_000);
    const down = encodeSignal({ op: "down", ref, to: from, target: "theirs", payload: big });
    for (let at = 0; at < down.length; at += 60_000) {
      const bytes = down.subarray(at, at + 60_000);
      peer.sayRaw({ op: "frag", stream: 1, last: at + 60_000 >= down.length, bytes });
    }
    await world.settle();
    expect(heard).toEqual(["unreadable"]);
    expect(peer.end).toBeUndefined();
  });
});

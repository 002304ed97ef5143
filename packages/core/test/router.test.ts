import { describe, expect, test } from "@jest/globals";
import {
  at,
  connectRouter,
  createNode,
  formatFailure,
  isRef,
  name,
  type AnyPid,
  type Call,
  type Down,
  type Exit,
  type Gateway,
  type From,
  type Node,
  type Peer,
  type Pid,
  type Ref,
  type RemoteSignal,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { connect, type Connected } from "./connected.js";
import { createWorld, spawnPuppet, type Puppet, type World } from "./world.js";

interface Pair {
  readonly a: World;
  readonly b: World;
  readonly wire: Connected;
  /** A process of `a` and one of `b`. */
  readonly pa: Puppet;
  readonly pb: Puppet;
  /** The pid of `pb` as `a` knows it, and the reverse. */
  readonly b1: Pid<unknown>;
  readonly a1: Pid<unknown>;
  /** Lets everything arrive and be worked on. */
  settle(): Promise<void>;
}

async function createPair(options: { auto?: boolean } = {}): Promise<Pair> {
  const a = createWorld({ name: "a" });
  const b = createWorld({ name: "b" });
  const wire = connect(a.node, b.node, options);
  const pa = spawnPuppet(a.node);
  const pb = spawnPuppet(b.node);
  wire.a.export(pa.pid);
  wire.b.export(pb.pid);
  const b1 = wire.a.pid("b", b.node.incarnation, pb.pid.serial) as Pid<unknown>;
  const a1 = wire.b.pid("a", a.node.incarnation, pa.pid.serial) as Pid<unknown>;
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      wire.flow();
      await quiesce();
    }
  };
  await quiesce();
  return { a, b, wire, pa, pb, b1, a1, settle };
}

const undeliveredOf = (world: World): unknown[] =>
  world.events.flatMap((event) =>
    event.type === "undelivered" ? [[event.message, event.why]] : [],
  );

describe("pids and references of other nodes", () => {
  test("are the same object each time, print alike, and say where they live", async () => {
    const { wire, b1, pb } = await createPair();
    const again = wire.a.pid("b", pb.pid.incarnation, pb.pid.serial);
    expect(again).toBe(b1);
    expect([String(b1), JSON.stringify({ b1 })]).toEqual(["<b.1>", '{"b1":"<b.1>"}']);
    expect([b1.node, b1.incarnation, b1.serial]).toEqual(["b", pb.pid.incarnation, 1]);
    expect(wire.a.pid("b", 7, 1)).not.toBe(b1);
    const ref = wire.a.ref(b1, 9);
    expect(wire.a.ref(b1, 9)).toBe(ref);
    expect([isRef(ref), String(ref), ref.owner]).toEqual([true, "#Ref<b.9>", b1]);
  });

  test("are none of whom this node could tell whether they live, what waits for them, or who could have a name here", async () => {
    const { a, pa, b1, wire } = await createPair();
    const here = /pid must be a pid of this node, "a", but is "<b.1>"/;
    expect(() => a.node.isAlive(b1)).toThrow(here);
    expect(() => a.node.mailboxOf(b1)).toThrow(here);
    expect(() => a.node.register(name("there"), b1)).toThrow(here);
    expect(a.node.processInfo(b1)).toBeUndefined();
    const asked = await pa.do((self) => {
      try {
        return self.isAlive(b1);
      } catch (error) {
        return String(error);
      }
    });
    expect(asked).toMatch(here);
    // A former life of this node has ended.
    expect(a.node.isAlive(wire.a.pid("a", 7, 1))).toBe(false);
  });

  test("of this node come home as what they were, those that were never given away as dead", async () => {
    const { a, pa, wire } = await createPair();
    const { incarnation } = a.node;
    expect(wire.a.pid("a", incarnation, pa.pid.serial)).toBe(pa.pid);
    expect(wire.a.pid("a", incarnation, 0)).toBe(a.node.pid);
    const kept = spawnPuppet(a.node);
    const guessed = wire.a.pid("a", incarnation, kept.pid.serial);
    expect(guessed).not.toBe(kept.pid);
    expect(a.node.isAlive(guessed)).toBe(false);
    const ref = await pa.do((self) => self.alias());
    wire.a.export(ref);
    expect(wire.a.ref(pa.pid, ref.serial)).toBe(ref);
  });

  test("are not kept for those who have let go of them", async () => {
    const { wire } = await createPair();
    const held = wire.a.pid("b", 1, 1);
    for (let serial = 2; serial < 50_000; serial++) wire.a.pid("c", serial, serial);
    expect(wire.a.pid("b", 1, 1)).toBe(held);
  });
});

describe("a message to a process of another node", () => {
  test("arrives, in order, from a process and from outside; pids in it are the receiver's own", async () => {
    const { a, pa, pb, b1, a1, b, settle } = await createPair();
    await pa.do((self) => {
      for (const message of [1, 2, { from: self.pid, to: b1 }]) self.send(b1, message);
    });
    a.node.send(b1, "outside");
    await settle();
    expect(b.node.mailboxOf(pb.pid)).toEqual([1, 2, { from: a1, to: pb.pid }, "outside"]);
    const [, , both] = b.node.mailboxOf(pb.pid) as [1, 2, { from: AnyPid; to: AnyPid }];
    expect([both.from === a1, both.to === pb.pid]).toEqual([true, true]);
  });

  test("by name reaches whoever holds the name there when it arrives", async () => {
    const { a, b, pa, pb, settle } = await createPair();
    const Name = name<string>("someone");
    await pa.do((self) => self.send(at("b", Name), "early"));
    await settle();
    expect(undeliveredOf(b)).toEqual([["early", "unregistered"]]);
    b.node.register(Name, pb.pid);
    await pa.do((self) => self.send(at("b", Name), "late"));
    a.node.cast(at("b", name<{ type: "cast"; request: string }>("someone")), "outside");
    await settle();
    expect(b.node.mailboxOf(pb.pid)).toEqual(["late", { type: "cast", request: "outside" }]);
  });

  test("by alias arrives while the alias is active", async () => {
    const { a, b, pa, pb, b1, settle } = await createPair();
    const alias = await pa.do((self) => {
      const made = self.alias();
      self.send(b1, made);
      return made;
    });
    await settle();
    const [there] = b.node.mailboxOf(pb.pid) as [typeof alias];
    await pb.do((self) => self.send(there, "one" as never));
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual(["one"]);
    await pa.do((self) => self.unalias(alias));
    await pb.do((self) => self.send(there, "two" as never));
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual(["one"]);
    expect(undeliveredOf(a)).toEqual([["two", "alias"]]);
  });

  test("of a former life of that node is for nobody", async () => {
    const { a, wire, settle } = await createPair();
    const former = wire.a.pid("b", 12, 1) as Pid<string>;
    a.node.send(former, "x");
    await settle();
    expect(undeliveredOf(a)).toEqual([["x", "dead"]]);
    expect(await a.node.whenExited(former)).toBe("noproc");
  });
});

type Echo = Call<unknown, unknown>;

async function echo(self: Self<Echo>): Promise<void> {
  for (;;) {
    const { from, request } = await self.receive();
    if (request === "crash") throw new Error("boom");
    if (request === "refuse") self.refuse(from, new Error("no"));
    else if (request !== "ignore") self.reply(from, request);
  }
}

describe("a call to another node", () => {
  async function createEcho() {
    const pair = await createPair();
    const there: Pid<Echo> = pair.b.node.spawn(echo);
    pair.wire.b.export(there);
    const pid = pair.wire.a.pid("b", there.incarnation, there.serial) as Pid<Echo>;
    return { ...pair, there, pid };
  }

  /** The outcome of a call from a process of `a`. */
  async function outcome(pair: Pair, call: (self: Self<unknown>) => Promise<unknown>) {
    const result = pair.pa.do(call).then(
      (reply) => ({ reply }),
      (error: { code?: string; reason?: unknown; message: string }) => error,
    );
    await pair.settle();
    return result;
  }

  test("is answered, by pid and by name, and leaves nothing behind", async () => {
    const pair = await createEcho();
    pair.b.node.register(name<Echo>("echo"), pair.there);
    expect(await outcome(pair, (self) => self.call(pair.pid, [1]))).toEqual({ reply: [1] });
    const byName = at("b", name<Echo>("echo"));
    expect(await outcome(pair, (self) => self.call(byName, [2]))).toEqual({ reply: [2] });
    await pair.settle();
    expect(pair.wire.a.peer("b")?.counts).toEqual({ links: 0, watching: 0, watched: 0 });
    expect(pair.wire.b.peer("a")?.counts).toEqual({ links: 0, watching: 0, watched: 0 });
  });

  test("fails with the error it is refused with", async () => {
    const pair = await createEcho();
    const failed = await outcome(pair, (self) => self.call(pair.pid, "refuse"));
    expect(failed).toMatchObject({ message: "no" });
  });

  test("fails when the server ends, is not there, or cannot be reached any more", async () => {
    const pair = await createEcho();
    const { pid, wire, settle, pa } = pair;
    const waiting = pa.do((self) => self.call(pid, "ignore"));
    await settle();
    const nobody = wire.a.pid("b", pid.incarnation, 99) as Pid<Echo>;
    const other = spawnPuppet(pair.a.node);
    const atNobody = other.do((self) => self.call(nobody, 1));
    const atNoName = spawnPuppet(pair.a.node).do((self) =>
      self.call(at("b", name<Echo>("no one")), 1),
    );
    await settle();
    await expect(atNobody).rejects.toMatchObject({ code: "NO_PROCESS" });
    await expect(atNoName).rejects.toMatchObject({ code: "NO_PROCESS" });
    pair.b.node.exit(pair.there, "shutdown");
    await settle();
    await expect(waiting).rejects.toMatchObject({ code: "SERVER_EXIT", reason: "shutdown" });
    const cut = pair.a.node.call(pair.b1 as Pid<Echo>, 1);
    await settle();
    wire.cut();
    await expect(cut).rejects.toMatchObject({ code: "SERVER_EXIT", reason: "noconnection" });
    // Nobody knows whether it has ended.
    await expect(cut).rejects.toThrow(/> was out of reach before it replied to 1: noconnection$/);
  });

  test("times out, and its late reply finds nobody", async () => {
    const pair = await createPair();
    const call = pair.a.node.call(pair.b1 as Pid<Echo>, "x", { timeoutMs: 20 });
    await pair.settle();
    await Promise.all([
      expect(call).rejects.toMatchObject({ code: "CALL_TIMEOUT" }),
      pair.a.clock.advance(20),
    ]);
    const [{ from }] = pair.b.node.mailboxOf(pair.pb.pid) as [{ from: From<string> }];
    pair.b.node.reply(from, "late");
    await pair.settle();
    expect(undeliveredOf(pair.a)).toEqual([["late", "alias"]]);
    expect(pair.wire.b.peer("a")?.counts.watched).toBe(0);
  });

  test("that cannot be encoded throws at the caller and leaves nothing behind", async () => {
    const { node } = createWorld({ name: "a" });
    const gateway = connectRouter(node, { connect: () => undefined });
    const peer = gateway.open("b", (signal) => {
      if (signal.type === "message") throw new Error("cannot be encoded");
    });
    const far = gateway.pid("b", 1, 1) as Pid<Echo>;
    expect(() => node.call(far, 1)).toThrow("cannot be encoded");
    expect(peer.counts.watching).toBe(0);
    expect(node.counts.timers).toBe(0);
  });
});

describe("monitors across nodes", () => {
  test("tell once why the process ended, after all it sent before", async () => {
    const { a, pa, pb, b1, a1, settle } = await createPair();
    const ref = await pa.do((self) => self.monitor(b1));
    await settle();
    await pb
      .do((self) => {
        self.send(a1, "last words");
        self.exit(self.pid, { shutdown: 7 });
      })
      .catch(() => undefined);
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([
      "last words",
      { type: "down", ref, process: b1, reason: { shutdown: 7 } },
    ]);
  });

  test("of the dead and of names that nobody holds tell noproc", async () => {
    const { a, pa, wire, settle } = await createPair();
    const dead = wire.a.pid("b", wire.a.peer("b")?.incarnation as number, 99);
    const noName = at("b", name("no one"));
    await pa.do((self) => [self.monitor(dead), self.monitor(noName)]);
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toMatchObject([
      { process: dead, reason: "noproc" },
      { process: noName, reason: "noproc" },
    ]);
  });

  test("by name tell of the name", async () => {
    const { a, b, pa, pb, settle } = await createPair();
    b.node.register(name("someone"), pb.pid);
    const target = at("b", name("someone"));
    await pa.do((self) => self.monitor(target));
    await settle();
    b.node.exit(pb.pid, "kill");
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toMatchObject([{ process: target, reason: "killed" }]);
  });

  test("that were taken back stay silent, also when the Down is on its way", async () => {
    const { a, b, pa, pb, b1, wire, settle } = await createPair();
    const ref = await pa.do((self) => self.monitor(b1));
    await settle();
    b.node.exit(pb.pid, "kill");
    expect(wire.toA).toHaveLength(1);
    await pa.do((self) => self.demonitor(ref, { flush: true }));
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([]);
    expect(wire.a.peer("b")?.counts.watching).toBe(0);
  });

  test("end with their owner", async () => {
    const { a, b, pa, pb, b1, wire, settle } = await createPair();
    await pa.do((self) => self.monitor(b1));
    await settle();
    expect(b.node.processInfo(pb.pid)?.monitoredBy).toEqual([
      expect.objectContaining({ serial: 1 }),
    ]);
    a.node.exit(pa.pid, "kill");
    await settle();
    expect(b.node.processInfo(pb.pid)?.monitoredBy).toEqual([]);
    expect(wire.b.peer("a")?.counts.watched).toBe(0);
  });

  test("are not ended by a Down that nobody asked for", async () => {
    const { a, pa, b1, wire, settle } = await createPair();
    const ref = await pa.do((self) => self.monitor(b1));
    const peer = wire.a.peer("b");
    const down = (of: Ref): RemoteSignal => ({
      type: "down",
      ref: of,
      from: b1,
      to: pa.pid,
      target: b1,
      reason: "made up",
    });
    for (const serial of [0, 1, 2, 3, 1e6]) {
      if (serial !== ref.serial) peer?.arrive(down(wire.a.ref(pa.pid, serial)));
    }
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([]);
    peer?.arrive(down(ref));
    peer?.arrive(down(ref));
    expect(a.node.mailboxOf(pa.pid)).toHaveLength(1);
  });
});

describe("links across nodes", () => {
  const trap = (self: Self<unknown>): unknown => self.trapExits();

  test("end both, or tell who traps exits", async () => {
    const { a, b, pa, pb, b1, a1, settle } = await createPair();
    await pa.do((self) => {
      trap(self);
      self.link(b1);
    });
    await settle();
    expect(b.node.processInfo(pb.pid)?.links).toEqual([a1]);
    b.node.exit(pb.pid, "shutdown");
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([{ type: "exit", from: b1, reason: "shutdown" }]);
    expect(a.node.processInfo(pa.pid)?.links).toEqual([]);
  });

  test("with the dead tell noproc", async () => {
    const { a, pa, wire, settle } = await createPair();
    const dead = wire.a.pid("b", wire.a.peer("b")?.incarnation as number, 99);
    await pa.do((self) => {
      trap(self);
      self.link(dead);
    });
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([{ type: "exit", from: dead, reason: "noproc" }]);
    expect(wire.a.peer("b")?.counts.links).toBe(0);
  });

  test("are gone when unlink has returned, whatever crosses", async () => {
    const { a, b, pa, pb, b1, a1, wire, settle } = await createPair();
    await pa.do((self) => self.link(b1));
    await settle();
    b.node.exit(pb.pid, "kill");
    await pa.do((self) => self.unlink(b1));
    await settle();
    expect(a.node.isAlive(pa.pid)).toBe(true);
    expect(a.node.processInfo(pa.pid)?.links).toEqual([]);
    expect([wire.a.peer("b")?.counts.links, wire.b.peer("a")?.counts.links]).toEqual([0, 0]);
    expect(a1.node).toBe("a");
  });

  test("that cross an unlink of the other side leave neither linked alone", async () => {
    const { a, b, pa, pb, b1, a1, wire, settle } = await createPair();
    await pa.do((self) => self.link(b1));
    await settle();
    await pa.do((self) => self.unlink(b1));
    // Its own link, which crosses, is of no effect: it was linked already.
    await pb.do((self) => self.link(a1));
    await settle();
    expect(a.node.processInfo(pa.pid)?.links).toEqual([]);
    expect(b.node.processInfo(pb.pid)?.links).toEqual([]);
    expect([wire.a.peer("b")?.counts.links, wire.b.peer("a")?.counts.links]).toEqual([0, 0]);
  });

  test("are not broken by exits that no linked process sent", async () => {
    const { a, pa, b1, wire, settle } = await createPair();
    await pa.do((self) => self.link(b1));
    await settle();
    for (const serial of [0, 2, 3]) {
      const from = wire.a.pid("b", b1.incarnation, serial);
      wire.a.peer("b")?.arrive({ type: "link-exit", from, to: pa.pid, reason: "made up" });
      wire.a.peer("b")?.arrive({ type: "unlink-ack", id: 1, from, to: pa.pid });
    }
    await settle();
    expect(a.node.processInfo(pa.pid)?.links).toEqual([b1]);
  });
});

describe("exit signals across nodes", () => {
  test("end a process with their reason; kill cannot be trapped", async () => {
    const { a, b, pa, pb, b1, a1, settle } = await createPair();
    await pb.do((self) => self.trapExits());
    await pa.do((self) => self.exit(b1, "shutdown"));
    await settle();
    expect(b.node.mailboxOf(pb.pid)).toEqual([{ type: "exit", from: a1, reason: "shutdown" }]);
    const ended = a.node.whenExited(b1);
    a.node.exit(b1, "kill");
    await settle();
    expect(await ended).toBe("killed");
  });
});

describe("a lost connection", () => {
  test("is told as noconnection to each link and monitor, once, and as an event", async () => {
    const { a, b, pa, pb, b1, a1, wire, settle } = await createPair();
    const ref = await pa.do((self) => {
      self.trapExits();
      self.link(b1);
      return self.monitor(b1);
    });
    await settle();
    wire.cut();
    wire.cut();
    await settle();
    expect(a.node.mailboxOf(pa.pid)).toEqual([
      { type: "exit", from: b1, reason: "noconnection" },
      { type: "down", ref, process: b1, reason: "noconnection" },
    ]);
    // The other side has ended by its link.
    expect(b.node.isAlive(pb.pid)).toBe(false);
    expect(b.events).toContainEqual({ type: "exited", pid: pb.pid, reason: "noconnection" });
    const connection = (world: World): unknown[] =>
      world.events.filter(({ type }) => type === "nodeUp" || type === "nodeDown");
    const { incarnation } = b.node;
    expect(connection(a)).toEqual([
      { type: "nodeUp", node: "b", incarnation },
      { type: "nodeDown", node: "b", incarnation },
    ]);
    expect(connection(b)).toHaveLength(2);
    expect(a1.node).toBe("a");
  });

  test("takes back what the other node watched, and leaves nothing behind", async () => {
    const { b, pa, pb, b1, wire, settle } = await createPair();
    await pa.do((self) => self.monitor(b1));
    await settle();
    const peer = wire.b.peer("a");
    wire.cut();
    expect(b.node.processInfo(pb.pid)?.monitoredBy).toEqual([]);
    expect(peer?.counts).toEqual({ links: 0, watching: 0, watched: 0 });
  });

  test("ends an unlink that will not be acknowledged: the same two can link again", async () => {
    const { a, b, pa, pb, b1, wire, settle } = await createPair();
    await pa.do((self) => self.link(b1));
    await settle();
    await pa.do((self) => self.unlink(b1));
    wire.cut();
    expect(b.node.isAlive(pb.pid)).toBe(false);
    wire.up();
    const other = spawnPuppet(b.node);
    wire.b.export(other.pid);
    const b2 = wire.a.pid("b", b.node.incarnation, other.pid.serial);
    await pa.do((self) => self.link(b2));
    await settle();
    expect(a.node.processInfo(pa.pid)?.links).toEqual([b2]);
  });

  test("tells a hundred thousand monitors, a thousand a turn, before the next connection speaks", async () => {
    const { node } = createWorld({ name: "a", turnMs: 1e6 });
    const gateway = connectRouter(node, { connect: () => undefined });
    const peer = gateway.open("b", () => undefined);
    peer.up(1);
    const count = 100_000;
    let downs = 0;
    let whenHello = -1;
    const watcher = node.spawn<unknown>(async (self) => {
      for (let serial = 1; serial <= count; serial++) self.monitor(gateway.pid("b", 1, serial));
      for (;;) {
        const message = await self.receive();
        if (message === "hello") whenHello = downs;
        else downs++;
      }
    });
    await quiesce();
    expect(peer.counts.watching).toBe(count);
    peer.lost();
    expect(peer.counts.watching).toBe(count - 1_000);
    const next = gateway.open("b", () => undefined);
    next.up(2);
    next.arrive({ type: "message", from: gateway.pid("b", 2, 1), to: watcher, message: "hello" });
    for (let turn = 0; turn < 200 && whenHello === -1; turn++) await quiesce();
    expect([downs, whenHello]).toEqual([count, count]);
    expect(peer.counts.watching).toBe(0);
  });
});

test("who was just started for the other node is linked and monitored at once, whoever is still to be told of the connection before", async () => {
  const { node } = createWorld({ name: "a", turnMs: 1e6 });
  const gateway = connectRouter(node, { connect: () => undefined });
  const before = gateway.open("b", () => undefined);
  before.up(1);
  node.spawn<unknown>(async (self) => {
    for (let serial = 1; serial <= 5_000; serial++) self.monitor(gateway.pid("b", 1, serial));
    await self.sleep(1e9);
  });
  await quiesce();
  before.lost();
  const said: unknown[] = [];
  const next = gateway.open("b", (signal) => said.push([signal.type, Object(signal).reason]));
  next.up(1);
  expect(before.counts.watching).toBe(4_000);
  const requester = gateway.pid("b", 1, 7);
  // As it is with all else that comes, which waits: of who has ended nobody would know how.
  const told = node.spawn<never>((self) => self.exit({ shutdown: "all done" }));
  const untold = node.spawn<never>((self) => self.exit({ shutdown: "all done" }));
  const monitor = (serial: number, target: AnyPid) =>
    ({ type: "monitor", ref: gateway.ref(requester, serial), from: requester, target }) as const;
  next.begin({ type: "link", from: requester, to: told });
  next.begin(monitor(1, told));
  next.arrive(monitor(2, untold));
  for (let turn = 0; turn < 20; turn++) await quiesce();
  expect(said).toEqual([
    ["link-exit", { shutdown: "all done" }],
    ["down", { shutdown: "all done" }],
    ["down", "noproc"],
  ]);
  expect(next.counts).toEqual({ links: 0, watching: 0, watched: 0 });
});

test("a link from another node that comes to a process which is exiting finds nobody: noproc, as at home", async () => {
  const { a, b, wire, pa, settle } = await createPair();
  const slow = b.node.spawn<unknown>(async (self) => {
    try {
      await self.receive();
    } finally {
      await new Promise<void>((resolve) => void b.clock.set(resolve, 10));
    }
  });
  wire.b.export(slow);
  const far = wire.a.pid("b", b.node.incarnation, slow.serial) as Pid<unknown>;
  await settle();
  b.node.exit(slow, "boom");
  await pa.do((self) => {
    self.trapExits();
    self.link(far);
  });
  await settle();
  expect(b.node.isAlive(slow)).toBe(false);
  expect(b.node.counts.processes).toBe(2);
  expect(a.node.mailboxOf(pa.pid)).toEqual([{ type: "exit", from: far, reason: "noproc" }]);
});

describe("a connection that has only begun", () => {
  function createBegun(): { node: Node; said: RemoteSignal[]; world: World } {
    const world = createWorld({ name: "a" });
    const said: RemoteSignal[] = [];
    const gateway = connectRouter(world.node, {
      connect: (node) => gateway.open(node, (signal) => said.push(signal)),
    });
    return { node: world.node, said, world };
  }

  test("is asked for by the first that is said, and takes all that follows", async () => {
    const { node, said } = createBegun();
    node.send(at("b", name<number>("n")), 1);
    node.send(at("b", name<number>("n")), 2);
    expect(said).toMatchObject([
      { type: "named", name: "n", message: 1 },
      { type: "named", name: "n", message: 2 },
    ]);
  });

  test("that does not come about is told as noconnection, without an event of the node", async () => {
    const world = createWorld({ name: "a" });
    const gateway = connectRouter(world.node, {
      connect: (node) => gateway.open(node, () => undefined),
    });
    const ended = world.node.whenExited(gateway.pid("b", 1, 1));
    gateway.peer("b")?.lost();
    expect(await ended).toBe("noconnection");
    expect(gateway.peer("b")).toBeUndefined();
    expect(world.events.filter(({ type }) => type === "nodeDown")).toEqual([]);
  });

  test("with another life of the node than was meant tells noproc", async () => {
    const world = createWorld({ name: "a" });
    const gateway = connectRouter(world.node, {
      connect: (node) => gateway.open(node, () => undefined),
    });
    const puppet = spawnPuppet(world.node);
    const former = gateway.pid("b", 1, 1);
    const latter = gateway.pid("b", 2, 1);
    const [ref] = await puppet.do((self) => {
      self.trapExits();
      self.link(former);
      self.link(latter);
      return [self.monitor(former), self.monitor(latter)];
    });
    gateway.peer("b")?.up(2);
    expect(world.node.mailboxOf(puppet.pid)).toEqual([
      { type: "exit", from: former, reason: "noproc" },
      { type: "down", ref, process: former, reason: "noproc" },
    ]);
    expect(gateway.peer("b")?.counts).toEqual({ links: 1, watching: 1, watched: 0 });
  });

  test("is refused by who never connects: all is told as noconnection", async () => {
    const world = createWorld({ name: "a" });
    const gateway = connectRouter(world.node, { connect: () => undefined });
    const puppet = spawnPuppet(world.node);
    const far = gateway.pid("b", 1, 1) as Pid<unknown>;
    await puppet.do((self) => {
      self.trapExits();
      self.link(far);
      self.unlink(far);
      self.monitor(far);
      self.send(far, "x");
    });
    expect(world.node.mailboxOf(puppet.pid)).toMatchObject([
      { type: "exit", reason: "noconnection" } satisfies Partial<Exit>,
      { type: "down", reason: "noconnection" },
    ]);
    expect(undeliveredOf(world)).toEqual([["x", "noconnection"]]);
  });
});

describe("a message that cannot travel", () => {
  /** Nothing but texts can be sent, and be called. */
  function createPicky(check?: boolean): {
    world: World;
    sent: unknown[];
    peer: Peer;
    gateway: Gateway;
  } {
    const world = createWorld({ name: "a" });
    const sent: unknown[] = [];
    const only = (message: unknown): void => {
      if (typeof message !== "string") throw new TypeError("no text");
    };
    const gateway = connectRouter(world.node, {
      connect: () => undefined,
      ...(check === true && { check: only }),
    });
    const peer = gateway.open("b", (signal) => {
      if (signal.type === "named" || signal.type === "alias") only(signal.message);
      if (signal.type === "refusal") {
        only(Object(signal.error).cause ?? "");
        sent.push(signal.error);
        return;
      }
      if (signal.type === "monitor") only(Number(signal.target) || signal.target);
      sent.push(signal.type === "named" ? signal.message : signal.type);
    });
    peer.up(1);
    return { world, sent, peer, gateway };
  }
  const There = at("b", name<unknown>("there"));

  test("is undelivered when a timer fires, with the error; all other timers fire, and those set later", async () => {
    const { world, sent } = createPicky();
    const { node, clock, events } = world;
    const lines: string[] = [];
    const woken: string[] = [];
    const owner = node.spawn<never>(async (self) => {
      self.sendAfter(There, 20, () => 1);
      self.sendInterval(There, 20, { tick: 1 });
      self.sendAfter(There, 20, "at the same time");
      self.sendAfter(There, 30, "later");
      await self.sleep(50);
      woken.push("slept");
      self.sendAfter(There, 10, "set later");
      await self.sleep(1e6);
    });
    await quiesce();
    await clock.advance(65);
    expect(sent).toEqual(["at the same time", "later", "set later"]);
    expect([woken, node.isAlive(owner), node.counts.undelivered]).toEqual([["slept"], true, 4]);
    const undelivered = events.filter(({ type }) => type === "undelivered");
    const error = expect.objectContaining({ message: "no text" });
    expect(undelivered[0]).toMatchObject({ from: owner, why: "unsendable", error });
    expect(undelivered.slice(1)).toMatchObject(
      Array.from({ length: 3 }, () => ({ from: owner, message: { tick: 1 }, error })),
    );
    for (const event of undelivered) lines.push(formatFailure(event) ?? "");
    expect(lines.slice(1, 2)).toEqual([
      'a message from <a.1> to <there@b> could not be sent: no text; it was {"tick":1}',
    ]);
  });

  test("is the error of who sets a timer, where the router can tell; nothing is set", () => {
    const { world } = createPicky(true);
    const { node } = world;
    const self = spawnPuppet(node);
    for (const set of [
      () => node.sendAfter(There, 20, () => 1),
      () => node.sendInterval(There, 20, 1),
      () => node.startTimer(There, 20, "in a Timeout, which is no text"),
    ]) {
      expect(set).toThrow("no text");
    }
    expect(node.counts.timers).toBe(0);
    node.sendAfter(There, 20, "text");
    // Here all can be sent.
    node.sendAfter(self.pid, 20, () => 1);
    node.sendAfter(at("a", name<unknown>("here")), 20, () => 1);
    expect(node.counts.timers).toBe(3);
  });

  test("as a reply is the error of who asked, is told here, and is none of who answers", async () => {
    const { world, sent, gateway } = createPicky();
    const { node, events } = world;
    const from = (serial: number): never => gateway.ref(gateway.pid("b", 1, 7), serial) as never;
    node.reply(from(1), { a: 1 });
    node.refuse(from(2), new RangeError("not so far", { cause: 3 }));
    node.refuse(from(3), Object.assign(new Error("plain"), { cause: undefined }));
    await quiesce();
    expect(sent).toEqual([
      expect.objectContaining({
        code: "UNSENDABLE_REPLY",
        message: `the reply of ${String(node.pid)} cannot be sent: no text`,
      }),
      expect.objectContaining({ code: "THROWN_VALUE", value: "RangeError: not so far" }),
      expect.objectContaining({ message: "plain" }),
    ]);
    expect(events.filter(({ type }) => type === "undelivered")).toMatchObject([
      { why: "unsendable", message: { a: 1 }, error: { message: "no text" } },
    ]);
    expect(() => node.reply(from(4), Promise.resolve() as never)).toThrow(
      "reply: value must be plain data, not a promise; await it first, but is a promise",
    );
  });

  test("is not monitored: who has a name that cannot be said is the error, and nothing is left of it", async () => {
    const { world, peer } = createPicky();
    const { node } = world;
    const heard: unknown[] = [];
    node.spawn<unknown>(async (self) => {
      try {
        self.monitor(at("b", name<never>("7")));
      } catch (error) {
        heard.push((error as Error).message, peer.counts.watching);
      }
      heard.push(await self.receive());
    });
    await quiesce();
    peer.lost();
    await quiesce();
    expect(heard).toEqual(["no text", 0]);
  });
});

test("a router that gives up leaves the node as it was: what it connected is lost, and there can be another", async () => {
  const { node } = createWorld({ name: "a" });
  const gateway = connectRouter(node, { connect: () => undefined });
  const pid = gateway.pid("b", 1, 7);
  const said: string[] = [];
  gateway.open("b", ({ type }) => said.push(`first ${type}`)).up(1);
  const reasons: unknown[] = [];
  const watch = (): void => {
    node.spawn<Down>(async (self) => {
      self.monitor(pid);
      reasons.push((await self.receive()).reason);
    });
  };
  watch();
  await quiesce();
  gateway.disconnect();
  await quiesce();
  watch();
  await quiesce();
  expect([said, reasons]).toEqual([["first monitor"], ["noconnection", "noconnection"]]);
  const second = connectRouter(node, {
    connect: (name) => second.open(name, ({ type }) => said.push(`second ${type}`)),
  });
  expect(second.pid("b", 1, 7)).toBe(pid);
  watch();
  await quiesce();
  expect(said).toEqual(["first monitor", "second monitor"]);
  expect(() => connectRouter(node, { connect: () => undefined })).toThrow("without a router");
});

test("connectRouter takes a node that has no router, and a router", () => {
  const node = createNode({ name: "a", logger: false });
  const router = { connect: () => undefined };
  expect(() => connectRouter({} as Node, router)).toThrow("connectRouter: node");
  expect(() => connectRouter(node, {} as never)).toThrow("connectRouter: router.connect");
  expect(() => connectRouter(node, { ...router, listen: 1 } as never)).toThrow("made of connect");
  expect(() => connectRouter(node, { ...router, check: 1 } as never)).toThrow("router.check");
  connectRouter(node, router);
  expect(() => connectRouter(node, router)).toThrow("without a router");
});

import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  createNodeOn,
  InvalidArgumentError,
  InvalidNameError,
  keyOf,
  name,
  NodeStoppedError,
  type AbortSignalLike,
  type AnyPid,
  type Body,
  type Call,
  type Down,
  type Exit,
  type ExitReason,
  type Node,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { createWorld, idle, obey, puppetOf, spawnDead, spawnPuppet } from "./world.js";

/** A process that traps exits and does nothing about them. */
async function stubborn(self: Self<Exit>): Promise<void> {
  self.trapExits();
  for (;;) await self.receive();
}

/** A process that traps exits, and ends when it is asked to, after a while. */
async function slow(self: Self<Exit>, ms: number): Promise<void> {
  self.trapExits();
  await self.receive();
  await self.sleep(ms);
  self.exit("shutdown");
}

describe("a node", () => {
  test("is called node when nothing else is said", () => {
    expect(createNode({ clock: createVirtualClock(), logger: false }).name).toBe("node");
  });

  test("has a pid of its own, number 0, that is the parent of what is spawned from outside", async () => {
    const { node, events } = createWorld();
    const pid = node.spawn(idle);
    expect(String(node.pid)).toBe("<demo.0>");
    expect(events).toMatchObject([{ type: "spawned", pid, parent: node.pid }]);
    expect(node.processInfo(pid)?.ancestors).toEqual([node.pid]);
    expect(node.processInfo(node.pid)).toBeUndefined();
    expect(node.isAlive(node.pid)).toBe(false);
    expect(node.processes()).toEqual([pid]);
  });

  test.each([
    ["empty", ""],
    ["with a space", "a b"],
    ["with a tab", "a\tb"],
    ["with <", "a<b"],
    ["with >", "a>b"],
    ["with /", "a/b"],
    ["a number", 1],
    ["null", null],
    ["an object", {}],
  ])("refuses a name that is %s", (_what, bad) => {
    expect(() => createNode({ name: bad as string })).toThrow(InvalidNameError);
  });

  test.each(["a", "a.b", "host:8080", "web@10.0.0.1", "é", "x".repeat(255)])(
    "may be called %s",
    (good) => {
      expect(createNode({ name: good, clock: createVirtualClock() }).name).toBe(good);
    },
  );

  test("takes time and chance from its ports, and from nowhere else", async () => {
    const numbers = [0.25, 0.5, 0.75];
    const { node, clock } = createWorld({ random: { next: () => numbers.shift() ?? 0 } });
    expect(node.incarnation).toBe(Math.floor(0.25 * Number.MAX_SAFE_INTEGER));
    expect([node.random(), node.random()]).toEqual([0.5, 0.75]);
    await clock.advance(1_234);
    expect(node.now()).toBe(1_234);
    const seen = await spawnPuppet(node).do((self) => [self.now(), self.random()]);
    expect(seen).toEqual([1_234, 0]);
  });
});

describe("two nodes in one realm", () => {
  function createTwo(): [Node, Node, NodeEvent[], NodeEvent[]] {
    const [a, b] = [createWorld({ name: "a" }), createWorld({ name: "b" })];
    return [a.node, b.node, a.events as NodeEvent[], b.events as NodeEvent[]];
  }

  test("know nothing of each other: processes, names, serials, events and counts are their own", async () => {
    const [a, b, , eventsOfB] = createTwo();
    const Server = name<unknown>("server");
    const here = a.spawnOpt<unknown>({ name: Server }, idle);
    a.sendAfter(here, 10, "x");
    a.send(await spawnDead(a), "lost");
    expect(b.whereis(Server)).toBeUndefined();
    expect([b.processes(), b.registered()]).toEqual([[], []]);
    expect(b.counts).toEqual({ processes: 0, timers: 0, undelivered: 0, crashes: 0 });
    expect(eventsOfB).toEqual([]);
    const there = b.spawnOpt<unknown>({ name: Server }, idle);
    expect(String(there)).toBe("<b.1>");
    expect(b.whereis(Server)).toBe(there);
    expect(a.whereis(Server)).toBe(here);
  });

  test("on ports that are taken as they are is what its user says, and else what they say", async () => {
    const told: string[] = [];
    const soon = (task: () => void): void => void Promise.resolve().then(task);
    const ports = {
      name: "ported",
      clock: createVirtualClock(),
      scheduler: { soon, afterTurn: soon },
      random: { next: () => 0.5 },
      messages: "freeze",
      traceSends: false,
      logger: ({ type }: NodeEvent) => told.push(type),
    } as const;
    for (const [options, freezes] of [
      [{}, true],
      [{ messages: "share" }, false],
    ] as const) {
      const node = createNodeOn(ports, options);
      expect(node.name).toBe("ported");
      const sink = node.spawn<object>(async (self) => {
        await self.receive();
        throw new Error("oh");
      });
      const sent = { count: 1 };
      node.send(sink, sent);
      expect(Object.isFrozen(sent)).toBe(freezes);
      await quiesce();
    }
    expect(told).toEqual(["crashed", "crashed"]);
    expect(() => createNodeOn(ports, { mesages: "share" } as object)).toThrow(InvalidArgumentError);
    expect(() => createNodeOn(ports, { logger: 1 } as object)).toThrow(InvalidArgumentError);
    expect(() => createNodeOn({ ...ports, name: "a b" }, {})).toThrow(InvalidNameError);
  });

  test("may even have the same name, and still tell their processes apart", async () => {
    const nodes = [0.1, 0.9].map((random) =>
      createNode({
        name: "twin",
        clock: createVirtualClock(),
        logger: false,
        random: { next: () => random },
      }),
    );
    const [a, b] = nodes as [Node, Node];
    const received: string[] = [];
    const body: Body<string> = async (self) => {
      for (;;) received.push(await self.receive());
    };
    const [inA, inB] = [a.spawn(body), b.spawn(body)];
    expect(String(inA)).toBe(String(inB));
    expect(inA).not.toBe(inB);
    await quiesce();
    b.send(inA, "from b to a's");
    a.exit(inB, "kill");
    await quiesce();
    expect(received).toEqual([]);
    expect([a.isAlive(inA), b.isAlive(inB)]).toEqual([true, true]);
    expect([b.isAlive(inA), a.isAlive(inB)]).toEqual([false, false]);
  });

  test("stop independently", async () => {
    const [a, b] = createTwo();
    const here = a.spawn(idle);
    b.spawn(idle);
    await quiesce();
    expect(await b.stop()).toEqual({ killed: [] });
    expect(a.isAlive(here)).toBe(true);
    expect(a.spawn(idle).serial).toBe(2);
  });
});

describe("a pid of another node", () => {
  async function createFar(): Promise<{
    node: Node;
    events: readonly NodeEvent[];
    far: Pid<unknown>;
    farNode: Node;
  }> {
    const { node, events } = createWorld();
    const other = createWorld({ name: "far" });
    const far = other.node.spawn<unknown>(idle);
    await quiesce();
    return { node, events, far, farNode: other.node };
  }

  test("gets no message: it is undelivered, for there is no connection", async () => {
    const { node, events, far, farNode } = await createFar();
    node.send(far, "x");
    const puppet = spawnPuppet(node);
    await puppet.do((self) => self.send(far, "y"));
    const why = { to: far, why: "noconnection" };
    expect(events.filter(({ type }) => type === "undelivered")).toMatchObject([
      { ...why, from: node.pid, message: "x" },
      { ...why, from: puppet.pid, message: "y" },
    ]);
    expect(farNode.isAlive(far)).toBe(true);
  });

  test("gets no reply and no message by an alias", async () => {
    const { node, events, farNode } = await createFar();
    const owner = puppetOf(farNode, farNode.spawn(obey));
    const alias = await owner.do((self) => self.alias());
    node.send(alias, "x");
    expect(events).toContainEqual({
      type: "undelivered",
      to: owner.pid,
      from: node.pid,
      message: "x",
      why: "noconnection",
    });
    expect(farNode.mailboxOf(owner.pid)).toEqual([]);
  });

  test("is told of as Down with noconnection when it is monitored", async () => {
    const { node, far } = await createFar();
    const downs: Down[] = [];
    const refs: unknown[] = [];
    node.spawn<Down>(async (self) => {
      refs.push(self.monitor(far));
      downs.push(await self.receive());
    });
    await quiesce();
    expect(downs).toEqual([{ type: "down", ref: refs[0], process: far, reason: "noconnection" }]);
  });

  test("exits who links to it with noconnection, as a signal", async () => {
    const { node, far, farNode } = await createFar();
    const log: unknown[] = [];
    const linker = node.spawn<never>(async (self) => {
      self.link(far);
      await self.sleep(1_000);
      log.push("unreachable");
    });
    const trapper = node.spawn<Exit>(async (self) => {
      self.trapExits();
      self.link(far);
      log.push(await self.receive());
    });
    expect(await node.whenExited(linker)).toBe("noconnection");
    await quiesce();
    expect(log).toEqual([{ type: "exit", from: far, reason: "noconnection" }]);
    expect(node.isAlive(trapper)).toBe(false);
    expect(farNode.isAlive(far)).toBe(true);
    expect(farNode.processInfo(far)?.links).toEqual([]);
  });

  test("is called in vain: ServerExitError with noconnection", async () => {
    const { node, far } = await createFar();
    const call = node.call(far as Pid<Call<"x", "y">>, "x");
    await expect(call).rejects.toMatchObject({ code: "SERVER_EXIT", reason: "noconnection" });
  });

  test("is not hurt by an exit signal, nor by kill", async () => {
    const { node, far, farNode } = await createFar();
    node.exit(far, "kill");
    await spawnPuppet(node).do((self) => self.exit(far, "shutdown"));
    await quiesce();
    expect(farNode.isAlive(far)).toBe(true);
  });

  test("is none of which this node says whether it lives, and none to be registered", async () => {
    const { node, far } = await createFar();
    const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => node.isAlive(far)).toThrow(refused);
    expect(() => node.mailboxOf(far)).toThrow(refused);
    expect(() => node.register(name("far"), far)).toThrow(refused);
    expect(node.processInfo(far)).toBeUndefined();
    expect(await node.whenExited(far)).toBe("noconnection");
    expect(node.registered()).toEqual([]);
  });
});

describe("stop", () => {
  test("ends what was spawned from outside, last first, each after the one before", async () => {
    const { node, clock, events } = createWorld();
    const pids = [10, 20, 30].map((ms) => node.spawn<Exit, [number]>(slow, ms));
    await quiesce();
    const stopped = node.stop();
    await clock.advance(30);
    expect(node.processes()).toEqual(pids.slice(0, 2));
    expect(node.processInfo(pids[0] as AnyPid)?.mailboxSize).toBe(0);
    await clock.advance(20);
    expect(node.processes()).toEqual(pids.slice(0, 1));
    await clock.advance(10);
    expect(await stopped).toEqual({ killed: [] });
    expect(clock.now()).toBe(60);
    const ends = events.flatMap((event) => (event.type === "exited" ? [event.pid] : []));
    expect(ends).toEqual(pids.toReversed());
  });

  test("lets a process end its own children, and ends those that are left, last first", async () => {
    const { node, events } = createWorld();
    const log: string[] = [];
    const child =
      (label: string): Body<unknown> =>
      async (self) => {
        try {
          await self.receive();
        } finally {
          log.push(label);
        }
      };
    node.spawn<unknown>(async (self) => {
      self.spawn(child("left 1"));
      self.spawnLink(child("linked"));
      self.spawn(child("left 2"));
      try {
        await self.receive();
      } finally {
        log.push("parent");
      }
    });
    await quiesce();
    await node.stop();
    expect(log).toEqual(["parent", "linked", "left 2", "left 1"]);
    const reasons = events.flatMap((event) => (event.type === "exited" ? [event.reason] : []));
    expect(reasons).toEqual(["shutdown", "shutdown", "shutdown", "shutdown"]);
  });

  test("kills what has not ended after timeoutMs, and tells which", async () => {
    const { node, clock, events } = createWorld();
    const [first, second] = [node.spawn(stubborn), node.spawn(stubborn)];
    await quiesce();
    const stopped = node.stop({ timeoutMs: 300 });
    await clock.advance(299);
    expect(node.counts.processes).toBe(2);
    await clock.advance(1);
    expect(await stopped).toEqual({ killed: [second, first] });
    expect(node.counts.processes).toBe(0);
    expect(events.at(-1)).toEqual({ type: "stopped", killed: [second, first] });
    expect(events).toContainEqual({ type: "exited", pid: first, reason: "killed" });
  });

  test("tells as killed only those that it killed, not who went down with them", async () => {
    const { node, clock, events } = createWorld();
    const linked = node.spawn<never, null>({ init: () => null, message: () => null });
    const killed = node.spawn<Exit>(async (self) => {
      self.link(linked);
      await stubborn(self);
    });
    await quiesce();
    const stopped = node.stop({ timeoutMs: 10 });
    await clock.advance(10);
    expect(await stopped).toEqual({ killed: [killed] });
    expect(events).toContainEqual({ type: "exited", pid: linked, reason: "killed" });
  });

  test("gives 5000 ms in all when nothing else is said", async () => {
    const { node, clock } = createWorld();
    node.spawn(stubborn);
    await quiesce();
    const stopped = node.stop();
    await clock.advance(4_999);
    expect(node.counts.processes).toBe(1);
    await clock.advance(1);
    expect((await stopped).killed).toHaveLength(1);
  });

  test("counts the time in all, not for each process", async () => {
    const { node, clock } = createWorld();
    for (let i = 0; i < 10; i++) node.spawn<Exit, [number]>(slow, 30);
    await quiesce();
    const stopped = node.stop({ timeoutMs: 100 });
    await clock.advance(100);
    expect((await stopped).killed).toHaveLength(7);
    expect(clock.now()).toBe(100);
  });

  test("waits for ever with Infinity, and not at all with 0", async () => {
    const patient = createWorld();
    const pid = patient.node.spawn(stubborn);
    await quiesce();
    const stopped = patient.node.stop({ timeoutMs: Infinity });
    await patient.clock.advance(1e9);
    expect(patient.node.counts.processes).toBe(1);
    patient.node.exit(pid, "kill");
    expect(await stopped).toEqual({ killed: [] });

    const hasty = createWorld();
    const left = hasty.node.spawn(stubborn);
    await quiesce();
    const stop = hasty.node.stop({ timeoutMs: 0 });
    await hasty.clock.advance(0);
    expect(await stop).toEqual({ killed: [left] });
  });

  test("reports a process that does not unwind as a zombie, or kills it, whichever is first", async () => {
    const { node, clock, events } = createWorld();
    const stuck = node.spawnOpt<never>({ unwindMs: 100 }, () => new Promise(() => undefined));
    await quiesce();
    const stopped = node.stop();
    await clock.advance(100);
    expect(await stopped).toEqual({ killed: [] });
    expect(events).toContainEqual({ type: "zombie", pid: stuck, label: undefined, unwindMs: 100 });
  });

  test("disposes what processes own, the killed ones included", async () => {
    const { node, clock } = createWorld();
    const log: string[] = [];
    node.spawn<Exit>(async (self) => {
      self.own({}, () => void log.push("stubborn's"));
      await stubborn(self);
    });
    node.spawn<unknown>(async (self) => {
      self.own({}, () => void log.push("first"));
      self.own({}, async () => {
        await Promise.resolve();
        log.push("second");
      });
      await self.receive();
    });
    await quiesce();
    const stopped = node.stop({ timeoutMs: 10 });
    await clock.advance(10);
    await stopped;
    await quiesce();
    expect(log).toEqual(["second", "first", "stubborn's"]);
  });

  test("of what the roots left behind ends parents before their children", async () => {
    const { node } = createWorld();
    const ended: (string | AnyPid)[] = [];
    /** Ends by the exit of its parent alone. */
    const child = async (self: Self<Exit>, parent: AnyPid): Promise<void> => {
      self.trapExits();
      await self.receive(({ from }) => from === parent);
      ended.push("child");
    };
    const parent = async (self: Self<Exit>): Promise<void> => {
      self.trapExits();
      self.spawnLink(child, self.pid);
      await self.receive();
      ended.push("parent");
    };
    node.spawn((self) => void self.spawn(parent));
    await quiesce();
    expect(await node.stop()).toEqual({ killed: [] });
    expect(ended).toEqual(["parent", "child"]);
  });

  test("is done at once when there is nothing to stop", async () => {
    const { node, events } = createWorld();
    expect(await node.stop()).toEqual({ killed: [] });
    expect(events).toEqual([
      { type: "stopping", processes: 0 },
      { type: "stopped", killed: [] },
    ]);
  });

  test("twice is once: both get the same result", async () => {
    const { node, clock, events } = createWorld();
    const pid = node.spawn(stubborn);
    await quiesce();
    const [first, second] = [node.stop({ timeoutMs: 10 }), node.stop({ timeoutMs: 1_000 })];
    await clock.advance(10);
    expect([await first, await second, await node.stop()]).toEqual([
      { killed: [pid] },
      { killed: [pid] },
      { killed: [pid] },
    ]);
    expect(events.filter(({ type }) => type === "stopped")).toHaveLength(1);
  });

  test("lets nobody outside spawn any more, neither meanwhile nor afterwards", async () => {
    const { node, clock } = createWorld();
    node.spawn(stubborn);
    await quiesce();
    const stopped = node.stop({ timeoutMs: 10 });
    expect(() => node.spawn(idle)).toThrow(NodeStoppedError);
    expect(() => node.spawnOpt({ label: "x" }, idle)).toThrow(NodeStoppedError);
    await clock.advance(10);
    await stopped;
    expect(() => node.spawn(idle)).toThrow('node "demo" is stopped and starts no more processes');
    expect(node.counts.processes).toBe(0);
  });

  test("lets a process spawn what it needs to end in order, and ends that as well", async () => {
    const { node } = createWorld();
    const log: string[] = [];
    node.spawn<Exit>(async (self) => {
      self.trapExits();
      await self.receive();
      const helper = self.spawn<Call<"flush", "done">>(async (own) => {
        for (;;) own.reply((await own.receive()).from, "done");
      });
      log.push(await self.call(helper, "flush"));
      self.exit("shutdown");
    });
    await quiesce();
    expect(await node.stop()).toEqual({ killed: [] });
    expect(log).toEqual(["done"]);
    expect(node.counts.processes).toBe(0);
  });

  test("of a node whose processes spawn without end kills them when the time is up", async () => {
    const { node, clock } = createWorld();
    const hydra: Body<never> = async (self) => {
      try {
        await self.sleep(1e9);
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 1));
        self.spawn(hydra);
      }
    };
    node.spawn(hydra);
    await quiesce();
    const stopped = node.stop({ timeoutMs: 10 });
    let done = false;
    void stopped.then(() => (done = true));
    for (let i = 0; i < 10 && !done; i++) await clock.advance(10);
    expect(done).toBe(true);
    expect(node.counts.processes).toBe(0);
  });

  test("leaves no timer, no name and no work behind", async () => {
    const { node, clock } = createWorld({ blockedMs: 100 });
    const pid = node.spawnOpt<unknown>({ name: name<unknown>("x") }, idle);
    node.sendAfter(pid, 1_000, "later");
    node.sendAfter(name<unknown>("x"), 1_000, "later, by name");
    node.sendInterval(name<unknown>("x"), 1_000, "again");
    await quiesce();
    await node.stop();
    expect(node.registered()).toEqual([]);
    expect(node.counts).toMatchObject({ processes: 0, timers: 0 });
    expect(clock.nextAt()).toBeUndefined();
  });

  test("lets a call from outside fail, and answers who asks afterwards", async () => {
    const { node } = createWorld();
    const server = node.spawn<Call<"x", "y">>((self) => self.sleep(1e9));
    await quiesce();
    const call = node.call(server, "x").catch((error: unknown) => error);
    await node.stop();
    expect(await call).toMatchObject({ code: "SERVER_EXIT", reason: "shutdown" });
    expect(await node.whenExited(server)).toBe("noproc");
    expect(node.isAlive(server)).toBe(false);
    expect(node.whereis(name("x"))).toBeUndefined();
    await expect(node.call(server, "x")).rejects.toMatchObject({ code: "NO_PROCESS" });
    node.send(server, "x" as never);
    expect(node.counts.undelivered).toBe(2);
  });

  test("is what Symbol.asyncDispose does", async () => {
    const { node } = createWorld();
    const pid = node.spawn(idle);
    await quiesce();
    const dispose = (node as unknown as Record<symbol, () => Promise<unknown>>)[
      Symbol.asyncDispose
    ] as () => Promise<unknown>;
    await dispose.call(node);
    expect(node.isAlive(pid)).toBe(false);
    expect(() => node.spawn(idle)).toThrow(NodeStoppedError);
    expect(Object.keys(node)).not.toContain("Symbol(Symbol.asyncDispose)");
  });
});

describe("whenExited", () => {
  test.each<[string, (self: Self<unknown>) => void, ExitReason]>([
    ["returns", () => undefined, "normal"],
    ["exits", (self) => self.exit({ shutdown: 1 }), { shutdown: 1 }],
    ["is killed", (self) => self.exit(self.pid, "kill"), "killed"],
  ])("resolves to the reason when the process %s", async (_how, end, reason) => {
    const { node } = createWorld();
    expect(await node.whenExited(node.spawn(end))).toEqual(reason);
  });

  test("resolves for everyone who asks, as often as they ask", async () => {
    const { node } = createWorld();
    const pid = node.spawn<unknown>(idle);
    const asked = [node.whenExited(pid), node.whenExited(pid), node.whenExited(pid)];
    node.exit(pid, "tired");
    expect(await Promise.all(asked)).toEqual(["tired", "tired", "tired"]);
  });

  test("resolves to noproc when the process is not there any more", async () => {
    const { node } = createWorld();
    expect(await node.whenExited(await spawnDead(node))).toBe("noproc");
  });

  test("resolves after the name is free and monitors have been told, so that a successor can start", async () => {
    const { node } = createWorld();
    const Server = name<unknown>("server");
    const pid = node.spawnOpt({ name: Server }, idle);
    await quiesce();
    node.exit(pid, "shutdown");
    await node.whenExited(pid);
    expect(node.spawnOpt({ name: Server }, idle).serial).toBe(2);
  });

  test("can be given up: it rejects with the reason of its signal, and nobody watches any more", async () => {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock });
    const worlds = [
      { ...createWorld(), settle: quiesce },
      { ...createWorld({ clock, scheduler }), settle: () => scheduler.runAll() },
    ];
    for (const { node, settle } of worlds) {
      const pid = node.spawn<unknown>(idle);
      const abort = new AbortController();
      const removed: unknown[] = [];
      const { signal } = abort;
      const removeEventListener = signal.removeEventListener.bind(signal);
      signal.removeEventListener = (type: string, listener: never) => {
        removed.push(type);
        removeEventListener(type, listener);
      };
      const given: unknown = node.whenExited(pid, { signal }).catch((error: unknown) => error);
      const other = node.whenExited(pid, { signal: new AbortController().signal });
      await settle();
      expect(node.processInfo(pid)?.monitoredBy).toHaveLength(2);
      const reason = new Error("enough");
      abort.abort(reason);
      expect(await given).toBe(reason);
      await settle();
      expect(node.processInfo(pid)?.monitoredBy).toHaveLength(1);
      expect(removed).toEqual(["abort"]);
      node.exit(pid, "tired");
      await settle();
      expect(await other).toBe("tired");
    }
  });

  test("that nobody gives up leaves no listener on its signal", async () => {
    const { node } = createWorld();
    const { signal } = new AbortController();
    let listeners = 0;
    const counting: AbortSignalLike = {
      aborted: false,
      addEventListener: (type, listener) => {
        listeners++;
        signal.addEventListener(type, listener);
      },
      removeEventListener: (type, listener) => {
        listeners--;
        signal.removeEventListener(type, listener);
      },
    };
    const pid = node.spawn<unknown>(idle);
    const exited = [pid, await spawnDead(node)].map((it) =>
      node.whenExited(it, { signal: counting }),
    );
    node.exit(pid, "tired");
    expect(await Promise.all(exited)).toEqual(["tired", "noproc"]);
    expect(listeners).toBe(0);
  });

  test("rejects at once when its signal has aborted, and watches nothing", async () => {
    const { node } = createWorld();
    const pid = node.spawn<unknown>(idle);
    const signal = AbortSignal.abort("over");
    await expect(node.whenExited(pid, { signal })).rejects.toBe("over");
    expect(node.processInfo(pid)?.monitoredBy).toEqual([]);
  });

  test("waits until a process has unwound", async () => {
    const { node, clock } = createWorld();
    const pid = node.spawn<never>(async (self) => {
      try {
        await self.sleep(1e9);
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 100));
      }
    });
    await quiesce();
    let reason: unknown;
    void node.whenExited(pid).then((given) => (reason = given));
    node.exit(pid, "shutdown");
    await clock.advance(99);
    expect(reason).toBeUndefined();
    await clock.advance(1);
    expect(reason).toBe("shutdown");
  });
});

describe("counts", () => {
  test("are how much there is of what", async () => {
    const { node, clock } = createWorld();
    expect(node.counts).toEqual({ processes: 0, timers: 0, undelivered: 0, crashes: 0 });
    const pids = [node.spawn<unknown>(idle), node.spawn<unknown>(idle)];
    const timer = node.sendAfter(pids[0] as Pid<unknown>, 100, "x");
    node.sendInterval(pids[1] as Pid<unknown>, 1_000, "y");
    expect(node.counts).toMatchObject({ processes: 2, timers: 2 });
    node.cancelTimer(timer);
    expect(node.counts.timers).toBe(1);
    node.exit(pids[1] as Pid<unknown>, "kill");
    expect(node.counts).toMatchObject({ processes: 1, timers: 0 });
    node.send(pids[1] as Pid<unknown>, "lost");
    node.spawn(() => {
      throw new Error("boom");
    });
    await clock.advance(0);
    expect(node.counts).toEqual({ processes: 1, timers: 0, undelivered: 1, crashes: 1 });
  });

  test("count timeouts of receives, calls and sleeps among the timers", async () => {
    const { node } = createWorld();
    node.spawn<unknown>(async (self) => void (await self.receive({ timeoutMs: 10 })));
    node.spawn<never>((self) => self.sleep(10));
    await quiesce();
    expect(node.counts.timers).toBe(2);
  });
});

describe("processes", () => {
  test("are all that are not dead, in order of spawning, those that unwind included", async () => {
    const { node, clock } = createWorld();
    const pids = Array.from({ length: 5 }, () => node.spawn<unknown>(idle));
    const unwinding = node.spawn<never>(async (self) => {
      try {
        await self.sleep(1e9);
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 100));
      }
    });
    await quiesce();
    for (const i of [0, 4, 2]) node.exit(pids[i] as AnyPid, "kill");
    node.exit(unwinding, "shutdown");
    expect(node.processes()).toEqual([pids[1], pids[3], unwinding]);
    expect(node.isAlive(unwinding)).toBe(false);
    const next = node.spawn(idle);
    expect(node.processes()).toEqual([pids[1], pids[3], unwinding, next]);
  });
});

describe("mailboxOf", () => {
  test("shows what waits, oldest first, and takes nothing out", async () => {
    const { node } = createWorld();
    const pid = node.spawn<unknown>((self) => self.sleep(1e9));
    await quiesce();
    for (const message of [1, { a: 1 }, "x"]) node.send(pid, message);
    expect(node.mailboxOf(pid)).toEqual([1, { a: 1 }, "x"]);
    expect(node.mailboxOf(pid)).toHaveLength(3);
    expect(node.mailboxOf(await spawnDead(node))).toEqual([]);
  });
});

describe("processInfo", () => {
  test("tells everything about a process", async () => {
    const { node } = createWorld();
    const target = node.spawn<unknown>(idle);
    const Named = name<unknown>("named");
    node.register(Named, target);
    let child!: Pid<unknown>;
    const parent = node.spawn<unknown>(async function parent(self) {
      child = self.spawnOpt<unknown, [string], unknown>(
        { label: "the child", link: true, name: name<unknown>("child") },
        async function work(own, what) {
          expect(what).toBe("argument");
          own.trapExits(() => null);
          own.monitor(target, () => null);
          own.monitor(Named, () => null);
          await own.receive((message) => message === "end");
        },
        "argument",
      );
      self.monitor(child, () => null);
      self.monitor(child, () => null);
      await self.receive((message) => message === "end");
    });
    await quiesce();
    for (const message of [1, 2, 3]) node.send(child, message);
    expect(node.processInfo(child)).toEqual({
      pid: child,
      name: "child",
      label: "the child",
      path: `${String(parent)}/the child`,
      initialCall: "work",
      ancestors: [parent, node.pid],
      status: "receiving",
      trapsExits: true,
      mailboxSize: 3,
      aliases: 0,
      links: [parent],
      monitors: [target, Named],
      monitoredBy: [parent, parent],
    });
    expect(await spawnPuppet(node).do((self) => self.processInfo(child))).toEqual(
      node.processInfo(child),
    );
  });

  test("has little to tell of a plain process", async () => {
    const { node } = createWorld();
    const pid = node.spawn<unknown>(async (self) => void (await self.receive()));
    await quiesce();
    expect(node.processInfo(pid)).toEqual({
      pid,
      name: undefined,
      label: undefined,
      path: String(pid),
      initialCall: "(anonymous function)",
      ancestors: [node.pid],
      status: "receiving",
      trapsExits: false,
      mailboxSize: 0,
      aliases: 0,
      links: [],
      monitors: [],
      monitoredBy: [],
    });
  });

  test("knows nothing of the dead", async () => {
    const { node } = createWorld();
    expect(node.processInfo(await spawnDead(node))).toBeUndefined();
  });

  test("calls a handler by the name of its message function, or (handler)", () => {
    const { node } = createWorld();
    const plain = node.spawn<unknown, null>({ init: () => null, message: () => null });
    const named = node.spawn<unknown, null>({
      init: () => null,
      message: function counter() {
        return null;
      },
    });
    expect(node.processInfo(plain)?.initialCall).toBe("(handler)");
    expect(node.processInfo(named)?.initialCall).toBe("counter");
  });

  test("lists at most the last hundred ancestors, nearest first", async () => {
    const { node } = createWorld();
    let last!: AnyPid;
    const link: Body<unknown, [number]> = async (self, left) => {
      last = self.pid;
      if (left > 0) self.spawn(link, left - 1);
      await self.receive();
    };
    node.spawn<unknown, [number]>(link, 150);
    await quiesce();
    const ancestors = node.processInfo(last)?.ancestors as AnyPid[];
    expect(ancestors.length).toBeGreaterThan(20);
    expect(ancestors.length).toBeLessThanOrEqual(100);
    expect(ancestors.slice(0, 3).map(({ serial }) => serial)).toEqual([150, 149, 148]);
    expect(keyOf(last as never).length).toBeLessThan(300);
  });

  test.each<[string, (node: Node) => Promise<AnyPid>]>([
    [
      "receiving",
      async (node) => {
        const pid = node.spawn(idle);
        await quiesce();
        return pid;
      },
    ],
    [
      "running",
      async (node) => {
        const pid = node.spawn<never>(() => new Promise(() => undefined));
        await quiesce();
        return pid;
      },
    ],
    [
      "waiting",
      async (node) => {
        const pid = node.spawn<never>((self) => self.sleep(1_000));
        await quiesce();
        return pid;
      },
    ],
    [
      "waiting",
      async (node) => {
        const server = node.spawn<Call<"x", "y">>((self) => self.sleep(1e9));
        const pid = node.spawn<never>(async (self) => void (await self.call(server, "x")));
        await quiesce();
        return pid;
      },
    ],
    [
      "idle",
      async (node) => {
        const pid = node.spawn<never, null>({ init: () => null, message: () => null });
        await quiesce();
        return pid;
      },
    ],
    [
      "running",
      async (node) => {
        const pid = node.spawn<unknown, null>({
          init: () => null,
          message: () => new Promise(() => undefined),
        });
        node.send(pid, "x");
        await quiesce();
        return pid;
      },
    ],
    [
      "waiting",
      async (node) => {
        const pid = node.spawn<unknown, void>({
          init: () => undefined,
          message: (_state, _message, self) => self.sleep(1_000),
        });
        node.send(pid, "x");
        await quiesce();
        return pid;
      },
    ],
    [
      "exiting",
      async (node) => {
        const pid = node.spawn<never>(async (self) => {
          await self.sleep(1e9).catch(() => undefined);
          await new Promise(() => undefined);
        });
        await quiesce();
        node.exit(pid, "shutdown");
        await quiesce();
        return pid;
      },
    ],
  ])("says that a process is %s", async (status, make) => {
    const { node } = createWorld();
    expect(node.processInfo(await make(node))?.status).toBe(status);
  });

  test("says that a process is starting until its code runs", () => {
    const { node } = createWorld();
    expect(node.processInfo(node.spawn(idle))?.status).toBe("starting");
  });

  test("says that the process which asks about itself is running", async () => {
    const { node } = createWorld();
    expect(await spawnPuppet(node).do((self) => self.processInfo(self.pid)?.status)).toBe(
      "running",
    );
    const seen: unknown[] = [];
    const handler = node.spawn<unknown, null>({
      init: () => null,
      message(state, _message, self) {
        seen.push(self.processInfo(self.pid)?.status);
        return state;
      },
    });
    node.send(handler, "x");
    await quiesce();
    expect(seen).toEqual(["running"]);
  });
});

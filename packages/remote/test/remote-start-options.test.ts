import { describe, expect, test } from "@jest/globals";
import {
  formatFailure,
  name,
  type Alias,
  type Down,
  type Exit,
  type Pid,
  type Self,
  type Startable,
  type StartMonitorOptions,
} from "@coppice/core";
import { child, defineServer, defineSupervisor, startWith } from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import { labelToSend, labelToShow } from "../src/label.js";
import type { WireSignal } from "../src/wire-signal.js";
import { Hostile } from "./hostile.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const idle = defineServer({
  init: () => 0,
  cast: {
    stop: () => ({ stop: { shutdown: "asked to" } }),
    answer: (_state, to: Alias<string>, self: Self<never>) => self.send(to, "here"),
  },
});

/** Ends as soon as it has started, which its starter hears `later` or at once. */
const brief: Startable<never, readonly [later: boolean]> = startWith(
  async (starter, options, later: boolean) => {
    const started = await starter.spawnAndWait<never>(options, (self) => {
      self.initAck({});
      self.exit({ shutdown: "all done" });
    });
    for (let i = 0; later && i < 10; i++) await starter.sleep(10);
    return started;
  },
);

const refusing = defineServer({ init: () => ({ stop: "not today" }) });

/** Takes as long to unwind as it is told. */
const slow = startWith((starter, { timeoutMs: _timeoutMs, ...options }, ms: number) => ({
  pid: starter.spawnOpt<never>(options, async (self) => {
    const { node } = self;
    try {
      await self.receive();
    } finally {
      await node.sleep(ms);
    }
  }),
}));

const hanging: Startable = { start: () => new Promise<never>(() => undefined) };

const none = (): [] => [];
const behaviours = {
  idle: remoteBehaviour(idle, none),
  brief: remoteBehaviour(brief, ([later]) => [later === true]),
  refusing: remoteBehaviour(refusing, none),
  hanging: remoteBehaviour(hanging, none),
  slow: remoteBehaviour(slow as never, ([ms]) => [ms] as never),
};

interface Pair extends RemoteWorld {
  readonly a: Member;
  readonly b: Member;
  readonly heard: unknown[];
  far<B>(name: keyof typeof behaviours): B;
  /** Starts it from a process of `a` that goes on to note what it hears. */
  monitored(
    name: keyof typeof behaviours,
    options?: object,
    args?: readonly unknown[],
  ): Promise<{ readonly starter: Pid<unknown>; readonly got: unknown }>;
  /** What came of the start, if anything. */
  gotBy(starter: Pid<unknown>): unknown;
}

async function createPair(b: object = {}): Promise<Pair> {
  const world = createRemoteWorld();
  const a = await world.start("a");
  const other = await world.start("b", { behaviours, ...b });
  const heard: unknown[] = [];
  const outcomes = new Map<unknown, unknown>();
  const far = <B>(name: string): B => a.remote.behaviour("b", name) as B;
  return {
    ...world,
    a,
    b: other,
    heard,
    far,
    monitored: async (name, options = {}, args = []) => {
      const starter = a.node.spawn<unknown>(async (self) => {
        self.trapExits((exit: Exit) => ["exit", exit.reason]);
        const wanted = { monitor: (down: Down) => [down.ref, down.reason], ...options };
        const started = self.startOpt(
          wanted as StartMonitorOptions<unknown>,
          far<Startable<unknown, readonly unknown[]>>(name),
          ...args,
        );
        outcomes.set(self.pid, await started.catch((error: unknown) => error));
        for (;;) heard.push(await self.receive());
      });
      await world.settle();
      return { starter, got: outcomes.get(starter) };
    },
    gotBy: (starter) => outcomes.get(starter),
  };
}

/** Monitors of processes of `b` that are left, at either end. */
function monitors({ a, b }: Pair): unknown {
  return [...a.remote.nodes(), ...b.remote.nodes()].map(({ monitors: left }) => left);
}

describe("a start at another node with a monitor", () => {
  test("has the monitor before the process can end: who ends at once gives its own reason", async () => {
    const world = await createPair();
    const { heard, advance } = world;
    const reason = { shutdown: "all done" };
    for (const later of [false, true]) {
      const { starter } = await world.monitored("brief", {}, [later]);
      await advance(100);
      expect(heard).toEqual([[expect.objectContaining({ owner: starter }), reason]]);
      heard.length = 0;
    }
    await world.monitored("brief", { link: true }, [true]);
    await advance(100);
    expect(heard).toHaveLength(2);
    expect(heard).toEqual(
      expect.arrayContaining([
        ["exit", reason],
        [expect.anything(), reason],
      ]),
    );
    expect(monitors(world)).toEqual([0, 0]);
  });

  test("gives pid and reference, and tells the end once, with its reason", async () => {
    const world = await createPair();
    const { a, b, heard, settle } = world;
    const { starter, got } = await world.monitored("idle");
    const { pid, ref } = got as { readonly pid: Pid<never>; readonly ref: object };
    expect([pid.node, ref]).toEqual(["b", expect.objectContaining({ owner: starter })]);
    expect(monitors(world)).toEqual([1, 1]);
    a.node.cast(pid as never, ["stop"] as never);
    await settle();
    b.node.exit(pid, "kill");
    await settle();
    expect(heard).toEqual([[ref, { shutdown: "asked to" }]]);
    expect(monitors(world)).toEqual([0, 0]);
  });

  test("tells a lost connection as noconnection; who is not linked lives on over there", async () => {
    const world = await createPair();
    const { b, heard, network, settle } = world;
    const { got } = await world.monitored("idle");
    network.sever("a", "b");
    await settle();
    expect(heard).toEqual([[(got as { readonly ref: unknown }).ref, "noconnection"]]);
    expect(b.node.processes()).toEqual([expect.objectContaining({ node: "b" })]);
  });

  test("that is refused, or fails, is an error and nothing else", async () => {
    const world = await createPair();
    const { heard } = world;
    const failed = await world.monitored("refusing");
    expect(failed.got).toMatchObject({ code: "START_FAILED", reason: "not today" });
    const refused = await world.monitored("heap" as never);
    expect(refused.got).toMatchObject({ code: "START_FAILED", reason: "notAllowed" });
    const { starter } = await world.monitored("hanging");
    world.network.sever("a", "b");
    await world.settle();
    expect(world.gotBy(starter)).toMatchObject({ code: "START_FAILED", reason: "noconnection" });
    expect(heard).toEqual([]);
  });

  test("whose starter ends before the answer leaves no monitor", async () => {
    const world = await createPair();
    const { a, b, settle } = world;
    await a.remote.connect("b");
    const starter = a.node.spawn<unknown>(async (self) => {
      await self.startMonitor((down) => down, world.far<typeof idle>("idle"));
    });
    await Promise.resolve();
    await Promise.resolve();
    a.node.exit(starter, "kill");
    await settle();
    expect(b.node.processes()).toHaveLength(1);
    expect(monitors(world)).toEqual([0, 0]);
  });

  test("whose starter ends before the answer leaves no process that was to be linked with it", async () => {
    const world = await createPair();
    const { a, b, settle } = world;
    await a.remote.connect("b");
    const starter = a.node.spawn<unknown>(async (self) => {
      await self.startLink(world.far<typeof idle>("idle"));
    });
    await Promise.resolve();
    await Promise.resolve();
    a.node.exit(starter, "kill");
    await settle();
    expect(b.nodeEvents).toContainEqual(
      expect.objectContaining({ type: "exited", reason: "noproc" }),
    );
    expect(b.node.processes()).toEqual([]);
    const links = [...a.remote.nodes(), ...b.remote.nodes()].map(({ links: left }) => left);
    expect(links).toEqual([0, 0]);
  });

  test("ends with its starter: at neither node anything is left of it", async () => {
    const world = await createPair();
    const { a, settle } = world;
    const { starter } = await world.monitored("idle");
    expect(monitors(world)).toEqual([1, 1]);
    a.node.exit(starter, "kill");
    await settle();
    expect(monitors(world)).toEqual([0, 0]);
  });

  test("can be taken back, and be an alias", async () => {
    const world = await createPair();
    const { a, heard, settle } = world;
    const { got } = await world.monitored("idle", { monitorOptions: { alias: "reply_demonitor" } });
    const { pid, ref } = got as { readonly pid: Pid<never>; readonly ref: never };
    a.node.cast(pid as never, ["answer", ref] as never);
    await settle();
    expect([heard, monitors(world)]).toEqual([["here"], [0, 0]]);
    a.node.spawn<unknown>(async (self) => {
      const second = await self.startMonitor((down) => down, world.far<typeof idle>("idle"));
      heard.push(self.demonitor(second.ref, { info: true }));
      self.exit(second.pid, "kill");
      heard.push(await self.receive({ timeoutMs: 100 }));
    });
    await world.advance(100);
    expect(heard).toEqual(["here", true, expect.any(Symbol)]);
    expect(monitors(world)).toEqual([0, 0]);
  });

  test("says `limit` where the other node has as many monitors as it may, after the answer", async () => {
    const world = await createPair({ limits: { maxMonitors: 1, maxMonitorsPerProcess: 1 } });
    await world.monitored("idle");
    const { got } = await world.monitored("idle");
    expect(world.heard).toEqual([[(got as { readonly ref: unknown }).ref, "limit"]]);
    expect(world.b.remote.breaches).toEqual({ maxMonitors: 1 });
  });

  test("is asked for by processes alone, in the form that it has at home", async () => {
    const { a, far } = await createPair();
    const starts = await Promise.allSettled([
      far<Startable>("idle").start(a.node as never, { monitor: true } as never),
      far<Startable>("idle").start(a.node as never, { link: true } as never),
      far<Startable>("idle").start(a.node as never, { unwindMs: -1 } as never),
    ]);
    const refused = { status: "rejected", reason: { code: "INVALID_ARGUMENT" } };
    expect(starts).toMatchObject([refused, refused, refused]);
  });
});

describe("what a start at another node says of the process", () => {
  test("its label travels: a supervisor's child is called there what it is called here", async () => {
    const { a, b, far, settle } = await createPair();
    const starting = a.node.start(
      defineSupervisor({
        strategy: "one_for_one",
        children: [
          child("w1", far<typeof idle>("idle")),
          child({ id: "w2", label: "the second" }, far<typeof idle>("idle")),
        ],
      }),
    );
    await settle();
    await starting;
    const labels = b.node.processes().map((pid) => b.node.processInfo(pid)?.label);
    expect(labels).toEqual(["w1", "the second"]);
  });

  test("a label that is too long is cut, and one that would break a log does not", async () => {
    const { a, b, far, settle } = await createPair();
    const long = "é".repeat(200);
    for (const label of [long, "two\nlines \u202e\u2028", "half \ud83d"]) {
      void a.node.startOpt({ label }, far<typeof idle>("idle"));
    }
    await settle();
    const labels = b.node.processes().map((pid) => b.node.processInfo(pid)?.label);
    expect(labels).toEqual([
      `${"é".repeat(126)}…`,
      "two\\u{a}lines \\u{202e}\\u{2028}",
      "half \ufffd",
    ]);
    expect(new TextEncoder().encode(labels[0])).toHaveLength(255);
    expect([labelToSend("x".repeat(255)), labelToShow("plain – ñ 👩‍🚀")]).toEqual([
      "x".repeat(255),
      "plain – ñ 👩‍🚀",
    ]);
  });

  test.each<[string, object, number, boolean]>([
    ["5 s by default", {}, 6_000, true],
    ["as long as is said", { unwindMs: 7_000.5 }, 6_000, false],
    ["as long as is said, and no longer", { unwindMs: 7_000.5 }, 8_000, true],
    ["for ever", { unwindMs: Infinity }, 1e6, false],
  ])("it may unwind there %s", async (_, options, ms, isZombie) => {
    const { a, b, far, settle, advance } = await createPair();
    const starting = a.node.startOpt(
      { ...options, timeoutMs: 250.5 },
      far<Startable<never, readonly [number]>>("slow"),
      ms,
    );
    await settle();
    a.node.exit(await starting, "shutdown");
    await advance(1e6 + 1);
    expect(b.nodeEvents.some(({ type }) => type === "zombie")).toBe(isZombie);
    expect(b.events).toEqual([expect.objectContaining({ type: "up" })]);
  });

  test("two starts of one number that both go on end the session; one that is answered makes the number free", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { behaviours });
    const peer = await Hostile.open(world, "x", "b");
    const start = (what: string): WireSignal<unknown> => ({
      op: "spawn",
      request: 7,
      from: 1,
      name: what,
      payload: [],
      options: {},
    });
    for (let i = 0; i < 2; i++) {
      peer.say(start("idle"));
      await world.settle();
    }
    expect(peer.of("spawn-reply").map(({ request }) => request)).toEqual([7, 7]);
    peer.say(start("hanging"));
    await world.settle();
    expect(peer.end).toBeUndefined();
    peer.say(start("idle"));
    await world.settle();
    expect(peer.end).toMatchObject({ code: 4007, text: expect.stringContaining("goes on") });
    expect(b.node.processes()).toHaveLength(2);
  });

  test("a monitor by a number that one has already is not set, and the node is told", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { behaviours });
    const First = name<never>("first");
    b.node.spawnOpt<never>({ name: First }, (self) => self.receive());
    const peer = await Hostile.open(world, "x", "b");
    peer.say({ op: "monitor", ref: 5, from: 1, target: "first" });
    const options = { monitor: 5 };
    peer.say({ op: "spawn", request: 1, from: 1, name: "idle", payload: [], options });
    await world.settle();
    expect(b.events).toContainEqual(
      expect.objectContaining({ type: "denied", what: "a monitor that is set already" }),
    );
    for (const pid of b.node.processes()) b.node.exit(pid, "kill");
    await world.settle();
    expect(peer.of("down")).toMatchObject([{ ref: 5, target: "first" }]);
    peer.say({ op: "monitor", ref: 5, from: 1, target: "first" });
    await world.settle();
    expect(peer.of("down")).toHaveLength(2);
  });

  test("a start that gives a process of a third node is an error, and that one is ended", async () => {
    const world = createRemoteWorld();
    const c = await world.start("c", { behaviours });
    const a = await world.start("a");
    const relayed = { idle: { behaviour: idle as Startable<never, never>, args: none as never } };
    const b = await world.start("b", { behaviours: relayed });
    (relayed.idle as { behaviour: unknown }).behaviour = b.remote.behaviour("c", "idle");
    const starting = a.node.start(a.remote.behaviour("b", "idle")).catch((error: unknown) => error);
    await world.settle();
    expect(await starting).toMatchObject({
      cause: { message: expect.stringContaining("a process of this node") },
    });
    expect(c.node.processes()).toEqual([]);
    expect(b.nodeEvents.flatMap((event) => formatFailure(event) ?? [])).toEqual([]);
  });
});

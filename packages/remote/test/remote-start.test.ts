import { describe, expect, test } from "@jest/globals";
import {
  formatFailure,
  name,
  type AnyPid,
  type Exit,
  type Node,
  type Startable,
} from "@coppice/core";
import { child, defineServer, defineSupervisor } from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import { SpawnServer } from "../src/spawn-server.js";
import { createBreachCounts, DEFAULT_LIMITS } from "../src/limits.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const stack = defineServer({
  init: (items: readonly string[]) => {
    if (items.includes("bad")) throw new Error("bad item");
    return items;
  },
  call: {
    pop: ([top, ...rest]) => ({ reply: top, state: rest }),
  },
  cast: {
    crash: () => {
      throw new Error("crashed");
    },
  },
});

const behaviours = {
  stack: remoteBehaviour(stack, (args) => {
    const [items, ...rest] = args;
    if (rest.length > 0 || !Array.isArray(items) || !items.every((i) => typeof i === "string")) {
      throw new TypeError("one array of strings");
    }
    return [items as readonly string[]];
  }),
};

async function createPair(
  options: { readonly a?: object; readonly b?: object } = {},
): Promise<RemoteWorld & { a: Member; b: Member; far: typeof stack }> {
  const world = createRemoteWorld();
  const a = await world.start("a", options.a);
  const b = await world.start("b", { behaviours, ...options.b });
  return { ...world, a, b, far: a.remote.behaviour<typeof stack>("b", "stack") };
}

/** What comes of a start from outside. */
async function outcome(
  { settle }: RemoteWorld,
  node: Node,
  behaviour: Startable<never, never>,
  ...args: readonly unknown[]
): Promise<unknown> {
  const started = node.start(behaviour, ...(args as never)).catch((error: unknown) => error);
  await settle();
  return started;
}

describe("a start at another node", () => {
  test("gives a pid there that is used like one's own", async () => {
    const world = await createPair();
    const { a, b, far, settle } = world;
    const starting = a.node.start(far, ["x", "y"]);
    await settle();
    const pid = await starting;
    expect(pid.node).toBe("b");
    expect(b.node.processes()).toHaveLength(1);
    const popped = a.node.call(pid, ["pop"]);
    await settle();
    expect(await popped).toBe("x");
  });

  test.each<[string, string, readonly unknown[], object]>([
    ["a behaviour that is not listed", "heap", [[]], { reason: "notAllowed" }],
    ["one that only objects have", "constructor", [[]], { reason: "notAllowed" }],
    [
      "arguments that are refused",
      "stack",
      [["x", 1]],
      { reason: { badArguments: "one array of strings" } },
    ],
    ["too many arguments", "stack", [[], 2], { reason: { badArguments: "one array of strings" } }],
  ])("is refused: %s", async (_, name, args, error) => {
    const world = await createPair();
    const { a, b } = world;
    const behaviour = a.remote.behaviour<typeof stack>("b", name);
    expect(await outcome(world, a.node, behaviour, ...args)).toMatchObject(error);
    expect(b.node.processes()).toEqual([]);
  });

  test("fails with the reason of its init, and when the node cannot be reached", async () => {
    const world = await createPair();
    const { a, far } = world;
    const failed = await outcome(world, a.node, far, ["bad"]);
    expect(failed).toMatchObject({ code: "START_FAILED", cause: { message: "bad item" } });
    const nowhere = a.remote.behaviour<typeof stack>("nowhere", "stack");
    expect(await outcome(world, a.node, nowhere, [])).toMatchObject({ reason: "noconnection" });
    const lost = a.node.start(far, []).catch((error: unknown) => error);
    world.network.sever("a", "b");
    await world.settle();
    expect(["noconnection", undefined]).toContain(((await lost) as { reason?: string }).reason);
  });

  test("at the very node that asks is a start there, of what that lists", async () => {
    const { a, b, settle } = await createPair({ a: { behaviours } });
    const here = a.remote.behaviour<typeof stack>((connected) => connected[0] ?? "a", "stack");
    const world = { settle } as RemoteWorld;
    const pid = (await outcome(world, a.node, here, ["x"])) as AnyPid;
    expect([pid.node, a.node.isAlive(pid)]).toEqual(["a", true]);
    expect(await outcome(world, a.node, here, [5])).toMatchObject({
      reason: { badArguments: "one array of strings" },
    });
    const unlisted = a.remote.behaviour<typeof stack>("a", "heap");
    expect(await outcome(world, a.node, unlisted)).toMatchObject({ reason: "notAllowed" });
    // As a child it is linked, and ends with its supervisor.
    const tree = defineSupervisor({
      strategy: "one_for_one",
      children: [child("stack", here, ["y"])],
    });
    const supervisor = await a.node.start(tree);
    expect(a.node.processes()).toHaveLength(3);
    a.node.exit(supervisor, "shutdown");
    await settle();
    expect(a.node.processes()).toEqual([pid]);
    // What is connected comes first.
    await Promise.all([a.remote.connect("b"), settle()]);
    expect((await outcome(world, a.node, here, ["z"])) as AnyPid).toMatchObject({ node: "b" });
    expect(b.node.processes()).toHaveLength(1);
  });

  test("is no permission, and no argument, where a promise is given in its place", async () => {
    const rejected = () => Promise.reject(new Error("later"));
    const odd = {
      open: { ...behaviours.stack, allow: () => Promise.resolve(true) as never },
      broken: { ...behaviours.stack, allow: rejected as never },
      later: { ...behaviours.stack, args: rejected as never },
      one: { ...behaviours.stack, args: (() => 5) as never },
    };
    const world = await createPair({ b: { behaviours: odd } });
    const { a, b } = world;
    const outcomes: unknown[] = [];
    for (const key of Object.keys(odd)) {
      outcomes.push(await outcome(world, a.node, a.remote.behaviour("b", key), []));
    }
    const message = (what: string, came: string): object => ({
      reason: {
        error: {
          message: `startRemote: options.behaviours.${what}: what args returned must be an array, but is ${came}`,
        },
      },
    });
    expect(outcomes).toMatchObject([
      { reason: "notAllowed" },
      { reason: "notAllowed" },
      message("later", "a promise"),
      message("one", "5"),
    ]);
    expect(b.node.processes()).toEqual([]);
  });

  test("gives the info of the process; what of it cannot travel, or be read, is told and costs nothing else", async () => {
    const telling: Startable<never, readonly [what: string]> = {
      start: async (starter, options, what) => {
        const started = (await stack.start(starter, options as never, [])) as object;
        const infos = {
          small: 1,
          big: "x".repeat(70_000),
          deep: [[[[[[[[[1]]]]]]]]],
          code: () => 1,
        };
        return { ...started, info: infos[what as keyof typeof infos] } as never;
      },
    };
    const world = await createPair({
      a: { limits: { maxDepth: 8 } },
      b: {
        behaviours: { telling: remoteBehaviour(telling, ([what]) => [what as string]) },
      },
    });
    const { a, b, settle } = world;
    const far = a.remote.behaviour<typeof telling>("b", "telling");
    const starts: unknown[] = [];
    let starter: unknown;
    a.node.spawn<never>(async (self) => {
      starter = self.pid;
      for (const what of ["small", "big", "code", "deep"]) {
        starts.push(await far.start(self as never, {}, what as never));
      }
      await self.sleep(1e6);
    });
    for (let i = 0; i < 12; i++) await settle();
    const pid = expect.objectContaining({ node: "b" });
    expect(starts).toEqual([{ pid, info: 1 }, { pid }, { pid }, { pid }]);
    const [, big, code, deep] = starts as { readonly pid: AnyPid }[];
    expect(b.nodeEvents.filter(({ type }) => type === "undelivered")).toMatchObject([
      { why: "unsendable", error: { message: expect.stringMatching(/^reply.info is more than/) } },
      { why: "unsendable", error: { message: expect.stringMatching(/^reply.info is a function/) } },
    ]);
    const told = b.nodeEvents.flatMap((event) =>
      event.type === "undelivered" ? [[String(event.from), String(event.to)]] : [],
    );
    expect(told).toEqual([big, code].map((start) => [String(start?.pid), String(starter)]));
    // Who asked is told of each, too, whichever end noticed.
    const lost = (start: { readonly pid: AnyPid } | undefined, why: string): unknown =>
      expect.stringContaining(`process ${String(start?.pid)} was started; its ${why}`);
    expect(a.nodeEvents.flatMap((event) => formatFailure(event) ?? [])).toEqual([
      lost(big, `node could not send its info: "reply.info is more than 65536 bytes`),
      lost(code, `node could not send its info: "reply.info is a function`),
      lost(deep, "info cannot be read"),
    ]);
    expect(b.node.counts.processes).toBe(4);
  });

  test("is asked of the peers it is listed for alone, and only so often", async () => {
    const picky = {
      stack: { ...behaviours.stack, allow: ({ name }: { readonly name: string }) => name === "c" },
    };
    const world = await createPair({
      b: { behaviours: picky, limits: { maxSpawnsPerSecond: 3, maxSpawnedChildren: 2 } },
    });
    const { a, b, far, start } = world;
    expect(await outcome(world, a.node, far, [])).toMatchObject({ reason: "notAllowed" });
    // Who runs that node hears of it as well, once.
    expect(b.events.filter(({ type }) => type === "denied")).toEqual([
      { type: "denied", node: "a", what: 'a start of "stack"' },
    ]);
    const c = await start("c");
    const fromC = c.remote.behaviour<typeof stack>("b", "stack");
    const outcomes: unknown[] = [];
    for (let i = 0; i < 5; i++) outcomes.push(await outcome(world, c.node, fromC, []));
    const refused = outcomes.map((one) => (one as { reason?: string }).reason);
    expect(refused).toEqual([undefined, undefined, "limit", "limit", "limit"]);
    expect(b.remote.breaches).toEqual({ maxSpawnedChildren: 3 });
    await world.advance(1_000);
    for (const pid of b.node.processes()) b.node.exit(pid, "kill");
    for (let i = 0; i < 2; i++) await outcome(world, c.node, fromC, []);
    expect(b.node.processes()).toHaveLength(2);
  });

  test("of more than its rate waits for its turn, in order: it is not refused, so that no tree is too big to be started", async () => {
    const limits = { maxSpawnsPerSecond: 10 };
    const world = await createPair({ b: { behaviours, limits } });
    const { a, b, far, advance } = world;
    const started: unknown[] = [];
    for (let i = 0; i < 25; i++) {
      void a.node.start(far, [String(i)]).then(
        () => started.push(i),
        (error: unknown) => started.push(error),
      );
    }
    await advance(0);
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await advance(500);
    expect(started).toHaveLength(15);
    await advance(1_000);
    expect(started).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(b.remote.breaches).toEqual({ maxSpawnsPerSecond: 15 });
    // A supervisor asks for one after the other.
    const children = Array.from({ length: 30 }, (_, i) => child(`stack ${i}`, far, [String(i)]));
    const tree = a.node.start(defineSupervisor({ strategy: "one_for_one", children }));
    await advance(4_000);
    expect(a.node.isAlive(await tree)).toBe(true);
    expect(b.node.processes()).toHaveLength(55);
  });

  test("that waits for its turn is not carried out when its time is over, or nobody asks any more", async () => {
    const limits = { maxSpawnsPerSecond: 1 };
    const world = await createPair({ b: { behaviours, limits } });
    const { a, b, far, advance, network } = world;
    const outcomes: unknown[] = [];
    const start = (options: { readonly timeoutMs?: number }): void =>
      void a.node.startOpt(options, far, []).then(
        ({ node }) => outcomes.push(node),
        ({ reason }: { reason: unknown }) => outcomes.push(reason),
      );
    start({});
    start({ timeoutMs: 400 });
    start({ timeoutMs: 5_000 });
    await advance(500);
    expect(outcomes).toEqual(["b", "timeout"]);
    start({});
    network.sever("a", "b");
    await advance(10_000);
    expect(outcomes).toEqual(["b", "timeout", "noconnection", "noconnection"]);
    expect(b.node.processes()).toHaveLength(1);
    // Nothing of them is left that would count.
    await Promise.all([a.remote.connect("b"), world.settle()]);
    start({});
    await advance(2_000);
    expect([outcomes.at(-1), b.node.processes().length]).toEqual(["b", 2]);
  });

  test("is refused by an `allow` that throws: who asks is told so, and nothing else ends", async () => {
    const broken = {
      stack: {
        ...behaviours.stack,
        allow: () => {
          throw new Error("no such table");
        },
      },
    };
    const world = await createPair({ b: { behaviours: broken } });
    const { a, b, far } = world;
    expect(await outcome(world, a.node, far, [])).toMatchObject({ reason: "notAllowed" });
    expect(b.node.processes()).toEqual([]);
  });

  test.each<[string, number, unknown]>([
    ["is told with its answer", 9_999, "normal"],
    [
      "is forgotten when many others have ended since, for a start that hangs must not keep all",
      10_000,
      undefined,
    ],
  ])("an end before the start is answered %s", async (_, others, ended) => {
    const { a } = await createPair();
    const { node } = a;
    let answer!: (pid: AnyPid) => void;
    const hangs = new Promise<AnyPid>((resolve) => (answer = resolve));
    const behaviour = { start: async () => ({ pid: await hangs }) } as unknown as typeof stack;
    const listed = { slow: remoteBehaviour(behaviour, () => [[]]) };
    const server = new SpawnServer(node, listed, DEFAULT_LIMITS, createBreachCounts());
    const peer = { name: "c", role: "node" } as const;
    const asked = { name: "slow", args: [], options: {}, parent: undefined, link: false };
    const request = { ...asked, peer, isWanted: () => true };
    let outcome: unknown;
    const starting = server.start(request, server.of("c"), (said) => (outcome = said));
    const end = async (): Promise<AnyPid> => {
      const pid = node.spawn(async () => undefined);
      await node.whenExited(pid);
      return pid;
    };
    const pid = await end();
    for (let i = 0; i < others; i++) await end();
    answer(pid);
    await starting;
    expect(outcome).toEqual({ pid, ended });
  });

  test("is counted by peer; of whom nothing runs, and who may start as many as any, nothing is kept", async () => {
    const { node } = (await createPair()).a;
    const limits = { ...DEFAULT_LIMITS, maxSessions: 2 };
    const server = new SpawnServer(node, {}, limits, createBreachCounts());
    const first = server.of("first");
    const busy = server.of("busy");
    busy.alive = 1;
    expect(server.of("first")).toBe(first);
    server.of("third");
    // There was no room: of the first nothing had to be known, of the second something.
    expect([server.of("busy") === busy, server.of("first") === first]).toEqual([true, false]);
    server.stop();
  });

  test("linked: each hears of the other's end", async () => {
    const world = await createPair();
    const { a, b, far, settle } = world;
    const heard: unknown[] = [];
    const starter = a.node.spawn<Exit>(async (self) => {
      self.trapExits();
      const first = await self.startLink(far, []);
      self.cast(first, ["crash"]);
      heard.push((await self.receive()).reason);
      await self.startLink(far, []);
      await self.receive();
    });
    await settle();
    expect(heard).toMatchObject([{ error: { message: "crashed" } }]);
    expect(b.node.processes()).toHaveLength(1);
    a.node.exit(starter, "kill");
    await settle();
    expect(b.node.processes()).toEqual([]);
    expect(a.remote.nodes()).toMatchObject([{ links: 0 }]);
  });

  test("that is ignored there is an error that says so, and a child that is ignored", async () => {
    const absent = defineServer({ init: () => ({ ignore: true }) as { readonly ignore: true } });
    const none = (): [] => [];
    const world = await createPair({
      b: { behaviours: { absent: remoteBehaviour(absent, none) } },
    });
    const { a, settle } = world;
    const there = a.remote.behaviour<typeof absent>("b", "absent");
    expect(await outcome(world, a.node, there)).toMatchObject({
      code: "START_FAILED",
      reason: "ignore",
    });
    const starting = a.node.start(defineSupervisor({ children: [child("absent", there)] }));
    await settle();
    expect(a.node.isAlive(await starting)).toBe(true);
  });

  test.each([true, false])(
    "whose connection is lost before its answer leaves no process where it was to be linked: %s",
    async (link) => {
      let goOn!: () => void;
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      const slow = defineServer({ init: () => gate.then(() => ({ state: 0 })) });
      const none = (): [] => [];
      const world = await createPair({ b: { behaviours: { slow: remoteBehaviour(slow, none) } } });
      const { a, b, network, settle } = world;
      const there = a.remote.behaviour<typeof slow>("b", "slow");
      let outcomeOf: unknown;
      a.node.spawn<unknown>(async (self) => {
        await self.startOpt(link ? { link } : {}, there).catch((error) => (outcomeOf = error));
      });
      await settle();
      expect(b.node.processes()).toHaveLength(1);
      network.sever("a", "b");
      await settle();
      expect(outcomeOf).toMatchObject({ code: "START_FAILED", reason: "noconnection" });
      goOn();
      await settle();
      expect(b.node.processes()).toHaveLength(link ? 0 : 1);
    },
  );

  test("with an argument that cannot be sent is refused at once, and asks for nothing", async () => {
    const { a, b, far, advance } = await createPair();
    const before = b.node.processes().length;
    const started = a.node.startOpt({ timeoutMs: 100 }, far, (() => 1) as never);
    await expect(started).rejects.toMatchObject({ code: "UNSENDABLE_TERM" });
    // Nor does anything come of it when its time would be over.
    await advance(60_000);
    expect(b.node.processes()).toHaveLength(before);
    expect(a.node.counts.timers).toBe(0);
  });

  test("takes no option that means nothing there", async () => {
    const { a, b, far, settle } = await createPair();
    const before = b.node.processes().length;
    const starts: readonly [string, Promise<unknown>][] = [
      ["mailbox", a.node.startOpt({ mailbox: { limit: 1 } }, far, [])],
      ["name", a.node.startOpt({ name: name("x") as never }, far, [])],
    ];
    for (const [option, started] of starts) {
      const error = await started.catch((one: unknown) => one);
      expect((error as Error).message).toContain(`options.${option}`);
      expect((error as Error).message).toMatch(/ there\)|its mailbox\)/);
    }
    await settle();
    expect(b.node.processes()).toHaveLength(before);
  });
});

describe("a supervisor", () => {
  test("has children at other nodes: one whose node is lost is started elsewhere", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a");
    const b = await world.start("b", { behaviours });
    const c = await world.start("c", { behaviours });
    const live = ["b", "c"];
    const place = (): string => live[0] as string;
    const far = a.remote.behaviour<typeof stack>(place, "stack");
    const tree = defineSupervisor({
      strategy: "one_for_one",
      intensity: 10,
      children: [child("stack", far, ["x"])],
    });
    const starting = a.node.start(tree);
    await world.settle();
    const supervisor = await starting;
    expect(b.node.processes()).toHaveLength(1);
    live.shift();
    world.network.crash("b");
    await world.settle();
    expect(c.node.processes()).toHaveLength(1);
    const [pid] = c.node.processes();
    c.node.exit(pid as never, "kill");
    await world.settle();
    expect(c.node.processes()).toHaveLength(1);
    a.node.exit(supervisor, "shutdown");
    await world.advance(6_000);
    expect([a.node.isAlive(supervisor), c.node.processes()]).toEqual([false, []]);
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  at,
  name,
  type Call,
  type Down,
  type Exit,
  type Node,
  type Pid,
  type Self,
  type Target,
} from "@coppice/core";
import type { Dialler, Transport, TransportEvents } from "../src/transport.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

type Echo = Call<unknown, unknown>;
const EchoName = name<Echo>("echo");

function startEcho(node: Node): Pid<Echo> {
  const pid = node.spawn<Echo>(async (self: Self<Echo>) => {
    for (;;) {
      const { from, request } = await self.receive();
      if (request === "crash") throw new TypeError("boom");
      if (request === "refuse") self.refuse(from, new RangeError("no"));
      else if (request === "pid") self.reply(from, self.pid);
      else if (request !== "ignore") self.reply(from, request);
    }
  });
  node.register(EchoName, pid);
  return pid;
}

/** Two nodes, not connected, with an echo at `b`. */
async function createPair(
  options: { readonly a?: object; readonly b?: object } = {},
): Promise<RemoteWorld & { a: Member; b: Member; echo: Pid<Echo> }> {
  const world = createRemoteWorld();
  const a = await world.start("a", options.a);
  const b = await world.start("b", options.b);
  const echo = startEcho(b.node);
  return { ...world, a, b, echo };
}

type PairWorld = Awaited<ReturnType<typeof createPair>>;

/** The pid of the echo as `a` knows it. */
async function farEcho({ a, settle }: PairWorld): Promise<Pid<Echo>> {
  const asked = a.node.call(at("b", EchoName), "pid");
  await settle();
  return (await asked) as Pid<Echo>;
}

const kinds = ({ events }: Member): string[] => events.map(({ type }) => type);

describe("two nodes", () => {
  test("connect when one has something to say to the other, and both are told", async () => {
    const { a, b, settle } = await createPair();
    const reply = a.node.call(at("b", EchoName), { hello: [1, 2n, new Map([["k", null]])] });
    await settle();
    expect(await reply).toEqual({ hello: [1, 2n, new Map([["k", null]])] });
    expect(a.events).toEqual([
      {
        type: "up",
        node: "b",
        incarnation: b.node.incarnation,
        role: "node",
        address: "memory://b",
      },
    ]);
    expect(b.events).toMatchObject([{ type: "up", node: "a", incarnation: a.node.incarnation }]);
    expect(a.remote.nodes()).toMatchObject([{ name: "b", links: 0, monitors: 0 }]);
  });

  test("keep the order of what is said while they connect", async () => {
    const { a, b, settle } = await createPair();
    const got: unknown[] = [];
    const sink = b.node.spawn<number>(async (self) => {
      for (;;) got.push(await self.receive());
    });
    b.node.register(name<number>("sink"), sink);
    const Sink = at("b", name<number>("sink"));
    for (let n = 0; n < 100; n++) a.node.send(Sink, n);
    await settle();
    for (let n = 100; n < 200; n++) a.node.send(Sink, n);
    await settle();
    expect(got).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  test("refuse each other without the same cookie, whoever dials; nothing is delivered", async () => {
    const { a, b, settle, echo } = await createPair({
      a: { insecure: false, cookie: "0123456789abcdef" },
      b: { insecure: false, cookie: "0123456789abcdeX" },
    });
    const failed = a.node.call(at("b", EchoName), 1).catch((error: unknown) => error);
    await settle();
    expect(await failed).toMatchObject({ code: "SERVER_EXIT", reason: "noconnection" });
    expect(a.events).toMatchObject([{ type: "refused", node: "b", code: CLOSE_CODES.AUTH }]);
    expect(kinds(b)).toEqual(["refused"]);
    // Who dialled is warned, once however often it is tried.
    const again = a.remote.connect("b").catch((error: unknown) => error);
    await settle();
    expect(await again).toMatchObject({ code: "UNREACHABLE" });
    expect(kinds(a)).toEqual(["refused", "refused"]);
    const warnings = ({ nodeEvents }: Member): string[] =>
      nodeEvents.flatMap((event) => (event.type === "report" ? [event.report.format()] : []));
    expect(warnings(a)).toEqual([
      "no connection with b at memory://b: a wrong proof (4002); is the cookie the same at both?",
    ]);
    expect(warnings(b)).toEqual([]);
    expect(b.node.mailboxOf(echo)).toEqual([]);
    expect(a.remote.nodes()).toEqual([]);
  });

  test("are of one cluster while their cookie is changed, node by node: each takes several, and dials with the first", async () => {
    const [old, next] = ["the cookie of this year", "the cookie of next year"];
    // Two that follow one another in any rollout are there together.
    const steps = [[old], [old, next], [next, old], [next]];
    for (const [step, cookie] of steps.slice(1).entries()) {
      const world = createRemoteWorld();
      const [before, after] = [steps[step] as string[], cookie];
      const names = ["a", "b"] as const;
      for (const [i, ofOne] of [before, after].entries()) {
        await world.start(names[i] as string, { insecure: false, cookie: ofOne });
      }
      const c = await world.start("c", { insecure: false, cookie: before, frameMac: true });
      const d = await world.start("d", { insecure: false, cookie: after });
      for (const [from, to] of [
        [c, "b"],
        [d, "a"],
        [d, "c"],
      ] as const) {
        const [life] = await Promise.all([from.remote.connect(to), world.settle()]);
        expect(life.name).toBe(to);
      }
    }
    // One that knows none of them, or dials with one that is not taken any more, is none of it.
    const world = createRemoteWorld();
    await world.start("a", { insecure: false, cookie: [next] });
    for (const cookie of [[old, next], ["another one altogether"]]) {
      const stranger = await world.start(`of-${cookie.length}`, { insecure: false, cookie });
      const asked = stranger.remote.connect("a").catch((error: unknown) => error);
      await world.settle();
      expect(await asked).toMatchObject({ code: "UNREACHABLE", closeCode: CLOSE_CODES.AUTH });
    }
  });

  test("talk with the same cookie", async () => {
    const cookie = "a cookie that nobody guesses";
    const { a, settle } = await createPair({
      a: { insecure: false, cookie },
      b: { insecure: false, cookie },
    });
    const reply = a.node.call(at("b", EchoName), "x");
    await settle();
    expect(await reply).toBe("x");
  });
});

describe("across nodes", () => {
  test("a call fails with the server's error, its end, and its absence", async () => {
    const world = await createPair();
    const { a, b, settle } = world;
    const echo = await farEcho(world);
    const outcome = async (target: Target<Echo>, request: unknown) => {
      const result = a.node
        .call(target, request)
        .then((reply) => ({ reply }))
        .catch((error: unknown) => error);
      await settle();
      return result;
    };
    expect(await outcome(echo, "refuse")).toMatchObject({ name: "RangeError", message: "no" });
    expect(await outcome(at("b", name<Echo>("nobody")), 1)).toMatchObject({ code: "NO_PROCESS" });
    const crashed = await outcome(echo, "crash");
    expect(crashed).toMatchObject({ code: "SERVER_EXIT" });
    const { reason } = crashed as { reason: { error: Error } };
    expect([reason.error.name, reason.error.message]).toEqual(["TypeError", "boom"]);
    expect(await outcome(echo, 1)).toMatchObject({ code: "NO_PROCESS" });
    expect(b.remote.nodes()).toMatchObject([{ links: 0, monitors: 0 }]);
  });

  test("a call times out on the caller's clock", async () => {
    const { a, advance } = await createPair();
    const failed = a.node
      .call(at("b", EchoName), "ignore", { timeoutMs: 50 })
      .catch((error: unknown) => error);
    await advance(50);
    expect(await failed).toMatchObject({ code: "CALL_TIMEOUT" });
  });

  test("a term that cannot travel is the sender's error, and nothing is left behind", async () => {
    const world = await createPair();
    const echo = await farEcho(world);
    const { a } = world;
    const bad = { handler: { onClick: () => undefined } };
    expect(() => a.node.send(echo as Pid<unknown>, bad)).toThrow("message.handler.onClick");
    expect(() => a.node.call(echo, bad)).toThrow("onClick");
    expect(() => a.node.call(at("c", EchoName), bad)).toThrow("onClick");
    await world.settle();
    expect(a.remote.nodes()).toMatchObject([{ name: "b", monitors: 0 }]);
  });

  test("links, monitors and exits mean what they mean at home", async () => {
    const world = await createPair();
    const { a, settle } = world;
    const echo = await farEcho(world);
    const log: unknown[] = [];
    a.node.spawn<Exit | Down>(async (self) => {
      self.trapExits();
      self.link(echo);
      self.monitor(echo);
      self.monitor(at("b", EchoName));
      self.exit(echo, { shutdown: "enough" });
      for (;;) {
        const { type, reason } = await self.receive();
        log.push([type, reason]);
      }
    });
    await settle();
    const reason = { shutdown: "enough" };
    expect(log.sort()).toEqual([
      ["down", reason],
      ["down", reason],
      ["exit", reason],
    ]);
  });

  test("a lost connection is told once to all, and the next call connects again", async () => {
    const world = await createPair();
    const { a, b, network, settle, advance } = world;
    const echo = await farEcho(world);
    const log: unknown[] = [];
    a.node.spawn<Exit | Down>(async (self) => {
      self.trapExits();
      self.link(echo);
      self.monitor(echo);
      for (;;) log.push((await self.receive()).reason);
    });
    const call = a.node.call(echo, "ignore").catch((error: unknown) => error);
    await settle();
    network.sever("a", "b");
    await settle();
    expect(log).toEqual(["noconnection", "noconnection"]);
    expect(await call).toMatchObject({ reason: "noconnection" });
    expect(b.node.isAlive(echo)).toBe(false);
    expect(kinds(a)).toEqual(["up", "down"]);
    await advance(20_000);
    const again = startEcho(b.node);
    const reply = a.node.call(at("b", EchoName), "pid");
    await settle();
    expect(String(await reply)).toBe(String(again));
    expect(kinds(a)).toEqual(["up", "down", "up"]);
  });

  test("pids of three nodes stay what they are on their way around", async () => {
    const world = await createPair();
    const { a, b, settle, start } = world;
    const c = await start("c");
    const [Relay, Keeper] = [name<Pid<string>>("relay"), name<Pid<string>>("keeper")];
    const relay = b.node.spawn<Pid<string>>(async (self) => {
      self.send(at("c", Keeper), await self.receive());
    });
    b.node.register(Relay, relay);
    const got: unknown[] = [];
    const keeper = c.node.spawn<Pid<string>>(async (self) => {
      const about = await self.receive();
      self.send(about, "hello");
      got.push(about);
    });
    c.node.register(Keeper, keeper);
    const hello: unknown[] = [];
    const pid = a.node.spawn<string>(async (self) => {
      self.send(at("b", Relay), self.pid);
      hello.push(await self.receive());
    });
    await settle();
    expect([hello, String(got[0])]).toEqual([["hello"], String(pid)]);
  });

  test("the end of a process comes after all that it has said", async () => {
    const world = await createPair();
    const { a, b, settle } = world;
    const Talker = name<Pid<number>>("talker");
    const talker = b.node.spawn<Pid<number>>(async (self) => {
      const to = await self.receive();
      for (let said = 1; said <= 500; said++) self.send(to, said);
      self.exit("enough");
    });
    b.node.register(Talker, talker);
    const log: unknown[] = [];
    a.node.spawn<number | Down>(async (self) => {
      self.monitor(at("b", Talker));
      self.send(at("b", Talker), self.pid as Pid<number>);
      for (;;) {
        const message = await self.receive();
        log.push(typeof message === "number" ? message : message.reason);
      }
    });
    await settle();
    expect(log).toEqual([...Array.from({ length: 500 }, (_, said) => said + 1), "enough"]);
  });

  test("all are told of a loss before anything of the next session", async () => {
    const world = await createPair();
    const { a, b, network, settle, advance } = world;
    const echo = await farEcho(world);
    const log: string[] = [];
    const watcher = a.node.spawn<"hello again" | Down>(async (self) => {
      for (let i = 0; i < 2_500; i++) self.monitor(echo);
      for (;;) {
        const message = await self.receive();
        log.push(typeof message === "string" ? message : String(message.reason));
      }
    });
    const told = a.node.call(at("b", EchoName), watcher);
    await settle();
    await told;
    // As soon as anybody can know.
    b.remote.events.subscribe(({ type }) => {
      if (type !== "down") return;
      void b.remote.connect("a");
      b.node.send(watcher, "hello again");
    });
    network.sever("a", "b");
    await advance(20_000);
    expect(log.length).toBe(2_501);
    expect(log.indexOf("hello again")).toBe(2_500);
    expect(new Set(log.slice(0, 2_500))).toEqual(new Set(["noconnection"]));
  });
});

describe("connecting", () => {
  test("lasts, also where nobody says anything: each asks whether the other lives, and is answered", async () => {
    const { a, b, settle, advance } = await createPair();
    await Promise.all([a.remote.connect("b"), settle()]);
    for (let second = 0; second < 300; second += 5) await advance(5_000);
    expect([kinds(a), kinds(b)]).toEqual([["up"], ["up"]]);
  });

  test("never: what is said comes to nothing, links and monitors are told at once", async () => {
    const { a, network, settle } = await createPair({ a: { connect: "never" } });
    a.node.send(at("b", EchoName), 1 as never);
    const failed = a.node.call(at("b", EchoName), 1).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ reason: "noconnection" });
    await settle();
    expect([network.connections, kinds(a)]).toEqual([0, []]);
    await Promise.all([a.remote.connect("b"), settle()]);
    const reply = a.node.call(at("b", EchoName), 1);
    await settle();
    expect(await reply).toBe(1);
  });

  test("is not with whom one's peers are connected with", async () => {
    const { a, b, network, settle, advance, start } = await createPair({
      a: { join: ["memory://b"] },
    });
    const c = await start("c", { join: ["memory://b"] });
    await advance(20_000);
    const replies = [a, c].map(({ node }) => node.call(at("b", EchoName), node.name));
    await settle();
    expect(await Promise.all(replies)).toEqual(["a", "c"]);
    const nodes = [a, b, c].map(({ remote }) => remote.nodes().map((node) => node.name));
    expect(nodes.map((names) => names.sort())).toEqual([["b"], ["a", "c"], ["b"]]);
    expect(network.connections).toBe(2);
  });

  test("once: not again when the session is lost", async () => {
    const { a, network, settle, advance } = await createPair({ a: { connect: "once" } });
    const first = a.node.call(at("b", EchoName), 1);
    await settle();
    await first;
    network.sever("a", "b");
    await advance(60_000);
    const failed = a.node.call(at("b", EchoName), 1).catch((error: unknown) => error);
    await settle();
    expect(await failed).toMatchObject({ reason: "noconnection" });
  });

  test("waits longer after each failure, and is not tried meanwhile", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", {}, { random: { next: () => 0.999 } });
    const attempts: number[] = [];
    a.remote.events.subscribe(() => void attempts.push(world.clock.now()));
    for (let i = 0; i < 400; i++) {
      a.node.send(at("b", EchoName), 1 as never);
      await world.advance(10);
    }
    const gaps = attempts.slice(1).map((at, i) => at - (attempts[i] as number));
    expect(gaps.slice(0, 4)).toEqual([100, 200, 400, 800]);
  });

  test("both at once gives one session, whoever is first", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const world = await createPair();
      const { a, b, network, settle, advance } = world;
      startEcho(a.node);
      network.fault("a", "b", { latencyMs: seed % 7 });
      network.fault("b", "a", { latencyMs: (seed * 3) % 5 });
      const calls = [a.node.call(at("b", EchoName), 1), b.node.call(at("a", EchoName), 2)];
      const outcomes = Promise.allSettled(calls);
      if (seed % 2 === 1) await settle();
      await advance(100);
      expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
      expect([a.remote.nodes().length, b.remote.nodes().length]).toEqual([1, 1]);
      await advance(100);
      expect(network.connections).toBe(1);
      expect(kinds(a).filter((kind) => kind === "up")).toHaveLength(1);
    }
  });

  test("who asks for it when somebody else does, on either side, gets that session", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const { a, b, network, settle, advance } = await createPair();
      network.fault("a", "b", { latencyMs: seed % 7 });
      network.fault("b", "a", { latencyMs: (seed * 3) % 5 });
      const asked = [
        a.remote.connect("b"),
        a.remote.connect("b"),
        b.remote.connect("a"),
        a.remote.connect("memory://b"),
        b.remote.connect("memory://a"),
      ];
      const names = Promise.all(asked.map(async (one) => (await one).name));
      if (seed % 2 === 1) await settle();
      await advance(200);
      expect(await names).toEqual(["b", "b", "a", "b", "a"]);
      const again = Promise.all([a.remote.connect("memory://b"), a.remote.connect("b")]);
      await advance(100);
      expect((await again).map((life) => life.name)).toEqual(["b", "b"]);
      expect(network.connections).toBe(1);
      // Nothing is left to be waited for.
      expect(a.remote.nodes()).toHaveLength(1);
    }
  });

  test.each([
    ["is of no kind that is known", () => "10.0.0.1:7000", "nobody knows how to dial that"],
    ["cannot be dialled", () => "broken://", "broken://: TypeError: what is that"],
    ["is not there", () => null, "nobody knows its address"],
    ["is no text", () => 5, "resolve: the answer is no text"],
    ["is an error", () => Promise.reject(new Error("down")), "resolve: Error: down"],
    ["comes later, and is no text", async () => ({}), "resolve: the answer is no text"],
    ["comes later, and cannot be dialled", async () => "broken://", "TypeError: what is that"],
    ["never comes", () => new Promise(() => undefined), "resolve: no answer within 5000 ms"],
  ])("to a node whose address %s: who waits is told why", async (_, resolve, why) => {
    const broken = {
      accepts: (address: string) => address.startsWith("broken:"),
      dial: () => {
        throw new TypeError("what is that");
      },
    };
    const world = createRemoteWorld();
    const a = await world.start("a", { resolve: resolve as never, diallers: [broken] });
    const asked = Promise.allSettled([
      a.node.call(at("b", EchoName), 1, { timeoutMs: 60_000 }),
      a.remote.connect("b"),
    ]);
    a.node.send(at("b", EchoName), 1 as never);
    await world.advance(5_000);
    expect(await asked).toMatchObject([
      { reason: { code: "SERVER_EXIT", reason: "noconnection" } },
      { reason: { code: "UNREACHABLE", message: expect.stringContaining(why) } },
    ]);
    // Nobody has closed a connection: there was none.
    const text = expect.stringContaining(why);
    expect(a.events).toContainEqual(expect.objectContaining({ type: "refused", code: 1006, text }));
  });

  test("that is under way when the node stops comes to nothing", async () => {
    const { a, b, advance, network } = await createPair({
      a: { resolve: () => new Promise((found) => setImmediate(() => found("memory://b"))) },
    });
    const asked = a.remote.connect("b").catch((error: unknown) => error);
    await a.node.stop();
    await advance(100);
    expect(await asked).toMatchObject({ code: "REMOTE_STOPPED" });
    expect([b.remote.nodes(), network.connections]).toEqual([[], 0]);
  });

  test("to where nobody says keeps nothing alive when the node stops", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { resolve: () => new Promise(() => undefined) });
    const asked = a.remote.connect("b").catch((error: unknown) => error);
    const called = a.node.call(at("c", EchoName), 1).catch((error: unknown) => error);
    await world.settle();
    await a.node.stop();
    expect(await asked).toMatchObject({ code: "REMOTE_STOPPED" });
    expect(await called).toMatchObject({ reason: "noconnection" });
    expect(world.clock.pending).toBe(0);
  });

  test("with a node of one's own name is refused", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a");
    const other = await world.start("a2", { resolve: () => "memory://a" });
    void other;
    await expect(
      Promise.all([a.remote.connect("memory://a"), world.settle()]),
    ).rejects.toMatchObject({ code: "UNREACHABLE", closeCode: CLOSE_CODES.NAME_TAKEN });
    expect(a.remote.nodes()).toEqual([]);
  });

  test("to where another node answers than was meant is refused", async () => {
    const world = await createPair({ a: { resolve: () => "memory://b" } });
    const failed = world.a.node.call(at("c", EchoName), 1).catch((error: unknown) => error);
    await world.settle();
    expect(await failed).toMatchObject({ reason: "noconnection" });
    expect(world.b.remote.nodes()).toEqual([]);
  });

  test("a live session is not given up for a newcomer of its name; one that is silent is", async () => {
    const world = await createPair();
    const { a, network, start, settle, advance } = world;
    await farEcho(world);
    // Another node that says it is b, from elsewhere.
    network.crash("nowhere");
    const dialler: Dialler = {
      accepts: () => true,
      dial: (address) => network.dial("elsewhere", address),
    };
    const impostor = await start("b", {
      listen: [],
      diallers: [dialler],
      resolve: () => "memory://a",
    });
    const attempt = impostor.remote.connect("a").catch((error: unknown) => error);
    await advance(1_100);
    expect(await attempt).toMatchObject({ closeCode: CLOSE_CODES.NAME_TAKEN });
    expect(kinds(a)).toEqual(["up", "refused"]);
    // What has that name falls silent.
    network.fault("b", "a", { mode: "hold" });
    const again = impostor.remote.connect("a");
    await settle();
    expect(kinds(a)).toEqual(["up", "refused"]);
    await advance(1_100);
    expect(await again).toMatchObject({ name: "a" });
    expect(kinds(a)).toEqual(["up", "refused", "down", "up"]);
    expect(a.remote.nodes()).toMatchObject([{ incarnation: impostor.node.incarnation }]);
  });

  test("whoever dials, a second node of a name is told from the first, and who dials is warned of it", async () => {
    const world = createRemoteWorld();
    const { network, start, advance, settle } = world;
    const first = await start("b");
    const second = await start("b", {
      listen: { listen: (accept) => network.listen("elsewhere", accept) },
    });
    const c = await start("c", { join: ["memory://b"] });
    await settle();
    const attempt = c.remote.connect("memory://elsewhere").catch((error: unknown) => error);
    await advance(1_100);
    expect(await attempt).toMatchObject({ closeCode: CLOSE_CODES.NAME_TAKEN });
    expect(kinds(c)).toEqual(["up", "refused"]);
    expect(c.remote.nodes()).toMatchObject([{ incarnation: first.node.incarnation }]);
    // Nor was the second one let to believe that it has a session.
    expect(kinds(second)).toEqual(["refused"]);
    const warnings = c.nodeEvents.flatMap((event) => (event.type === "report" ? [event] : []));
    expect(warnings.map(({ report }) => report.format())).toEqual([
      "no connection with memory://elsewhere: another node has that name (4021); is there another node of that name?",
    ]);
    // The first one falls silent.
    network.fault("b", "c", { mode: "hold" });
    const again = c.remote.connect("memory://elsewhere");
    await advance(1_100);
    expect(await again).toMatchObject({ incarnation: second.node.incarnation });
    expect(kinds(c)).toEqual(["up", "refused", "down", "up"]);
  });
});

describe("an address to join", () => {
  test("is connected with at start, and again when the session is lost", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { join: ["memory://b"] });
    await world.advance(5_000);
    expect(kinds(a)).toContain("refused");
    await world.start("b");
    await world.advance(10_000);
    expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
    world.network.sever("a", "b");
    await world.settle();
    expect(a.remote.nodes()).toEqual([]);
    await world.advance(10_000);
    expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
  });
});

test("what is no name of a node, and no transport, is refused where it is said", async () => {
  const { a, b, settle } = await createPair();
  const { remote } = a;
  for (const node of [undefined, 5, "", {}] as never[]) {
    expect(() => remote.isBusy(node)).toThrow("isBusy: node must be the name of a node");
    expect(() => remote.disconnect(node)).toThrow("disconnect: node must be the name of a node");
    await expect(remote.ready(node)).rejects.toThrow("ready: node must be the name of a node");
  }
  for (const transport of [undefined, 5, {}, { start() {}, send() {} }] as never[]) {
    expect(() => remote.accept(transport)).toThrow(/accept: transport.\w+ must be a function/);
  }
  expect(() => remote.trySend({} as never, at("b", EchoName), 1 as never)).toThrow("sender.send");
  expect(() => remote.behaviour("b", 5 as never)).toThrow("behaviour: name must be a name");
  await Promise.all([remote.connect("b"), settle()]);
  expect(b.remote.nodes()).toHaveLength(1);
});

describe("a transport that a user made", () => {
  const works: Transport = {
    remoteAddress: "odd://b",
    bufferedBytes: 0,
    start: (events) => void Promise.resolve().then(() => events.opened()),
    send: () => undefined,
    close: () => undefined,
  };
  const fails = (what: string) => (): never => {
    throw new RangeError(`${what} fails`);
  };

  test.each<[string, unknown, string]>([
    ["that is none", 5, "dial returned.start must be a function, but is undefined"],
    ["without a way to close", { ...works, close: undefined }, "dial returned.close"],
    ["whose start throws", { ...works, start: fails("start") }, "RangeError: start fails"],
    ["whose send throws", { ...works, send: fails("send") }, "RangeError: send fails"],
    [
      "whose close throws",
      {
        ...works,
        start: ({ opened, frame }: TransportEvents) => {
          opened();
          frame(Uint8Array.of(1));
        },
        close: fails("close"),
      },
      "no array where one is due",
    ],
  ])("%s ends its connection, and nothing else", async (_, transport, why) => {
    const world = createRemoteWorld();
    const dialler: Dialler = {
      accepts: (address) => address === "odd://b",
      dial: () => transport as Transport,
    };
    const a = await world.start("a", {
      diallers: [dialler],
      resolve: (node) => (node === "b" ? "odd://b" : `memory://${node}`),
      join: ["odd://b"],
    });
    const c = await world.start("c");
    startEcho(c.node);
    const asked = Promise.allSettled([
      a.node.call(at("b", EchoName), 1),
      a.remote.connect("odd://b"),
      a.node.call(at("c", EchoName), 2),
    ]);
    await world.advance(1_000);
    const error = { code: "UNREACHABLE", message: expect.stringContaining(why) };
    expect(await asked).toMatchObject([
      { reason: { code: "SERVER_EXIT", reason: "noconnection" } },
      { reason: error },
      { value: 2 },
    ]);
    const refused = a.events.filter(({ type }) => type === "refused");
    expect(refused.length).toBeGreaterThan(2);
    // Nor does one that is given do more.
    if (typeof (transport as Partial<Transport>).close !== "function") return;
    a.remote.accept(transport as Transport);
    await world.advance(6_000);
    expect(a.remote.nodes()).toMatchObject([{ name: "c" }]);
    await a.node.stop();
  });
});

describe("two addresses to join", () => {
  test("of one node are dialled until there is a session, and both again when that is lost", async () => {
    const world = createRemoteWorld();
    const { network } = world;
    const host = (name: string) => ({
      listen: (accept: (transport: Transport) => void) => network.listen(name, accept),
    });
    await world.start("b", { listen: [host("b"), host("b-by-another-name")] });
    const a = await world.start("a", { join: ["memory://b", "memory://b-by-another-name"] });
    await world.advance(60_000);
    const refused = a.events.filter(({ type }) => type === "refused");
    expect(kinds(a).filter((kind) => kind === "up")).toEqual(["up"]);
    // Both began at once; the next time it was known who is there.
    expect(refused.length).toBeLessThanOrEqual(2);
    network.sever("a", "b");
    await world.advance(20_000);
    expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
  });

  test("are dialled again and again also where who dials fails at once", async () => {
    const world = createRemoteWorld();
    const { network } = world;
    let failures = 3;
    const dialler: Dialler = {
      accepts: (address) => address === "moody:b",
      dial: () => {
        if (failures-- > 0) throw new Error("not now");
        return network.dial("a", "memory://b");
      },
    };
    await world.start("b");
    const a = await world.start("a", { diallers: [dialler], join: ["moody:b"] });
    await world.advance(20_000);
    expect(a.remote.nodes()).toMatchObject([{ name: "b" }]);
  });
});

describe("silence", () => {
  test("ends a session on both sides when the cable is pulled", async () => {
    const world = await createPair();
    const { a, b, network, advance } = world;
    await farEcho(world);
    network.fault("a", "b", { mode: "hold" });
    network.fault("b", "a", { mode: "hold" });
    await advance(14_000);
    expect([a.remote.nodes().length, b.remote.nodes().length]).toEqual([1, 1]);
    await advance(6_100);
    expect(a.events.at(-1)).toMatchObject({ type: "down", code: CLOSE_CODES.SILENCE });
    expect(b.events.at(-1)).toMatchObject({ type: "down", code: CLOSE_CODES.SILENCE });
  });

  test("of one direction ends it on both sides", async () => {
    const world = await createPair();
    const { a, b, network, advance } = world;
    await farEcho(world);
    network.fault("a", "b", { mode: "hold" });
    await advance(30_000);
    expect([a.remote.nodes(), b.remote.nodes()]).toEqual([[], []]);
  });

  test("of processes does not: what is idle for a day is still connected", async () => {
    const world = await createPair();
    await farEcho(world);
    await world.advance(600_000);
    expect([world.a.remote.nodes().length, kinds(world.a)]).toEqual([1, ["up"]]);
  });
});

describe("stop", () => {
  test("of remoting ends all sessions in order, and lets nobody in any more", async () => {
    const world = await createPair();
    const { a, b, settle, network } = world;
    await farEcho(world);
    const stopped = b.remote.stop();
    await settle();
    await stopped;
    expect(a.events.at(-1)).toMatchObject({
      type: "down",
      node: "b",
      code: CLOSE_CODES.NORMAL,
      text: "the node stops",
      byPeer: true,
    });
    expect(network.connections).toBe(0);
    await expect(b.remote.connect("a")).rejects.toMatchObject({ code: "REMOTE_STOPPED" });
    await expect(Promise.all([a.remote.connect("b"), settle()])).rejects.toMatchObject({
      code: "UNREACHABLE",
    });
  });

  test("of the node ends remoting too", async () => {
    const world = await createPair();
    const { a, b, settle } = world;
    await farEcho(world);
    await b.node.stop();
    await settle();
    expect(a.remote.nodes()).toEqual([]);
  });
});

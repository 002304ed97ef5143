import { describe, expect, test } from "@jest/globals";
import { at, name, type Call, type Pid } from "@coppice/core";
import { defineServer } from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import type { GroupEvent } from "../src/groups.js";
import type { NameEvent } from "../src/name-store.js";
import type { RemoteEvent } from "../src/remote-event.js";
import type { MonitorNodesOptions, NodeStatus } from "../src/remote.js";
import { Hostile } from "./hostile.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

async function createPair(ofA: object = {}): Promise<RemoteWorld & { a: Member; b: Member }> {
  const world = createRemoteWorld();
  const a = await world.start("a", { hearMs: 3_600_000, ...ofA });
  const b = await world.start("b", { hearMs: 3_600_000 });
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b };
}

describe("trySend", () => {
  test("sends, or says that the node is busy and sends nothing; to this node always", async () => {
    const { a, b, network, settle } = await createPair({ limits: { softQueueBytes: 64 * 1024 } });
    const Sink = name<Uint8Array>("sink");
    let got = 0;
    const spawnSink = (member: Member): Pid<Uint8Array> =>
      member.node.spawn<Uint8Array>(async (self) => {
        for (;;) {
          await self.receive();
          got++;
        }
      });
    b.node.register(Sink, spawnSink(b));
    network.fault("a", "b", { mode: "hold" });
    const block = new Uint8Array(8 * 1024);
    let sent = 0;
    while (a.remote.trySend(a.node, at("b", Sink), block) === "sent") sent++;
    expect(sent).toBe(8);
    expect(a.remote.trySend(a.node, spawnSink(a), block)).toBe("sent");
    await settle();
    expect(got).toBe(1);
    network.fault("a", "b", {});
    await settle();
    expect([got, a.remote.trySend(a.node, at("b", Sink), block)]).toEqual([sent + 1, "sent"]);
    await settle();
    expect(got).toBe(sent + 2);
    expect(() => a.remote.trySend(a.node, Sink as never, block as never)).toThrow(/trySend: to/);
  });
});

describe("monitorNodes", () => {
  /** A process that keeps what it is told, in order. */
  function spawnWatcher({ node, remote }: Member, options: MonitorNodesOptions = {}) {
    const told: unknown[] = [];
    const pid = node.spawn<NodeStatus | "down" | "stop">(async (self) => {
      for (;;) {
        const message = await self.receive();
        if (message === "stop") return;
        told.push(message === "down" ? message : [message.type, message.node, message.incarnation]);
      }
    });
    return { pid, told, over: remote.monitorNodes(pid, (status) => status, options) };
  }

  test("tells of nodes that come and go, after links and monitors were told of it", async () => {
    const { a, b, network, settle } = await createPair();
    const Idle = name<never>("idle");
    b.node.register(
      Idle,
      b.node.spawn<never>((self) => self.sleep(1e9)),
    );
    const { told, pid } = spawnWatcher(a);
    a.node.spawn<never>(async (self) => {
      for (let i = 0; i < 3; i++) {
        self.monitor(at("b", Idle), () => {
          told.push("another's down");
          return undefined as never;
        });
      }
      await self.sleep(1e9);
    });
    await settle();
    network.sever("a", "b");
    await settle();
    const down = ["another's down", "another's down", "another's down"];
    expect(told).toEqual([...down, ["nodedown", "b", b.node.incarnation]]);
    await Promise.all([a.remote.connect("b"), settle()]);
    expect(told.at(-1)).toEqual(["nodeup", "b", b.node.incarnation]);
    expect(a.node.isAlive(pid)).toBe(true);
  });

  test("until it is taken back, or the process has ended", async () => {
    const { a, network, settle } = await createPair();
    const [one, two] = [spawnWatcher(a), spawnWatcher(a)];
    one.over();
    a.node.send(two.pid, "stop");
    await settle();
    network.sever("a", "b");
    await settle();
    expect([one.told, two.told]).toEqual([[], []]);
    expect(a.nodeEvents.filter(({ type }) => type === "undelivered")).toEqual([]);
  });

  test("of one node alone; one that cannot be reached is down", async () => {
    const { a, b, network, settle, start } = await createPair();
    const ofB = spawnWatcher(a, { node: "b" });
    const ofC = spawnWatcher(a, { node: "c" });
    await settle();
    expect([ofB.told, ofC.told]).toEqual([[], [["nodedown", "c", undefined]]]);
    const c = await start("c");
    await Promise.all([a.remote.connect("c"), settle()]);
    network.sever("a", "b");
    await settle();
    expect(ofB.told).toEqual([["nodedown", "b", b.node.incarnation]]);
    expect(ofC.told.slice(1)).toEqual([["nodeup", "c", c.node.incarnation]]);
  });

  test("of nodes, unless clients are asked for, or one is by its name", async () => {
    const { a, b, settle, start } = await createPair();
    const watched = [{}, { role: "client" }, { role: "all" }, { node: "page" }].map((options) =>
      spawnWatcher(a, options as MonitorNodesOptions),
    );
    await settle();
    const page = await start("page", { role: "client" });
    await Promise.all([page.remote.connect("a"), settle()]);
    b.remote.disconnect("a");
    page.remote.disconnect("a");
    await settle();
    const names = watched.map(({ told }) => told.map((status) => (status as unknown[])[1]));
    expect(names).toEqual([
      ["b"],
      ["page", "page"],
      ["page", "b", "page"],
      ["page", "page", "page"],
    ]);
    const pid = a.node.spawn<never>((self) => self.sleep(1e9));
    expect(() => a.remote.monitorNodes(pid, String as never, { role: "hidden" as never })).toThrow(
      /options.role must be "node", "client" or "all"/,
    );
  });

  test("with the reason why one is down", async () => {
    const { a, b, network, settle } = await createPair();
    const reasons: unknown[] = [];
    const pid = a.node.spawn<NodeStatus>(async (self) => {
      for (;;) {
        const status = await self.receive();
        if (status.type === "nodedown") reasons.push([status.node, status.code, status.text]);
      }
    });
    for (const node of ["b", "nowhere"]) a.remote.monitorNodes(pid, (status) => status, { node });
    await settle();
    b.remote.disconnect("a");
    await settle();
    await Promise.all([a.remote.connect("b"), settle()]);
    network.sever("a", "b");
    await settle();
    expect(reasons).toEqual([
      ["nowhere", 1006, "nobody listens"],
      ["b", 4000, "not wanted any more"],
      ["b", 1006, "the connection broke"],
    ]);
  });

  test("is for processes of this node", async () => {
    const { a, b } = await createPair();
    const far = spawnWatcher(b).pid;
    expect(() => a.remote.monitorNodes(far, (status) => status)).toThrow(/monitorNodes: pid/);
    const own = spawnWatcher(a).pid;
    expect(() => a.remote.monitorNodes(own, (status) => status, { nod: "b" } as never)).toThrow(
      /monitorNodes: options/,
    );
    for (const node of [5, "", null]) {
      expect(() => a.remote.monitorNodes(own, (status) => status, { node } as never)).toThrow(
        /options.node must be the name of a node/,
      );
    }
  });

  test.each(["a node that is lost", "a node that cannot be reached"])(
    "of %s crashes the process whose map throws, and nothing else",
    async (which) => {
      const { a, network, settle } = await createPair();
      const watched = spawnWatcher(a, { node: "b" });
      const careless = a.node.spawn<never>(async (self) => {
        self.trapExits(() => "trapped" as never);
        await self.receive();
      });
      const error = new Error("careless");
      const refuse = (): never => {
        throw error;
      };
      await settle();
      const isLost = which === "a node that is lost";
      a.remote.monitorNodes(careless, refuse, { node: isLost ? "b" : "nowhere" });
      await settle();
      if (isLost) network.sever("a", "b");
      await settle();
      expect(a.nodeEvents).toContainEqual(
        expect.objectContaining({ type: "exited", pid: careless, reason: { error } }),
      );
      expect(watched.told).toHaveLength(isLost ? 1 : 0);
    },
  );

  test("of its own node a process is told nothing", async () => {
    const { a, settle } = await createPair();
    const { told } = spawnWatcher(a, { node: "a" });
    await settle();
    expect(told).toEqual([]);
  });
});

test("what a process is told of by messages is told from each other by its type", () => {
  type Told =
    NodeStatus | GroupEvent | NameEvent | Extract<RemoteEvent, { type: "busy" | "ready" }>;
  const whatOf = (told: Told): string => {
    if (told.type === "join" || told.type === "leave") return told.group;
    if (told.type === "busy" || told.type === "ready") return `${told.type} ${told.node}`;
    if (told.type === "registered" || told.type === "unregistered") return told.name;
    return told.type === "lost" ? told.why : told.node;
  };
  expect(whatOf({ type: "join", group: "g", pids: [] })).toBe("g");
  expect(whatOf({ type: "ready", node: "b" })).toBe("ready b");
});

describe("calls that wait", () => {
  test("for replies of one node are so many: one more is its caller's error, and those that are answered make room", async () => {
    const { a, b, settle } = await createPair({ limits: { maxPendingCalls: 3 } });
    const Slow = name<Call<number, number> | "go">("slow");
    const server = b.node.spawn<Call<number, number> | "go">(async (self) => {
      for (;;) {
        await self.receive((message): message is "go" => message === "go");
        for (let i = 0; i < 3; i++) {
          const call = await self.receive(
            (message): message is Call<number, number> => message !== "go",
          );
          self.reply(call.from, call.request);
        }
      }
    });
    b.node.register(Slow, server);
    const outcomes: unknown[] = [];
    const call = (n: number): void =>
      void (async () => a.node.call(at("b", Slow), n))().then(
        (reply) => outcomes.push(reply),
        (error: { code: string }) => outcomes.push(error.code),
      );
    for (let n = 1; n <= 4; n++) call(n);
    await settle();
    expect(outcomes).toEqual(["TOO_MANY_CALLS"]);
    b.node.send(server, "go");
    await settle();
    expect(outcomes.slice(1)).toEqual([1, 2, 3]);
    expect(a.remote.breaches).toEqual({ maxPendingCalls: 1 });
    call(5);
    b.node.send(server, "go");
    await settle();
    expect(outcomes.at(-1)).toBe(5);
  });
});

describe("a start that asks to monitor", () => {
  const brief = defineServer({ init: (ms: number) => ms, cast: { end: () => ({ stop: "boom" }) } });
  const behaviours = {
    brief: remoteBehaviour(brief, ([ms]) => {
      if (typeof ms !== "number") throw new TypeError("a number");
      return [ms];
    }),
  };

  test("is told of the end of what it started", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { behaviours });
    const peer = await Hostile.open(world, "x", "b");
    const start = { op: "spawn", from: 5, name: "brief", payload: [1] } as const;
    peer.say({ ...start, request: 1, options: { monitor: 77 } });
    await world.settle();
    const [reply] = peer.of("spawn-reply");
    expect(typeof reply?.pid).toBe("number");
    expect(b.remote.nodes()[0]?.monitors).toBe(1);
    peer.say({ op: "exit", from: 5, to: reply?.pid as number, payload: "boom" });
    await world.settle();
    expect(peer.of("down")).toMatchObject([{ ref: 77, to: 5, target: reply?.pid }]);
    expect(peer.payloads("down")).toEqual(["boom"]);
  });
});

/** Who wants too much of a node gets so much and no more, and what he had is free when he is gone. */
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { at, createNode, isPid, name, type Pid } from "@coppice/core";
import { defineServer } from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import { Assembly } from "../src/fragment.js";
import { DEFAULT_LIMITS } from "../src/limits.js";
import { encodeSignal } from "../src/signal-writer.js";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { Hostile, joinGroup, pidBytes, unhex } from "./hostile.js";
import { createRemoteWorld, type Member } from "./remote-world.js";

const Victim = name<unknown>("victim");
const cookie = "a cookie that nobody guesses";

const sleeper = defineServer({
  init: (n: number) => n,
  cast: { add: (n, by: number) => ({ state: n + by }) },
});

const behaviours = {
  sleeper: remoteBehaviour(sleeper, (args) => {
    const [n, ...rest] = args;
    if (typeof n !== "number" || rest.length > 0) throw new TypeError("one number");
    return [n];
  }),
  // Nobody may.
  secret: remoteBehaviour(
    sleeper,
    () => [1],
    () => false,
  ),
};

const spawn = (request: number, of: string, args: unknown, options = {}) =>
  ({ op: "spawn", request, from: 1, name: of, payload: args, options }) as const;

describe("a peer that knows the key, by number", () => {
  test("Remote spawn: what is not listed, not for this peer, or not asked for as it is to be, does not start", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { behaviours });
    const peer = await Hostile.open(world, "a", "b");
    const started = b.node.processes().length;
    for (const evil of [
      "nothing",
      "secret",
      "constructor",
      "__proto__",
      "toString",
      "",
      "sleeper\u0000",
    ]) {
      peer.say(spawn(1, evil, [1]));
    }
    for (const args of [[], ["x"], [1, 2], 1, null, { 0: 1 }]) peer.say(spawn(2, "sleeper", args));
    await world.settle();
    const errors = peer.payloads("spawn-reply") as { readonly error: unknown }[];
    expect(errors.slice(0, 7).map(({ error }) => error)).toEqual(Array(7).fill("notAllowed"));
    expect(errors.slice(7).map(({ error }) => Object.keys(error as object)[0])).toEqual(
      Array(6).fill("badArguments"),
    );
    expect([
      peer.of("spawn-reply").every(({ pid }) => pid === null),
      b.node.processes().length,
    ]).toEqual([true, started]);
    // Options that there are none of break the protocol: {"cwd": 1} in place of options.
    const good = encodeSignal({ ...spawn(3, "sleeper", 0), payload: unhex("8101") });
    expect(good.at(-1)).toBe(0xa0);
    peer.connection.pushEncoded(
      0,
      Uint8Array.from([...good.subarray(0, -1), 0xa1, 0x63, ...Buffer.from("cwd"), 1]),
    );
    await world.settle();
    expect(peer.end?.code).toBe(CLOSE_CODES.PROTOCOL);
    // As a client it may not, unless the entry says so.
    const client = await Hostile.open(world, "client", "b", { role: "client" });
    client.say(spawn(1, "sleeper", [1]));
    await world.settle();
    expect(client.payloads("spawn-reply")).toEqual([{ error: "notAllowed" }]);
  });

  test("Remote spawn: of ten thousand at once a hundred start, few wait, and a new session does not make it more", async () => {
    const world = createRemoteWorld();
    const limits = { maxSpawnedChildren: 150 };
    const b = await world.start("b", { behaviours, limits });
    const before = b.node.processes().length;
    const alive = (): number => b.node.processes().length - before;
    let peer = await Hostile.open(world, "a", "b");
    for (let i = 0; i < 10_000; i++) peer.say(spawn(i, "sleeper", [i]));
    for (let i = 0; i < 30; i++) await world.settle();
    expect([alive(), peer.of("spawn-reply").length]).toEqual([100, 9_950]);
    expect(b.remote.breaches).toEqual({ maxSpawnsPerSecond: 50, maxSpawnedChildren: 9_850 });
    peer.connection.close(CLOSE_CODES.NORMAL, "");
    await world.settle();
    peer = await Hostile.open(world, "a", "b");
    for (let i = 0; i < 100; i++) peer.say(spawn(i, "sleeper", [i]));
    await world.settle();
    expect(alive()).toBe(100);
    // Those that waited were of a session that is over.
    await world.advance(2_000);
    expect(alive()).toBe(100);
    for (let i = 200; i < 300; i++) peer.say(spawn(i, "sleeper", [i]));
    await world.settle();
    expect([alive(), b.remote.breaches.maxSpawnedChildren]).toEqual([150, 10_000]);
    // Those that end make room.
    const [pid] = b.node.processes().slice(before);
    b.node.exit(pid as Pid<never>, "kill");
    await world.advance(1_000);
    peer.say(spawn(7, "sleeper", [7]));
    await world.settle();
    expect([alive(), peer.of("spawn-reply").at(-1)?.pid]).toEqual([150, expect.any(Number)]);
  });

  test("Table exhaustion: each table holds its limit and refuses the next, and all is free when the session ends", async () => {
    const world = createRemoteWorld();
    const limits = {
      maxLinks: 50,
      maxMonitors: 60,
      maxMonitorsPerProcess: 40,
      maxGroupJoins: 30,
      maxAliases: 20,
      maxSpawnsRunning: 10,
      clientSignalsBurst: 1_000,
    };
    const b = await world.start("b", { limits, exports: [Victim] });
    const victims = Array.from({ length: 100 }, () =>
      b.node.spawn<unknown>(async (self) => {
        self.trapExits(() => "exit");
        for (;;) {
          const message = await self.receive();
          if (isPid(message)) self.send(message as Pid<unknown>, self.pid);
        }
      }),
    );
    b.node.register(Victim, victims[0] as Pid<unknown>);
    const groups = b.remote.groups();
    const G = name<never>("g");
    for (let round = 0; round < 2; round++) {
      const peer = await Hostile.open(world, "a", "b");
      // By its number it finds those alone that it was told of.
      for (const victim of victims) b.node.send(at("a", name<unknown>("any")), victim);
      await world.settle();
      for (const [i, { serial }] of victims.entries())
        peer.say({ op: "link", from: 100 + i, to: serial });
      await world.settle();
      expect(peer.payloads("link-exit")).toEqual(Array(50).fill("limit"));
      for (let i = 0; i < 50; i++) peer.say({ op: "monitor", ref: i, from: 1, target: "victim" });
      for (let i = 50; i < 100; i++) peer.say({ op: "monitor", ref: i, from: 2, target: "victim" });
      // The node itself is held to the session's limit.
      for (let i = 100; i < 150; i++)
        peer.say({ op: "monitor", ref: i, from: 0, target: "victim" });
      await world.settle();
      expect(peer.payloads("down")).toEqual(Array(90).fill("limit"));
      // A number that is taken already changes nothing.
      for (let i = 0; i < 40; i++) peer.say({ op: "monitor", ref: 1, from: 1, target: "victim" });
      for (let i = 0; i < 50; i++) peer.sayRaw(joinGroup("g", pidBytes("a", 666, i)));
      await world.settle();
      expect(groups.members(G)).toHaveLength(30);
      expect(b.remote.nodes()).toMatchObject([{ links: 50, monitors: 60 }]);
      // What is taken back makes room.
      peer.say({ op: "demonitor", ref: 0 }, { op: "monitor", ref: 777, from: 3, target: "victim" });
      const downs = peer.of("down").length;
      await world.settle();
      expect([peer.of("down").length, b.remote.nodes()[0]?.monitors]).toEqual([downs, 60]);
      peer.connection.close(CLOSE_CODES.NORMAL, "");
      await world.settle();
      expect([b.remote.nodes(), groups.members(G), groups.groups()]).toEqual([[], [], []]);
    }
    expect(b.remote.breaches).toEqual({
      maxLinks: 100,
      maxMonitorsPerProcess: 20,
      maxMonitors: 160,
      maxGroupJoins: 40,
    });
    // Of what a client was told so much is remembered: the last, not the first.
    const client = await Hostile.open(world, "client", "b", { role: "client" });
    const told = victims.slice(0, 30);
    for (const victim of told) b.node.send(at("client", name<unknown>("any")), victim);
    for (const [ref, { serial }] of told.entries())
      client.say({ op: "monitor", ref, from: 100 + ref, target: serial });
    await world.settle();
    expect(client.of("send-name")).toHaveLength(30);
    expect(client.of("down").map(({ ref }) => ref)).toEqual(
      Array.from({ length: 10 }, (_, i) => i),
    );
  });

  test("Slow reader: for a peer that takes nothing so much is kept and no more, and the others are served", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b");
    const good = await world.start("good");
    const Sink = name<Uint8Array>("sink");
    let got = 0;
    good.node.register(
      Sink,
      good.node.spawn<Uint8Array>(async (self) => {
        for (;;) {
          await self.receive();
          got++;
        }
      }),
    );
    const peer = await Hostile.open(world, "slow", "b", {
      limits: { windowBytes: 65_536, fragmentBytes: 16_384 },
    });
    await Promise.all([b.remote.connect("good"), world.settle()]);
    // It grants nothing: not one byte beyond its window is to be sent.
    world.network.fault("b", "slow", { mode: "hold" });
    const block = new Uint8Array(65_000);
    let most = 0;
    for (let i = 0; i < 600; i++) {
      b.node.send(at("slow", Sink), block);
      b.node.send(at("good", Sink), block);
      if (i % 10 === 0) await world.settle();
      most = Math.max(most, b.remote.nodes().find((one) => one.name === "slow")?.queuedBytes ?? 0);
    }
    await world.settle();
    expect(most).toBeGreaterThan(15 << 20);
    expect(most).toBeLessThan(17 << 20);
    expect([peer.end?.code ?? "held", got]).toEqual(["held", 600]);
    expect(b.remote.nodes().map((one) => one.name)).toEqual(["good"]);
    expect(b.events.find(({ type }) => type === "down")).toMatchObject({
      node: "slow",
      code: CLOSE_CODES.OVERLOAD,
    });
  });

  /** Twenty clients that take nothing and one that does: what came of it, and the most that waited for all. */
  async function slowClients(
    overflow: "close" | "drop",
    rounds: number,
    cause: (b: Member, client: Hostile) => void,
  ): Promise<{ most: number; kept: number; ends: Set<number> }> {
    const world = createRemoteWorld();
    const limits = {
      softQueueBytes: 16 << 10,
      hardQueueBytes: 64 << 10,
      controlQueueBytes: 256 << 10,
      clientQueueBytes: 512 << 10,
    };
    const b = await world.start("b", { overflow, limits });
    const clients: Hostile[] = [];
    for (let i = 0; i < 20; i++) {
      const client = await Hostile.open(world, `slow${i}`, "b", { role: "client" });
      world.network.fault("b", `slow${i}`, { mode: "hold" });
      clients.push(client);
    }
    const good = await Hostile.open(world, "good", "b", { role: "client" });
    let most = 0;
    for (let round = 0; round < rounds; round++) {
      for (const client of clients) {
        if (b.remote.nodes().some((one) => one.name === client.home.name)) cause(b, client);
        b.node.send(at("good", name<number>("any")), round);
        await world.settle();
        const waiting = b.remote.nodes().reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
        most = Math.max(most, waiting);
      }
    }
    expect([good.end, good.of("send-name").length]).toEqual([undefined, rounds * clients.length]);
    const ends = b.events.flatMap((event) => (event.type === "down" ? [event.code] : []));
    const kept = b.remote.nodes().length - 1;
    await Promise.all([b.node.stop(), world.settle()]);
    return { most, kept, ends: new Set(ends) };
  }
  const told =
    (bytes: number) =>
    (b: Member, client: Hostile): void =>
      b.node.send(at(client.home.name, name<Uint8Array>("any")), new Uint8Array(bytes));
  const OVERLOADED = new Set([CLOSE_CODES.OVERLOAD]);

  test("Slow reader: clients that take nothing keep no more than all may, by one big message each", async () => {
    const { most, kept, ends } = await slowClients("close", 1, told(100 << 10));
    expect(most).toBeGreaterThan(400 << 10);
    expect(most).toBeLessThan(513 << 10);
    expect([kept, ends]).toEqual([5, OVERLOADED]);
  });

  test("Slow reader: clients that take nothing keep no more than all may, by ends, which are never dropped", async () => {
    let ref = 0;
    const { most, ends } = await slowClients("drop", 2, (_b, client) => {
      for (let i = 0; i < 200; i++) {
        client.say({ op: "monitor", ref: ++ref, from: 1, target: "x".repeat(200) });
      }
    });
    expect(most).toBeGreaterThan(400 << 10);
    expect(most).toBeLessThan(513 << 10);
    expect(ends).toEqual(OVERLOADED);
  });

  test("Slow reader: where too much waits for all clients, messages beyond the soft mark are dropped if that is the policy", async () => {
    const { most, kept, ends } = await slowClients("drop", 40, told(4 << 10));
    expect([kept, ends]).toEqual([20, new Set()]);
    expect(most).toBeGreaterThan(512 << 10);
    expect(most).toBeLessThan(640 << 10);
  });

  test("Fragment abuse: 65 streams at once, pieces that never end, and what is left when the session goes", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", {
      limits: { maxAssemblyBytes: 1 << 20, maxMessageBytes: 1 << 20 },
    });
    const piece = (stream: number, bytes = 100, last = false) =>
      ({ op: "frag", stream, last, bytes: new Uint8Array(bytes) }) as const;
    const many = await Hostile.open(world, "many", "b");
    for (let stream = 1; stream <= 64; stream++)
      many.connection.pushEncoded(0, encodeSignal(piece(stream)));
    await world.settle();
    expect(many.end).toBeUndefined();
    many.connection.pushEncoded(0, encodeSignal(piece(65)));
    await world.settle();
    expect(many.end).toMatchObject({ code: CLOSE_CODES.LIMIT });
    const endless = await Hostile.open(world, "endless", "b");
    for (let i = 0; i < 200; i++) {
      endless.connection.pushEncoded(0, encodeSignal(piece(1 + (i % 30), 60_000)));
      if (i % 20 === 0) await world.settle();
    }
    await world.settle();
    expect(endless.end).toMatchObject({ code: CLOSE_CODES.LIMIT });
    const empty = await Hostile.open(world, "empty", "b");
    for (let i = 0; i < 1_000; i++) empty.connection.pushEncoded(0, encodeSignal(piece(1, 0)));
    empty.connection.pushEncoded(0, encodeSignal(piece(1, 0, true)));
    await world.settle();
    expect(empty.end).toMatchObject({ code: CLOSE_CODES.PROTOCOL });
    expect(b.remote.nodes()).toEqual([]);
    expect(b.remote.breaches).toMatchObject({ maxFragmentStreams: 1, maxAssemblyBytes: 1 });
  });

  test("Fragment abuse: a million crumbs take the memory of what is in them", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const usedBytes = (): number => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const assembly = new Assembly(DEFAULT_LIMITS);
    const before = usedBytes();
    for (let i = 0; i < 1_000_000; i++) {
      const bytes = new Uint8Array(i % 10 === 0 ? 1 : 0).fill(i & 255);
      assembly.accept({ op: "frag", stream: i & 1, last: false, bytes });
    }
    expect(usedBytes() - before).toBeLessThan(20 << 20);
    const end = { op: "frag", stream: 0, last: true, bytes: new Uint8Array(0) } as const;
    const whole = assembly.accept(end);
    const expected = Uint8Array.from({ length: 100_000 }, (_, i) => (10 * i) & 255);
    expect(whole).toEqual({ type: "whole", bytes: expected });
    expect([assembly.bytes, assembly.streams]).toEqual([0, 1]);
  });

  test("Flood: a client that says too much is closed, and what others say is taken all the same", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { exports: [Victim] });
    const order: unknown[] = [];
    b.node.register(
      Victim,
      b.node.spawn<unknown>(async (self) => {
        for (;;) order.push(await self.receive());
      }),
    );
    const [flood, other] = [
      await Hostile.open(world, "flood", "b", { role: "client" }),
      await Hostile.open(world, "other", "b", { role: "client" }),
    ];
    const say = (peer: Hostile, payload: unknown): void =>
      peer.say({ op: "send-name", name: "victim", from: 1, payload });
    for (let i = 0; i < 12_000; i++) say(flood, "flood");
    say(other, "other");
    for (let i = 0; i < 30; i++) await world.settle();
    // It may say 10 000 at once. How long others wait meanwhile `npm run faults` measures.
    expect(flood.end).toMatchObject({ code: CLOSE_CODES.RATE });
    expect([order.length, other.end]).toEqual([10_001, undefined]);
    expect(b.remote.breaches).toEqual({ clientSignalsPerSecond: 1 });
    // A new session does not make it more.
    const again = await Hostile.open(world, "flood", "b", { role: "client", incarnation: 7 });
    for (let i = 0; i < 10; i++) say(again, "flood");
    await world.settle();
    expect([again.end?.code, order.length]).toEqual([CLOSE_CODES.RATE, 10_001]);
  });

  test("Flood: of what a client says each 64 items are counted as one thing more, of a node's none", async () => {
    const limits = { clientSignalsBurst: 1_000, clientSignalsPerSecond: 1 };
    const world = createRemoteWorld();
    const b = await world.start("b", { exports: [Victim], limits });
    const sizes: number[] = [];
    b.node.spawnOpt<unknown[]>({ name: Victim as never }, async (self) => {
      for (;;) sizes.push((await self.receive()).length);
    });
    // 100 more than the message itself; none of what has less than 64.
    const [long, short] = [6_400, 60].map((items) => Array.from({ length: items }, () => 0));
    for (const [role, taken] of [
      ["client", 10],
      ["node", 12],
    ] as const) {
      const peer = await Hostile.open(world, role, "b", { role });
      for (let i = 0; i < 90; i++) {
        peer.say({ op: "send-name", name: "victim", from: 1, payload: short });
      }
      for (let i = 0; i < 12; i++) {
        peer.say({ op: "send-name", name: "victim", from: 1, payload: long });
        await world.settle();
      }
      expect([sizes.splice(0, 90).includes(6_400), sizes.splice(0).length]).toEqual([false, taken]);
      if (role === "client") expect(peer.end).toMatchObject({ code: CLOSE_CODES.RATE });
      else expect(peer.end).toBeUndefined();
    }
    expect(b.remote.breaches).toEqual({ clientSignalsPerSecond: 1 });
  });
});

describe("what is no message, by number", () => {
  const ping = Buffer.from([0x82, 0x10, 0x07]);
  const crumb = Buffer.from([0x84, 0x14, 0x05, 0xf4, 0x40]);
  const unknown = Buffer.from([0x81, 0x18, 0x40]);
  const credit = Buffer.from([0x83, 0x12, 0x00, 0x00]);
  /** A frame of so many signals of a kind. */
  const frameOf = (seq: number, signal: Buffer, count: number): Uint8Array =>
    new Uint8Array(
      Buffer.concat([
        Buffer.from([0x83, 0x1a, 0, 0, seq >> 8, seq & 255, 0x00, 0x99, count >> 8, count & 255]),
        ...Array<Buffer>(count).fill(signal),
      ]),
    );
  const ofClients = { clientSignalsBurst: 1_000, clientSignalsPerSecond: 1_000 };

  test.each([
    ["pings", ping, 100],
    ["crumbs of a big one", crumb, 100],
    ["signals that are passed over", unknown, 100],
    ["grants of nothing", credit, 100],
    ["frames of none", ping, 0],
  ])(
    "Flood: a client that says %s and nothing else is shut out, a node is not",
    async (_, signal, count) => {
      const world = createRemoteWorld();
      const b = await world.start("b", { limits: ofClients });
      for (const role of ["client", "node"] as const) {
        const peer = await Hostile.open(world, role, "b", { role });
        world.network.fault("b", role, { mode: "hold" });
        const end = (): unknown =>
          b.events.find((event) => event.type === "down" && event.node === role);
        for (let seq = 1; seq <= 1_200 && end() === undefined; seq++) {
          peer.connection.transport.send(frameOf(seq, signal, count));
          if (seq % 10 === 0) await world.settle();
        }
        await world.settle();
        if (role === "node") expect(end()).toBeUndefined();
        else expect(end()).toMatchObject({ code: CLOSE_CODES.RATE });
      }
      expect(b.remote.breaches).toEqual({ clientSignalsPerSecond: 1 });
    },
  );

  test("Flood: of many pings that came at once few are answered, the last of them in any case", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b");
    const peer = await Hostile.open(world, "a", "b");
    world.network.fault("b", "a", { mode: "hold" });
    peer.connection.transport.send(frameOf(1, ping, 16_384));
    for (let i = 0; i < 600; i++) await world.settle();
    // At most one for each time that the event loop turned.
    const queued = b.remote.nodes()[0]?.queuedBytes ?? 0;
    expect([queued > 0, queued < 10_000]).toEqual([true, true]);
  });

  test("Flood: for one who asks and does not read no heap of answers is kept", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b");
    const peer = await Hostile.open(world, "a", "b");
    world.network.fault("b", "a", { mode: "hold" });
    let most = 0;
    for (let seq = 1; seq <= 40_000; seq++) {
      peer.connection.transport.send(frameOf(seq, ping, 1));
      if (seq % 500 === 0) await world.settle();
      most = Math.max(most, b.remote.nodes()[0]?.queuedBytes ?? 0);
    }
    expect(most).toBeLessThan(300 * 1024);
  });
});

describe("who can reach the port, by number", () => {
  test("Pre-auth slots: among a thousand silent sockets a good peer joins, and they are closed in time", async () => {
    const node = createNode({ name: "b", logger: false });
    const handshakeMs = 1_500;
    const remote = await startRemote(node, {
      cookie,
      listen: { port: 0 },
      limits: { handshakeMs },
    });
    const { port } = new URL(remote.addresses[0] ?? "");
    const good = createNode({ name: "good", logger: false });
    const silent: Socket[] = [];
    try {
      const closed: Promise<unknown>[] = [];
      // All slots are taken.
      const full = new Promise<void>((resolve) => {
        remote.events.subscribe(({ type }) => type === "refused" && resolve());
      });
      const startMs = performance.now();
      for (let i = 0; i < 1_000; i++) {
        const from = `127.0.0.${2 + (i % 100)}`;
        const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress: from });
        socket.resume().on("error", () => undefined);
        closed.push(new Promise((resolve) => socket.on("close", resolve)));
        // Some say nothing at all, some begin, some open a WebSocket and then wait.
        if (i % 4 === 1) socket.write("GET /coppice/1 HTTP/1.1\r\nHost: x\r\n");
        if (i % 4 > 1) {
          const lines = [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            `Sec-WebSocket-Key: ${"A".repeat(22)}==`,
            "Sec-WebSocket-Protocol: coppice.1",
          ];
          socket.write(`GET /coppice/1 HTTP/1.1\r\nHost: x\r\n${lines.join("\r\n")}\r\n\r\n`);
        }
        silent.push(socket);
      }
      await full;
      // Who joins tries again until one is free.
      const joined = await startRemote(good, { cookie, join: remote.addresses });
      const up = await new Promise<number>((resolve) => {
        joined.events.subscribe(
          ({ type }) => type === "up" && resolve(performance.now() - startMs),
        );
      });
      expect(up).toBeLessThan(3 * handshakeMs + 1_500);
      const { maxHandshakes = 0 } = remote.breaches;
      expect(maxHandshakes).toBeGreaterThan(0);
      await Promise.all(closed);
      expect(remote.nodes()).toMatchObject([{ name: "good" }]);
    } finally {
      for (const socket of silent) socket.destroy();
      await Promise.all([node.stop(), good.stop()]);
    }
  });
});

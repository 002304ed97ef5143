/**
 * Each limit, set low and exceeded: what happens then, and that the node counts it under its name, where its
 * user can read it.
 */
import { describe, expect, test } from "@jest/globals";
import { at, name, type AnyPid, type Node, type Startable } from "@coppice/core";
import { defineServer } from "@coppice/supervisor";
import { remoteBehaviour } from "../src/behaviours.js";
import { DEFAULT_LIMITS, type LimitName, type Limits } from "../src/limits.js";
import { encodeSignal } from "../src/signal-writer.js";
import type { Role } from "../src/handshake-message.js";
import { CLOSED_ABNORMALLY, type Transport } from "../src/transport.js";
import { CLOSE_CODES, type WireSignal } from "../src/wire-signal.js";
import { Hostile, joinGroup, pidBytes, unhex } from "./hostile.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const Sink = name<unknown>("sink");
const KIB = 1024;

const hanging: Startable = { start: () => new Promise<never>(() => undefined) };
const idle = defineServer({ init: () => 0 });
const behaviours = {
  hanging: remoteBehaviour(hanging, () => []),
  idle: remoteBehaviour(idle, () => []),
};

interface Breach {
  readonly limits: Partial<Limits>;
  readonly options?: object;
  /** Exceeds it, of the node `b`. Returns what came of that. */
  exceed(world: RemoteWorld, b: Member): Promise<unknown>;
  /** What is to have come of it. */
  readonly outcome: unknown;
  /** The name it is counted under, where that is another's: the two are one. */
  readonly as?: LimitName;
}

/** A frame as it is on the wire: the first of a session. */
function frameOf(...signals: readonly Uint8Array[]): Uint8Array {
  const count = [0x99, signals.length >> 8, signals.length & 255];
  return Uint8Array.from([0x83, 1, 0, ...count, ...signals.flatMap((signal) => [...signal])]);
}

const demonitor = encodeSignal({ op: "demonitor", ref: 1 });
const closedBy = (code: number): unknown => expect.objectContaining({ code, byPeer: true });
const CLOSED = closedBy(CLOSE_CODES.LIMIT);

/** A peer that sends this frame as its first. */
function sends(frame: Uint8Array): Breach["exceed"] {
  return async (world) => {
    const peer = await Hostile.open(world, "a", "b");
    peer.connection.transport.send(frame);
    await world.settle();
    return peer.end;
  };
}

/** A peer that says these. */
function says(...signals: readonly WireSignal<Uint8Array>[]): Breach["exceed"] {
  return async (world) => {
    const peer = await Hostile.open(world, "a", "b");
    for (const signal of signals) peer.sayRaw(signal);
    await world.settle();
    return peer.end;
  };
}

/** A peer that sends a message with this term; whether the session is over, and how many messages came. */
function tells(hex: string, role: Role = "node"): Breach["exceed"] {
  return async (world, b) => {
    const peer = await Hostile.open(world, "a", "b", { role });
    const { events } = b;
    for (const payload of [unhex(hex), unhex("01")]) {
      peer.sayRaw({ op: "send-name", name: "sink", from: 1, payload });
    }
    await world.settle();
    const denied = events.filter(({ type }) => type === "denied").length;
    return [peer.end, denied, b.node.mailboxOf(b.node.whereis(Sink) as AnyPid)];
  };
}
/** That message alone was refused. */
const REFUSED = [undefined, 1, [1]];

/** Connections that say nothing: which of them were closed, by whom they came. */
function dials(...hosts: readonly string[]): Breach["exceed"] {
  return async (world) => {
    const closed: string[] = [];
    for (const host of hosts) open(world, host, (code) => closed.push(`${host} ${code}`));
    await world.settle();
    return closed;
  };
}

function open(world: RemoteWorld, host: string, closed: (code: number) => void): Transport {
  const transport = world.network.dial(host, "memory://b");
  transport.start({
    opened: () => undefined,
    frame: () => undefined,
    drained: () => undefined,
    closed,
  });
  return transport;
}

const piece = (stream: number, bytes: number): WireSignal<Uint8Array> => ({
  op: "frag",
  stream,
  last: false,
  bytes: new Uint8Array(bytes),
});
const small = {
  maxMessageBytes: 64 * KIB,
  maxAssemblyBytes: 64 * KIB,
  maxReasonBytes: KIB,
  fragmentBytes: 16 * KIB,
};

/** What was said to a peer in this op when it has asked for three of something. */
function asks(
  op: "link-exit" | "down" | "spawn-reply",
  ask: (n: number, target: number) => WireSignal<unknown>,
): Breach["exceed"] {
  return async (world, b) => {
    const peer = await Hostile.open(world, "a", "b");
    const pid = b.node.whereis(Sink) as AnyPid;
    b.node.send(at("a", name<unknown>("any")), pid);
    await world.settle();
    for (let n = 1; n <= 3; n++) peer.say(ask(n, pid.serial));
    await world.settle();
    return peer.payloads(op);
  };
}

const spawn = (what: string) => (request: number) =>
  ({ op: "spawn", request, from: 1, name: what, payload: [], options: {} }) as const;
const NO_ROOM = { error: "limit" };

/** A client that says so much at once. */
const floods: Breach["exceed"] = async (world) => {
  const client = await Hostile.open(world, "a", "b", { role: "client" });
  for (let ref = 0; ref < 5; ref++) client.say({ op: "demonitor", ref });
  await world.settle();
  return client.end;
};

/** To a process of a node that takes nothing, `b` says so much, of one kind or the other. */
function heaps(bytes: number, say: (node: Node, to: AnyPid) => void): Breach["exceed"] {
  return async (world, { node, remote, events }) => {
    const a = await world.start("a", { hearMs: 3_600_000 });
    a.node.send(at("b", Sink), a.node.pid);
    await world.settle();
    const [to] = node.mailboxOf(node.whereis(Sink) as AnyPid);
    world.network.fault("b", "a", { mode: "hold" });
    for (let sent = 0; sent < bytes && remote.nodes().length > 0; sent += KIB)
      say(node, to as AnyPid);
    await world.settle();
    return events.slice(1).map(({ type }) => type);
  };
}
const filler = "x".repeat(KIB);
const marks = {
  softQueueBytes: 16 * KIB,
  hardQueueBytes: 64 * KIB,
  controlQueueBytes: 128 * KIB,
};

const BREACHES: { readonly [L in LimitName]: Breach } = {
  maxFrameBytes: {
    limits: { maxFrameBytes: 4 * KIB, fragmentBytes: 2 * KIB },
    exceed: sends(new Uint8Array(4 * KIB + 1)),
    outcome: CLOSED,
  },
  maxHandshakeBytes: {
    limits: { maxHandshakeBytes: KIB },
    exceed: async (world) => {
      const codes: number[] = [];
      open(world, "a", (code) => codes.push(code)).send(new Uint8Array(KIB + 1));
      await world.settle();
      return codes;
    },
    outcome: [CLOSE_CODES.PROTOCOL],
  },
  handshakeMs: {
    limits: { handshakeMs: 700 },
    exceed: async (world) => {
      const codes: number[] = [];
      open(world, "a", (code) => codes.push(code));
      await world.advance(699);
      const early = [...codes];
      await world.advance(1);
      return [early, codes];
    },
    outcome: [[], [CLOSE_CODES.HANDSHAKE]],
  },
  maxHandshakes: {
    limits: { maxHandshakes: 2, maxHandshakesPerAddress: 2 },
    exceed: dials("a", "c", "d"),
    outcome: ["d 4003"],
  },
  maxHandshakesPerAddress: {
    limits: { maxHandshakes: 3, maxHandshakesPerAddress: 1 },
    exceed: dials("a", "a", "c"),
    outcome: ["a 4003"],
  },
  maxMessageBytes: {
    limits: small,
    exceed: async (world, b) => {
      const peer = await Hostile.open(world, "a", "b");
      for (const bytes of [67 * KIB, 1]) {
        const payload = new Uint8Array(bytes);
        peer.sayRaw({ op: "send-name", name: "sink", from: 1, payload });
      }
      for (let i = 0; i < 9; i++) await world.settle();
      return [peer.end, b.node.mailboxOf(b.node.whereis(Sink) as AnyPid)];
    },
    outcome: [undefined, [0]],
  },
  fragmentBytes: {
    limits: { fragmentBytes: 2 * KIB },
    exceed: sends(frameOf(encodeSignal(piece(1, 2 * KIB + 1)))),
    outcome: CLOSED,
  },
  maxFragmentStreams: {
    limits: { maxFragmentStreams: 2 },
    exceed: says(piece(1, 1), piece(2, 1), piece(3, 1)),
    outcome: CLOSED,
  },
  maxAssemblyBytes: {
    limits: small,
    exceed: says(...Array.from({ length: 5 }, (_, n) => piece(n, 15 * KIB))),
    outcome: CLOSED,
  },
  maxDepth: { limits: { maxDepth: 8 }, exceed: tells(`${"81".repeat(9)}01`), outcome: REFUSED },
  maxItems: { limits: { maxItems: 16 }, exceed: tells(`91${"01".repeat(17)}`), outcome: REFUSED },
  maxBigintBits: {
    limits: { maxBigintBits: 64 },
    exceed: tells(`c249${"ff".repeat(9)}`),
    outcome: REFUSED,
  },
  maxNameBytes: {
    limits: { maxNameBytes: 16 },
    exceed: says({ op: "monitor", ref: 1, from: 1, target: "x".repeat(17) }),
    outcome: CLOSED,
  },
  maxNodeNameBytes: {
    limits: { maxNodeNameBytes: 16 },
    exceed: tells(Buffer.from(pidBytes("x".repeat(17), 1, 1)).toString("hex")),
    outcome: REFUSED,
  },
  maxReasonBytes: {
    limits: { maxReasonBytes: KIB },
    exceed: async (world, b) => {
      const peer = await Hostile.open(world, "a", "b");
      peer.say({ op: "monitor", ref: 1, from: 1, target: "sink" });
      await world.settle();
      b.node.exit(b.node.whereis(Sink) as AnyPid, "x".repeat(2 * KIB));
      await world.settle();
      return peer.payloads("down");
    },
    outcome: [expect.stringMatching(/^x{300,1000}$/)],
  },
  maxLinks: {
    limits: { maxLinks: 2 },
    exceed: asks("link-exit", (n, to) => ({ op: "link", from: n, to })),
    outcome: ["limit"],
  },
  maxMonitors: {
    limits: { maxMonitors: 2, maxMonitorsPerProcess: 2 },
    exceed: asks("down", (ref, target) => ({ op: "monitor", ref, from: ref, target })),
    outcome: ["limit"],
  },
  maxMonitorsPerProcess: {
    limits: { maxMonitorsPerProcess: 2 },
    exceed: asks("down", (ref, target) => ({ op: "monitor", ref, from: 1, target })),
    outcome: ["limit"],
  },
  maxPendingCalls: {
    limits: { maxPendingCalls: 1 },
    exceed: async (world, b) => {
      const a = await world.start("a");
      a.node.spawnOpt<unknown>({ name: Sink }, (self) => self.sleep(1e9));
      const outcomes: unknown[] = [];
      for (let i = 0; i < 2; i++) {
        void (async () => b.node.call(at("a", Sink) as never, i as never))().catch(
          (error: { code: unknown }) => outcomes.push(error.code),
        );
      }
      await world.settle();
      return outcomes;
    },
    outcome: ["TOO_MANY_CALLS"],
  },
  maxAliases: {
    limits: { maxAliases: 2 },
    exceed: async (world, b) => {
      const client = await Hostile.open(world, "a", "b", { role: "client" });
      const pids = [1, 2, 3].map(() => b.node.spawn<never>((self) => self.sleep(1e9)));
      for (const pid of pids) b.node.send(at("a", name<unknown>("any")), pid);
      await world.settle();
      for (const { serial } of pids) {
        client.say({ op: "monitor", ref: serial, from: 1, target: serial });
      }
      await world.settle();
      return client.of("down").map(({ ref }) => ref - (pids[0] as AnyPid).serial);
    },
    outcome: [0],
  },
  maxSpawnsRunning: {
    limits: { maxSpawnsRunning: 2 },
    exceed: asks("spawn-reply", spawn("hanging")),
    outcome: [NO_ROOM],
  },
  maxSpawnsPerSecond: {
    limits: { maxSpawnsPerSecond: 2 },
    exceed: asks("spawn-reply", spawn("idle")),
    // The third waits for its turn.
    outcome: [{}, {}],
  },
  maxSpawnedChildren: {
    limits: { maxSpawnedChildren: 2 },
    exceed: asks("spawn-reply", spawn("idle")),
    outcome: [NO_ROOM, {}, {}],
  },
  maxGroupJoins: {
    limits: { maxGroupJoins: 2 },
    exceed: async (world, b) => {
      const groups = b.remote.groups();
      const peer = await Hostile.open(world, "a", "b");
      for (let i = 1; i <= 3; i++) peer.sayRaw(joinGroup("g", pidBytes("a", 666, i)));
      await world.settle();
      return groups.members(name<never>("g")).length;
    },
    outcome: 2,
  },
  maxNames: {
    limits: { maxNames: 1 },
    options: { names: { members: ["b"] } },
    exceed: async (world, b) => {
      const outcomes: unknown[] = [];
      for (const one of ["x", "y"]) {
        const pid = b.node.spawn<never>((self) => self.sleep(1e9));
        void b.remote.names.register(name<never>(one), pid).then(
          () => outcomes.push(one),
          (error: { code: unknown }) => outcomes.push(error.code),
        );
      }
      await world.advance(60_000);
      return outcomes.toSorted();
    },
    outcome: ["NAME_REFUSED", "x"],
  },
  maxSessions: {
    limits: { maxSessions: 1 },
    exceed: async (world) => {
      const first = await Hostile.open(world, "a", "b");
      const second = await Hostile.open(world, "c", "b");
      return [first.end, second.end];
    },
    outcome: [undefined, closedBy(CLOSE_CODES.HANDSHAKE)],
  },
  clientSignalsPerSecond: {
    limits: { clientSignalsPerSecond: 1, clientSignalsBurst: 4 },
    exceed: floods,
    outcome: closedBy(CLOSE_CODES.RATE),
  },
  clientSignalsBurst: {
    limits: { clientSignalsBurst: 4 },
    exceed: floods,
    outcome: closedBy(CLOSE_CODES.RATE),
    as: "clientSignalsPerSecond",
  },
  clientAssemblyBytes: {
    limits: { ...small, clientAssemblyBytes: 30 * KIB },
    exceed: async (world) => {
      const ends: unknown[] = [];
      // Who has gone leaves room for others; a node is none of them.
      for (const [host, role] of [
        ["gone", "client"],
        ["one", "client"],
        ["two", "client"],
        ["node", "node"],
      ] as const) {
        const peer = await Hostile.open(world, host, "b", { role });
        peer.sayRaw(piece(1, 15 * KIB));
        await world.settle();
        peer.sayRaw(piece(1, KIB));
        await world.settle();
        if (host === "gone") world.network.crash(host);
        await world.settle();
        ends.push(host === "gone" ? "gone" : peer.end);
      }
      return ends;
    },
    outcome: ["gone", undefined, CLOSED, undefined],
  },
  clientQueueBytes: {
    limits: { ...marks, clientQueueBytes: 40 * KIB },
    exceed: async (world, { node, events }) => {
      // Who has gone leaves room for others, who has the most makes way, and a node is none of them.
      for (const [host, role, bytes] of [
        ["gone", "client", 36 * KIB],
        ["one", "client", 36 * KIB],
        ["two", "client", 12 * KIB],
        ["three", "client", 20 * KIB],
        ["node", "node", 36 * KIB],
      ] as const) {
        await Hostile.open(world, host, "b", { role });
        world.network.fault("b", host, { mode: "hold" });
        for (let sent = 0; sent < bytes; sent += KIB) {
          node.send(at(host, name<string>("any")), filler);
        }
        await world.settle();
        if (host === "gone") world.network.crash(host);
        await world.settle();
      }
      return events.flatMap((event) => (event.type === "down" ? [event.node, event.code] : []));
    },
    outcome: ["gone", CLOSED_ABNORMALLY, "one", CLOSE_CODES.OVERLOAD],
  },
  clientWatches: {
    limits: { clientWatches: 2 },
    options: { exports: [Sink] },
    exceed: async (world, b) => {
      const client = await Hostile.open(world, "a", "b", { role: "client" });
      const node = await Hostile.open(world, "n", "b");
      for (const peer of [client, node]) {
        for (let ref = 1; ref <= 4; ref++)
          peer.say({ op: "monitor", ref, from: ref, target: "sink" });
      }
      // It is told of a process of its own to link with.
      const sink = b.node.whereis(Sink) as AnyPid;
      b.node.send(at("a", name<AnyPid>("any")), sink);
      await world.settle();
      for (let from = 1; from <= 3; from++) client.say({ op: "link", from, to: sink.serial });
      await world.settle();
      const { links, monitors } = b.remote.nodes()[0] ?? {};
      return [client.of("down").length, client.of("link-exit").length, links, monitors, node.heard];
    },
    outcome: [2, 1, 2, 2, []],
  },
  clientNumberKeys: {
    limits: { clientNumberKeys: 3 },
    options: { exports: [Sink] },
    // A set with a number in it, and a map with two, and one of 2^64.
    exceed: tells(
      "82d9010281182ad90103a30101020203c24901000000000000000001".replace("0203", "02"),
      "client",
    ),
    outcome: REFUSED,
  },
  softQueueBytes: {
    limits: marks,
    exceed: heaps(20 * KIB, (node, to) => node.send(to as never, filler as never)),
    outcome: ["busy"],
  },
  hardQueueBytes: {
    limits: marks,
    exceed: heaps(80 * KIB, (node, to) => node.send(to as never, filler as never)),
    outcome: ["busy", "down"],
  },
  controlQueueBytes: {
    limits: marks,
    exceed: heaps(150 * KIB, (node, to) => node.exit(to, filler)),
    outcome: ["busy", "down"],
  },
  windowBytes: {
    limits: { windowBytes: 64 * KIB, fragmentBytes: 16 * KIB },
    exceed: sends(
      frameOf(encodeSignal({ op: "send", to: 1, from: 1, payload: new Uint8Array(64 * KIB) })),
    ),
    outcome: CLOSED,
  },
  windowSignals: {
    limits: { windowSignals: 16 },
    exceed: sends(frameOf(...Array.from({ length: 17 }, () => demonitor))),
    outcome: CLOSED,
  },
};

describe("a limit that is exceeded does what is said of it, and is counted where its user can read it", () => {
  test("there is one of each", () => {
    expect(Object.keys(BREACHES).toSorted()).toEqual(Object.keys(DEFAULT_LIMITS).toSorted());
  });

  test.each(Object.entries(BREACHES) as [LimitName, Breach][])("%s", async (limit, breach) => {
    const world = createRemoteWorld();
    const { limits, options, exceed, outcome, as = limit } = breach;
    const b = await world.start("b", { limits, behaviours, hearMs: 3_600_000, ...options });
    b.node.spawnOpt<unknown>({ name: Sink }, (self) => self.sleep(1e9));
    expect(b.remote.breaches).toEqual({});
    const came = await exceed(world, b);
    expect(came).toEqual(outcome);
    expect(b.remote.breaches[as]).toBeGreaterThanOrEqual(1);
    const others = Object.keys(b.remote.breaches).filter((counted) => counted !== as);
    // Before the hard marks there is the soft one.
    expect(others).toEqual(/^(hard|control|client)Queue/.test(limit) ? ["softQueueBytes"] : []);
  });
});

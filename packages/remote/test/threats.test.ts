/**
 * Who attacks a node, and what comes of it: by whoever can reach the port, whoever is on the way, a peer
 * that knows the key, a client. docs/threats.md says the same as a table. Of bytes and of load there is
 * more in threats-bytes.test.ts and threats-load.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, jest, test } from "@jest/globals";
import {
  at,
  createNode,
  isPid,
  name,
  type Call,
  type Down,
  type From,
  type Pid,
  type Self,
} from "@coppice/core";
import { encode, Tag } from "cbor-x";
import { WebSocket } from "ws";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { Hostile, joinGroup, pidBytes } from "./hostile.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const cookie = "a cookie that nobody guesses";
const Victim = name<unknown>("victim");
const folder = new URL(".", import.meta.url);
const sourceOf = (file: string): string => readFileSync(new URL(`../src/${file}`, folder), "utf8");
const sources = readdirSync(new URL("../src", folder)).filter((file) => file.endsWith(".ts"));

/** A node with a process that keeps what it gets, and traps exits. */
async function createBesieged(
  options: object = {},
): Promise<RemoteWorld & { b: Member; victim: Pid<unknown>; got: unknown[] }> {
  const world = createRemoteWorld();
  const b = await world.start("b", options);
  const got: unknown[] = [];
  const victim = b.node.spawn<unknown>(async (self) => {
    self.trapExits();
    for (;;) got.push(await self.receive());
  });
  b.node.register(Victim, victim);
  return { ...world, b, victim, got };
}

/** Bytes between two ends, in the hands of the test. */
async function createProxy(
  target: number,
  alter: (bytes: Buffer, toServer: boolean) => Buffer,
): Promise<{ port: number; inject(bytes: Buffer): void; close(): void }> {
  const sockets: Socket[] = [];
  let toServer: Socket | undefined;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    toServer = upstream;
    sockets.push(client, upstream);
    client.on("data", (bytes) => upstream.write(alter(bytes, true)));
    upstream.on("data", (bytes) => client.write(alter(bytes, false)));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    inject: (bytes) => void toServer?.write(bytes),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe("who can reach the port", () => {
  test("No or optional auth: a node without a cookie, and one that others reach without TLS, does not start", async () => {
    const node = createNode({ name: "a", logger: false });
    await expect(startRemote(node, {})).rejects.toThrow("options.cookie");
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org"]) {
      const started = startRemote(node, { cookie, listen: { host, port: 0 } });
      await expect(started).rejects.toThrow("insecure: true");
    }
    const remote = await startRemote(node, { cookie, listen: { port: 0 } });
    expect(remote.addresses[0]).toContain("ws://127.0.0.1:");
    // Who knows no cookie gets nothing, not even a name.
    const other = createNode({ name: "c", logger: false });
    const stranger = await startRemote(other, { insecure: true });
    const refused = stranger.connect(remote.addresses[0] as string);
    await expect(refused).rejects.toMatchObject({ closeCode: CLOSE_CODES.AUTH });
    expect(remote.nodes()).toEqual([]);
    await Promise.all([node.stop(), other.stop()]);
  });

  test("CSWSH: a page of another origin is not let in, whatever it knows", async () => {
    const node = createNode({ name: "a", logger: false });
    const remote = await startRemote(node, {
      cookie,
      listen: { port: 0, allowedOrigins: ["https://good.example"] },
    });
    const statusFrom = (origin: string): Promise<number> =>
      new Promise((resolve) => {
        const headers = { origin, cookie: "session=1" };
        const socket = new WebSocket(remote.addresses[0] as string, "coppice.1", { headers });
        socket.on("error", () => undefined);
        socket.on("open", () => resolve(101));
        socket.on("unexpected-response", (_, { statusCode = 0 }) => resolve(statusCode));
        socket.on("close", () => socket.terminate());
      });
    for (const origin of ["https://evil.example", "null", "https://good.example.evil.example"]) {
      expect([origin, await statusFrom(origin)]).toEqual([origin, 403]);
    }
    expect(await statusFrom("https://good.example")).toBe(101);
    await node.stop();
  });

  test("Compression bomb: who offers compression gets none, and who compresses all the same is closed", async () => {
    const node = createNode({ name: "a", logger: false });
    const remote = await startRemote(node, { cookie, listen: { port: 0 } });
    const socket = new WebSocket(remote.addresses[0] as string, "coppice.1", {
      perMessageDeflate: { threshold: 0 },
    });
    await new Promise((resolve) => socket.once("open", resolve));
    expect(socket.extensions).toBe("");
    // A binary message with the bit of compression (RSV1) set.
    const raw = (socket as unknown as { readonly _socket: Socket })["_socket"];
    raw.write(Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 0]));
    const code = await new Promise((resolve) => socket.once("close", resolve));
    expect(code).toBe(1002);
    expect(remote.nodes()).toEqual([]);
    await node.stop();
  });
});

describe("who is on the way", () => {
  test("Cookie on wire: of a whole session over TCP, no byte is the cookie or the key made of it", async () => {
    const [a, b] = [
      createNode({ name: "a", logger: false }),
      createNode({ name: "b", logger: false }),
    ];
    const server = await startRemote(b, { cookie, listen: { port: 0 } });
    const seen: Buffer[] = [];
    const proxy = await createProxy(portOf(server.addresses[0]), (bytes) => {
      seen.push(Buffer.from(bytes));
      return bytes;
    });
    const remote = await startRemote(a, { cookie });
    await remote.connect(`ws://127.0.0.1:${proxy.port}`);
    const [key] = (remote as unknown as { keys: readonly { bytes: Uint8Array }[] }).keys;
    const all = Buffer.concat(seen);
    expect(all.length).toBeGreaterThan(300);
    expect([all.includes(cookie), all.includes(Buffer.from(key?.bytes ?? []))]).toEqual([
      false,
      false,
    ]);
    await Promise.all([a.stop(), b.stop()]);
    proxy.close();
  });

  test("Takeover after handshake: what is injected ends the session, at the latest with the next frame", async () => {
    const [a, b] = [
      createNode({ name: "a", logger: false }),
      createNode({ name: "b", logger: false }),
    ];
    const server = await startRemote(b, { cookie, listen: { port: 0 } });
    const proxy = await createProxy(portOf(server.addresses[0]), (bytes) => bytes);
    const remote = await startRemote(a, { cookie });
    await remote.connect(`ws://127.0.0.1:${proxy.port}`);
    const ended = new Promise((resolve) =>
      server.events.subscribe((event) => {
        if (event.type === "down") resolve(event.code);
      }),
    );
    // A frame with the number 2 while 1 was not seen, masked by zeros as a client's has to be.
    proxy.inject(Buffer.from([0x82, 0x84, 0, 0, 0, 0, 0x83, 2, 0, 0x80]));
    expect(await ended).toBe(CLOSE_CODES.PROTOCOL);
    await Promise.all([a.stop(), b.stop()]);
    proxy.close();
  });

  test("Clock games: nothing in the protocol asks what time of day it is", () => {
    for (const file of sources) {
      // Terms may be times; that they are is no reason to ask for it.
      const asks = /Date\.now|new Date\(\)|performance\.now|process\.hrtime/.test(sourceOf(file));
      expect([file, asks]).toEqual([file, false]);
    }
  });

  test("Timing: proofs are compared in a time that does not depend on them, everywhere", () => {
    for (const file of sources) {
      const source = sourceOf(file);
      const compares =
        /\b(mac|proof|hmac)[\w.()[\]]*\s*(===|!==)\s*(?!undefined)|Buffer\.compare|\.equals\(/i;
      expect([file, compares.exec(source)?.[0]]).toEqual([file, undefined]);
    }
    expect(sourceOf("node-crypto.ts")).toContain("timingSafeEqual(a, b)");
    expect(sourceOf("handshake.ts")).toMatch(/crypto\.equal\(/);
  });
});

describe("a peer that knows the key", () => {
  test("Name squatting, eviction: a second node of that name is refused while the first lives, of one's own name always", async () => {
    const { b, got, ...world } = await createBesieged();
    const first = await Hostile.open(world, "a", "b");
    const second = new Hostile(world, "a", "b", { incarnation: 667 });
    await world.advance(1_100);
    expect(second.end).toMatchObject({ code: CLOSE_CODES.NAME_TAKEN });
    const asSelf = await Hostile.open(world, "b", "b");
    expect(asSelf.end).toMatchObject({ code: CLOSE_CODES.NAME_TAKEN });
    first.say({ op: "send-name", name: "victim", from: 1, payload: "still there" });
    await world.settle();
    expect([got, b.remote.nodes().length]).toEqual([["still there"], 1]);
  });

  test("Name squatting, eviction: no client has the name of a node, be it there, known, or about to come", async () => {
    const world = createRemoteWorld();
    const names = { members: ["b", "member"] };
    const clientNames = (one: string): boolean => {
      if (one === "fails") throw new Error("of the page");
      if (one === "asks") return Promise.reject(new Error("of the database")) as never;
      return one !== "unwanted";
    };
    const b = await world.start("b", { names, clientNames });
    const client = async (called: string): Promise<Hostile> => {
      const peer = await Hostile.open(world, called, "b", { role: "client" });
      await world.advance(1_100);
      return peer;
    };
    const refused = async (called: string): Promise<unknown> => (await client(called)).end?.code;
    expect(await refused("member")).toBe(CLOSE_CODES.NAME_TAKEN);
    expect(await refused("unwanted")).toBe(CLOSE_CODES.NAME_TAKEN);
    expect(await refused("fails")).toBe(CLOSE_CODES.NAME_TAKEN);
    expect(await refused("asks")).toBe(CLOSE_CODES.NAME_TAKEN);
    // It is there before the node is: the node takes its name back, whoever of the two dials.
    const squatters = [await client("c"), await client("d")];
    expect(b.remote.nodes().map(({ role }) => role)).toEqual(["client", "client"]);
    const c = await world.start("c");
    await world.start("d");
    await Promise.all([c.remote.connect("b"), b.remote.connect("memory://d"), world.settle()]);
    expect(squatters.map(({ end }) => end?.code)).toEqual(Array(2).fill(CLOSE_CODES.NAME_TAKEN));
    expect(b.remote.nodes()).toMatchObject([
      { name: "c", role: "node" },
      { name: "d", role: "node" },
    ]);
    // And keeps it when it is gone.
    await c.node.stop();
    await world.settle();
    expect(await refused("c")).toBe(CLOSE_CODES.NAME_TAKEN);
    expect(await refused("page")).toBeUndefined();
  });

  test("Sender forgery: from is a process of the peer, whatever it writes, and a service asks the session who it is", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", {});
    const senders: unknown[] = [];
    b.node.events.subscribe((event) => {
      if (event.type === "undelivered") senders.push(String(event.from));
    });
    const peer = await Hostile.open(world, "a", "b");
    const own = b.node.spawn<never>(async (self) => self.sleep(1e9));
    // The number of a process of b: as from it is still one of a.
    peer.say({ op: "send", to: 999, from: own.serial, payload: "hello" });
    await world.settle();
    expect(senders).toHaveLength(1);
    expect(senders[0]).toMatch(/^<a\./);
    // Members of a group are those of the peer's own life alone.
    const Group = name<never>("group");
    const groups = b.remote.groups();
    const pids = [pidBytes("b", 9, own.serial), pidBytes("c", 7, 7), pidBytes("a", 666, 7)];
    peer.sayRaw(joinGroup("group", ...pids));
    await world.settle();
    expect(groups.members(Group).map(({ node, serial }) => [node, serial])).toEqual([["a", 7]]);
    // What serves peers does not look for them in what they say.
    expect(sourceOf("groups.ts")).not.toMatch(/message\w*\.from|\.from\b(?!\()/);
  });

  test("Pid as address: a pid of a node that nobody knows opens no connection", async () => {
    const asked: string[] = [];
    const { b, ...world } = await createBesieged({
      resolve: (node: string) => void asked.push(node),
    });
    const Keeper = name<Pid<string> | Down>("keeper");
    const downs: unknown[] = [];
    const keeper = b.node.spawn<Pid<string> | Down>(async (self) => {
      for (;;) {
        const message = await self.receive();
        if (!isPid(message)) downs.push(message.reason);
        else {
          self.send(message, "hello");
          self.monitor(message);
        }
      }
    });
    b.node.register(Keeper, keeper);
    const peer = await Hostile.open(world, "a", "b");
    const dial = jest.spyOn(world.network, "dial");
    for (const node of ["169.254.169.254", "memory:b", "localhost:22", "ws:x", "__proto__"]) {
      peer.sayRaw({ op: "send-name", name: "keeper", from: 1, payload: pidBytes(node, 1, 1) });
    }
    // What could be taken for an address is no name of a node, and the term is refused.
    peer.sayRaw({
      op: "send-name",
      name: "keeper",
      from: 1,
      payload: pidBytes("memory://b", 1, 1),
    });
    await world.settle();
    expect(dial).not.toHaveBeenCalled();
    expect(new Set(asked)).toEqual(
      new Set(["169.254.169.254", "memory:b", "localhost:22", "ws:x", "__proto__"]),
    );
    expect(downs).toEqual(Array(5).fill("noconnection"));
  });

  test("Link/monitor spoof: EXIT and DOWN of what nobody linked or monitored hurt nobody", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b", { allowExit: "none" });
    const peer = await Hostile.open(world, "a", "b");
    const ended: unknown[] = [];
    const pids = Array.from({ length: 20 }, () =>
      b.node.spawn<unknown>(async (self) => {
        for (;;) ended.push(await self.receive());
      }),
    );
    // One is linked with process 5 of the peer, and monitors it.
    b.remote.groups();
    peer.sayRaw(joinGroup("g", pidBytes("a", 666, 5)));
    await world.settle();
    pids.push(
      b.node.spawn<unknown>(async (self) => {
        const [other] = b.remote.groups().members(name<never>("g")) as [Pid<never>];
        self.trapExits();
        self.link(other);
        self.monitor(other);
        for (;;) ended.push(await self.receive());
      }),
    );
    for (const pid of pids) b.node.send(at("a", name<unknown>("any")), pid);
    await world.settle();
    const [watch] = peer.of("monitor");
    expect([peer.of("link").length, watch?.target]).toEqual([1, 5]);
    for (let serial = 0; serial < 40; serial++) {
      for (const from of [0, 1, 4, 6, serial]) {
        if (from === 5) continue;
        peer.say(
          { op: "link-exit", from, to: serial, payload: "kill" },
          { op: "exit", from, to: serial, payload: "kill" },
          { op: "unlink-ack", id: serial, from, to: serial },
          { op: "unlink", id: serial, from, to: serial },
          { op: "down", ref: (watch?.ref ?? 0) + 1 + serial, to: serial, target: from, payload: 1 },
        );
      }
    }
    await world.settle();
    expect(peer.end).toBeUndefined();
    expect([ended, pids.every((pid) => b.node.isAlive(pid))]).toEqual([[], true]);
    // The process it did link with may end, once.
    const { from: linked = 0 } = peer.of("link")[0] ?? {};
    for (let i = 0; i < 3; i++) {
      peer.say({ op: "link-exit", from: 5, to: linked, payload: "over" });
      peer.say({ op: "down", ref: watch?.ref ?? 0, to: linked, target: 5, payload: "over" });
    }
    await world.settle();
    expect(ended).toMatchObject([{ type: "exit" }, { type: "down" }]);
  });

  test("Goodbye with any code: whatever it is, the connection is closed, and who watches is told", async () => {
    for (const code of [0, 1, 1000, 1006, 3999, 4000, 5000, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      const world = createRemoteWorld();
      const b = await world.start("b");
      const peer = await Hostile.open(world, "a", "b");
      const reasons: unknown[] = [];
      b.node.spawn<{ readonly why: unknown }>(async (self) => {
        self.monitor(at("a", name<never>("any")), ({ reason }) => ({ why: reason }));
        reasons.push((await self.receive()).why);
      });
      await world.settle();
      peer.say({ op: "goaway", code, text: "bye" });
      await world.settle();
      expect([code, reasons]).toEqual([code, ["noconnection"]]);
      expect([code, world.network.connections]).toEqual([code, 0]);
      expect(b.events).toContainEqual(expect.objectContaining({ type: "down", code, text: "bye" }));
      await b.node.stop();
    }
  });

  test("Deputies: no client has a server answer somebody else's call, or send to whom that client was not told of", async () => {
    const world = createRemoteWorld();
    const { settle } = world;
    const Public = name<Call<string, string>>("public");
    const Forwarder = name<Pid<string>>("forwarder");
    const server = await world.start("server", { exports: [Public, Forwarder] });
    const hidden = server.node.spawn<string>(async (self) => self.sleep(1e6));
    server.node.spawnOpt<Call<string, string>>({ name: Public }, async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request);
      }
    });
    const other = await world.start("other");
    const Slow = name<Call<string, string>>("slow");
    const asked: From<string>[] = [];
    other.node.register(
      Slow,
      other.node.spawn<Call<string, string>>(async (self) => {
        for (;;) asked.push((await self.receive()).from);
      }),
    );
    server.node.spawnOpt<Pid<string>>({ name: Forwarder }, async (self) => {
      for (;;) self.send(await self.receive(), "forwarded");
    });
    // The other node is told of a call of the server's, and of the hidden process.
    const answer = server.node.call(at("other", Slow), "true?");
    server.node.send(at("other", name<unknown>("nobody")), hidden);
    await settle();

    const client = await Hostile.open(world, "evil", "server", { role: "client" });
    const { incarnation } = client.peer?.node ?? { incarnation: 0 };
    const say = (to: string, term: unknown): void =>
      client.sayRaw({ op: "send-name", name: to, from: 1, payload: encode(term) });
    const wholeLife = BigInt(incarnation);
    for (let number = 0; number < 100; number++) {
      for (const owner of [[0], [1], ["server", wholeLife, 0], ["server", 0, 0]]) {
        const from = new Tag([owner, number], 40_901);
        say("public", { type: "call", request: "forged", from });
      }
      say("forwarder", new Tag([number], 40_900));
      say("forwarder", new Tag(["server", wholeLife, number], 40_900));
      say("forwarder", new Tag(["other", BigInt(other.node.incarnation), number], 40_900));
    }
    const Secret = name<string>("secret");
    server.node.register(Secret, hidden);
    for (const victim of ["secret", ["server", "secret"], ["other", "slow"], ["nowhere", "x"]]) {
      say("forwarder", new Tag(victim, 40_902));
    }
    await settle();
    expect(client.end).toBeUndefined();
    expect(server.node.mailboxOf(hidden)).toEqual([]);
    other.node.reply(asked[0] as From<string>, "true");
    await settle();
    expect(await answer).toBe("true");
    expect(server.events).toContainEqual({
      type: "denied",
      node: "evil",
      what: "a reference it was not told of",
    });
    const denied = server.events.flatMap((e) => (e.type === "denied" ? [e.what] : []));
    const refused = (text: string): string =>
      `a term that cannot be read: the name "${text}", which is not for the client`;
    expect(denied.slice(-4)).toEqual(["secret", "secret", "slow", "x"].map(refused));
    expect(asked).toHaveLength(1);
  });

  test("No error in place of a reply: a call that is refused with anything else rejects with an error all the same", async () => {
    const world = createRemoteWorld();
    const b = await world.start("b");
    const peer = await Hostile.open(world, "a", "b");
    const said = [5, null, undefined, "text", { message: "like one" }];
    const failures = said.map((_, i) =>
      b.node.call(at("a", name<Call<number, never>>("any")), i).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    await world.settle();
    const calls = peer.of("monitor");
    expect(calls).toHaveLength(said.length);
    for (const [i, { ref }] of calls.entries()) {
      peer.say({ op: "refuse", ref, from: 1, payload: said[i] });
    }
    const errors = await Promise.all(failures);
    expect(errors).toMatchObject(said.map((value) => ({ name: "ThrownValueError", value })));
    expect(errors.every((error) => error instanceof Error)).toBe(true);
    await b.node.stop();
  });

  test("Reaching system processes: no name of the system's is reached from outside, or can be exported", async () => {
    const node = createNode({ name: "x", logger: false });
    await expect(
      startRemote(node, { cookie, exports: [name("coppice:groups/default")] }),
    ).rejects.toThrow('"coppice:"');
    for (const role of ["node", "client"] as const) {
      const { b, got, ...world } = await createBesieged({ exports: [Victim] });
      b.remote.groups();
      b.remote.groups("other");
      const peer = await Hostile.open(world, "a", "b", { role });
      const denied: unknown[] = [];
      for (const system of [
        "coppice:groups/default",
        "coppice:groups/other",
        "coppice:",
        "coppice:x",
      ]) {
        for (const payload of ["x", ["discover", 1], ["sync", 1], ["join", "g", [1]], null, [[]]]) {
          peer.say({ op: "send-name", name: system, from: 1, payload });
        }
        peer.say({ op: "monitor", ref: denied.push(system), from: 1, target: system });
      }
      // 0 is the node itself.
      peer.say(
        { op: "send", to: 0, from: 1, payload: "x" },
        { op: "exit", from: 1, to: 0, payload: "kill" },
        { op: "link", from: 1, to: 0 },
        { op: "monitor", ref: 99, from: 1, target: 0 },
      );
      await world.settle();
      expect(peer.payloads("down")).toEqual(Array(5).fill("noproc"));
      expect(peer.payloads("link-exit")).toEqual(["noproc"]);
      expect(b.remote.groups().groups()).toEqual([]);
      // The node goes on.
      peer.say({ op: "send-name", name: "victim", from: 1, payload: role });
      await world.settle();
      expect([got, peer.end]).toEqual([[role], undefined]);
    }
  });

  test("Secrets in errors: a client hears the code and the message of an error, never its cause or stack", async () => {
    const world = createRemoteWorld();
    const Service = name<Call<string, never>>("service");
    const b = await world.start("b", { exports: [Service] });
    const start = (): void => {
      const service = b.node.spawn<Call<string, never>>(async (self: Self<Call<string, never>>) => {
        const { from, request } = await self.receive();
        const cause = new Error("password=hunter2");
        const error = Object.assign(new TypeError("no", { cause }), {
          code: "E_NO",
          key: "hunter2",
        });
        if (request === "refuse") self.refuse(from, error);
        else throw error;
      });
      b.node.register(Service, service);
    };
    const client = await world.start("client", { role: "client", listen: [] });
    for (const request of ["refuse", "crash"]) {
      start();
      const failed = client.node.call(at("b", Service), request).catch((error: unknown) => error);
      await world.settle();
      const told = (await failed) as { reason?: { error: Error } };
      const error = told.reason?.error ?? (told as unknown as Error & { code: string });
      expect(error).toMatchObject({ name: "TypeError", message: "no", code: "E_NO" });
      expect([error.cause, error.stack]).toEqual([undefined, "TypeError: no"]);
      expect(JSON.stringify(Object.getOwnPropertyDescriptors(error))).not.toContain("hunter2");
    }
  });

  test("Log and string traps: what makes a text of itself by throwing crashes its process alone, and lines stay lines", async () => {
    const { b, got, victim, ...world } = await createBesieged();
    const lines: string[] = [];
    const log = jest.spyOn(console, "error").mockImplementation((...args) => {
      lines.push(args.map(String).join(" "));
    });
    try {
      const loud = await world.start("loud", {}, { logger: undefined as never });
      const crashing = loud.node.spawn<{ readonly toString: unknown }>(async (self) => {
        throw await self.receive();
      });
      loud.node.register(Victim, crashing as Pid<unknown>);
      const peer = await Hostile.open(world, "a", "loud");
      peer.say({
        op: "send-name",
        name: "victim",
        from: 1,
        payload: { toString: 1, message: "x\r\nERROR forged line", stack: 7, name: null },
      });
      await world.settle();
      expect(loud.node.isAlive(crashing)).toBe(false);
      expect(loud.remote.nodes()).toHaveLength(1);
      expect(lines.join("\n")).toContain("forged line");
      for (const line of lines.flatMap((text) => text.split("\n")))
        expect(line).not.toMatch(/^ERROR forged/);
    } finally {
      log.mockRestore();
    }
    // Names come into logs as well.
    for (const evil of ["a\r\nb", "\u001b[2J", "a b", "<a>", "a\u0000"]) {
      const peer = await Hostile.open(world, evil, "b");
      expect(peer.peer).toBeUndefined();
    }
    const peer = await Hostile.open(world, "a", "b");
    peer.say({ op: "send-name", name: "no\r\nbody", from: 1, payload: 1 });
    await world.settle();
    expect([got, b.node.isAlive(victim)]).toEqual([[], true]);
  });
});

function portOf(address: string | undefined): number {
  return Number(new URL(address ?? "").port);
}

test("each threat of docs/threats.md has its test", () => {
  const page = readFileSync(new URL("../../../docs/threats.md", folder), "utf8");
  const rows = [...page.matchAll(/^\|.*\| ([^|]+?) +\|$/gm)].map(([, title = ""]) => title);
  const named = rows.filter((title) => title !== "test" && !title.startsWith("---"));
  expect(named.length).toBeGreaterThan(29);
  const tests = readdirSync(folder)
    .filter((file) => /^(threats.*|handshake)\.test\.ts$/.test(file))
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  for (const title of named) expect(tests).toContain(`test("${title}`);
});

/** What hostile bytes do to a node with which their sender has a session: nothing. Each costs its message. */
import { connect } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { createNode, name } from "@coppice/core";
import type { Role } from "../src/handshake-message.js";
import { encodeSignal } from "../src/signal-writer.js";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { Hostile, unhex } from "./hostile.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const Victim = name<unknown>("victim");

async function createSiege(
  role: Role = "node",
): Promise<RemoteWorld & { b: Member; peer: Hostile; got: unknown[] }> {
  const world = createRemoteWorld();
  const b = await world.start("b", { exports: [Victim] });
  const got: unknown[] = [];
  const victim = b.node.spawn<unknown>(async (self) => {
    for (;;) got.push(await self.receive());
  });
  b.node.register(Victim, victim);
  return { ...world, b, got, peer: await Hostile.open(world, "a", "b", { role }) };
}

const sent = (payload: Uint8Array) =>
  ({ op: "send-name", name: "victim", from: 1, payload }) as const;

/** Says each payload; gives how many were refused, and for how long the program computed for one at the most. */
async function besiege(payloads: readonly Uint8Array[]): Promise<{
  readonly refused: number;
  readonly got: unknown[];
  readonly longestMs: number;
}> {
  const { b, peer, got, settle } = await createSiege();
  let longestMs = 0;
  for (const payload of payloads) {
    peer.sayRaw(sent(payload));
    const before = process.cpuUsage();
    await settle();
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1000);
  }
  // The session goes on, and so does the process.
  const before = got.length;
  peer.sayRaw(sent(unhex("01")));
  await settle();
  expect([peer.end, got.length - before, got.pop()]).toEqual([undefined, 1, 1]);
  const refused = b.events.filter(({ type }) => type === "denied").length;
  return { refused, got, longestMs };
}

const repeat = (hex: string, count: number, tail = ""): Uint8Array =>
  unhex(hex.repeat(count) + tail);

describe("a peer that knows the key, by bytes", () => {
  test("Memory by length lies: a length is checked against the bytes that are left, before anything is made", async () => {
    const whole = unhex("83a2616101616202d9010281f65803010203");
    const lies = [
      "9a06b00000",
      "ba06b00000",
      "5a7fffffff",
      "7a7fffffff",
      "9b00000000ffffffff",
      "9bffffffffffffffff",
      "d901029a06b00000",
      "d90103ba06b00000",
      "d8409a06b00000",
      "d84f5a7fffffff",
      // Claims within claims, each within what its bytes could hold.
      "9903e7".repeat(30) + "00".repeat(1000),
      "9903e799".repeat(200),
    ].map(unhex);
    const cuts = Array.from({ length: whole.length - 1 }, (_, at) => whole.subarray(0, at));
    const before = process.memoryUsage();
    const { refused, got } = await besiege([...lies, ...cuts]);
    const after = process.memoryUsage();
    expect([refused, got]).toEqual([lies.length + cuts.length, []]);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(32 << 20);
  });

  test("CPU in decode: a number of 128 KB, and a hundred thousand items and more, cost no time", async () => {
    const bignum = (bytes: number): Uint8Array =>
      Uint8Array.from([
        0xc2,
        0x5a,
        ...[24, 16, 8, 0].map((s) => (bytes >> s) & 255),
        ...new Uint8Array(bytes).fill(0xff),
      ]);
    const { refused, got, longestMs } = await besiege([
      bignum(129),
      bignum(128 * 1024),
      bignum(512 * 1024),
      Uint8Array.from([0x9a, 0, 1, 0x86, 0xa1, ...new Uint8Array(100_001)]),
    ]);
    expect([refused, got]).toEqual([4, []]);
    expect(longestMs).toBeLessThan(50);
  });

  test("CPU in decode: of numbers that are keys, whose hashes may collide, a client says no more than cost no time", async () => {
    // To hash one the engine looks at its last 64 bit alone.
    const colliding = (count: number): Uint8Array => {
      const head = [0xd9, 0x01, 0x02, 0x9a, ...[24, 16, 8, 0].map((s) => (count >> s) & 255)];
      const bytes = new Uint8Array(head.length + 12 * count);
      bytes.set(head);
      for (let i = 0; i < count; i++) {
        bytes.set([0xc2, 0x4a, 1 + (i >> 8), i & 255], head.length + 12 * i);
      }
      return bytes;
    };
    const { b, got, peer, settle } = await createSiege("client");
    const before = process.cpuUsage();
    for (const count of [2_048, 2_049, 99_000]) peer.sayRaw(sent(colliding(count)));
    await settle();
    const { user, system } = process.cpuUsage(before);
    expect(got.map((set) => (set as Set<unknown>).size)).toEqual([2_048]);
    expect(b.remote.breaches).toEqual({ clientNumberKeys: 2 });
    // All that hash alike, compared with each other, would take many seconds; what the engine does beside is in it.
    expect((user + system) / 1000).toBeLessThan(1_000);
  });

  test("Deep nesting: more than 64 levels are refused, however many and of whatever kind", async () => {
    const deep = [65, 5_000, 1_000_000].flatMap((levels) => [
      repeat("81", levels, "00"),
      ...(levels < 200_000
        ? [repeat("a16161", levels, "00"), repeat("d9010281", levels, "00")]
        : []),
    ]);
    const { refused, got } = await besiege(deep);
    expect([refused, got]).toEqual([deep.length, []]);
    const { refused: none, got: taken } = await besiege([repeat("81", 64, "00")]);
    expect([none, JSON.stringify(taken[0]).length]).toEqual([0, 129]);
  });

  test("Gadgets: expressions, classes, cycles and shared references are not made of any tag", async () => {
    const gadgets = [
      // RegExp, Error subclasses with methods, shared and cyclic references, records, bundled strings.
      "d81b82665265674578706461612b62",
      "d81c81d81d00",
      "d81d00",
      "d99c8a00",
      "d9dfff8200a0",
      "da7265637281a0",
      "d81b816746756e6374696f6e",
      "c06a323032302d30312d3031",
      "d82063613a62",
    ].map(unhex);
    const tags = Array.from({ length: 65_536 }, (_, tag) => tag)
      .filter((tag) => !ALLOWED.has(tag))
      .map((tag) => Uint8Array.from([0xd9, tag >> 8, tag & 255, 0x80]));
    // 65 500 messages at once are more than a window holds: in portions.
    const { b, peer, got, settle } = await createSiege();
    for (const [i, payload] of [...gadgets, ...tags, unhex("db000000010000000000")].entries()) {
      peer.sayRaw(sent(payload));
      if (i % 4_000 === 0) await settle();
    }
    for (let i = 0; i < 100; i++) await settle();
    const refused = b.events.filter(({ type }) => type === "denied").length;
    expect([refused, got, peer.end]).toEqual([gadgets.length + tags.length + 1, [], undefined]);
  });

  test("Prototype pollution, odd keys: __proto__ is refused, and other keys are own data alone", async () => {
    const text = (key: string): string =>
      (0x60 | key.length).toString(16) + Buffer.from(key).toString("hex");
    const map = (key: string, value: string): Uint8Array => unhex("a1" + text(key) + value);
    const polluted = map("polluted", "f5");
    const nested = Buffer.from(polluted).toString("hex");
    const { refused, got } = await besiege([
      map("__proto__", nested),
      unhex("81" + Buffer.from(map("__proto__", "f6")).toString("hex")),
      map("constructor", nested),
      map("hasOwnProperty", "01"),
      map("toString", "01"),
      map("__defineGetter__", "01"),
    ]);
    expect([refused, got.length]).toEqual([2, 4]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    for (const term of got as Record<string, unknown>[]) {
      expect(Object.getPrototypeOf(term)).toBe(Object.prototype);
      const [[key, descriptor] = ["", {}]] = Object.entries(Object.getOwnPropertyDescriptors(term));
      expect([Object.hasOwn(term, key), "value" in descriptor]).toEqual([true, true]);
    }
    expect(Object.keys(got[0] as object)).toEqual(["constructor"]);
  });

  test("Eval under CSP: nothing that reads or writes the wire makes code from strings", async () => {
    // The whole of it runs without in fuzz.test.ts; here, that nothing would even try.
    const { readdirSync, readFileSync } = await import("node:fs");
    const folder = new URL("../src/", import.meta.url);
    for (const file of readdirSync(folder)) {
      const source = readFileSync(new URL(file, folder), "utf8");
      expect([file, /\beval\(|new Function|from "cbor-x"/.test(source)]).toEqual([file, false]);
    }
  });

  test("an op that nobody knows, and one whose fields are of another kind, close the session with a code", async () => {
    for (const hex of [
      "81183f",
      "84010102",
      "8301f60141f6",
      "8501010141f600",
      "83010163616263",
      "a0",
      "00",
    ]) {
      const { peer, b, got, settle } = await createSiege();
      peer.connection.pushEncoded(0, unhex(hex));
      await settle();
      expect([hex, peer.end?.code, got]).toEqual([hex, CLOSE_CODES.PROTOCOL, []]);
      expect(b.remote.nodes()).toEqual([]);
    }
    // Whole signals do not.
    const { peer, got, settle } = await createSiege();
    peer.connection.pushEncoded(0, encodeSignal(sent(unhex("07"))));
    await settle();
    expect([peer.end, got]).toEqual([undefined, [7]]);
  });
});

/** docs/wire.md: the tags that mean something. */
const ALLOWED = new Set([
  1,
  2,
  3,
  27,
  258,
  259,
  40_900,
  40_901,
  40_902,
  ...[64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 79, 81, 82, 85, 86],
]);

describe("bytes of who can reach the port", () => {
  const text = Uint8Array.from([0x81, 0x80 | 2, 0, 0, 0, 0, 0x68, 0x69]);
  const upgrade = [
    "GET /coppice/1 HTTP/1.1",
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${"A".repeat(22)}==`,
    "Sec-WebSocket-Protocol: coppice.1",
    "",
    "",
  ].join("\r\n");

  test("an upgrade that is changed anywhere, and frames of text or of chance behind it, end in a closed connection", async () => {
    const node = createNode({ name: "b", logger: false });
    const cookie = "a cookie that nobody guesses";
    const limits = { handshakeMs: 500, maxHandshakes: 1000, maxHandshakesPerAddress: 1000 };
    const remote = await startRemote(node, { cookie, listen: { port: 0 }, limits });
    const { port } = new URL(remote.addresses[0] ?? "");
    let seed = 7;
    const below = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % n;
    };
    const closed: Promise<unknown>[] = [];
    const attack = (bytes: Uint8Array): void => {
      const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
      closed.push(new Promise((resolve) => socket.on("close", resolve)));
      socket.on("error", () => undefined).on("end", () => socket.destroy());
      socket.resume().write(bytes);
    };
    const good = Buffer.from(upgrade);
    attack(Buffer.concat([good, text]));
    for (let i = 0; i < 150; i++) {
      const bad = Buffer.concat([good, Buffer.from(Array.from({ length: 40 }, () => below(256)))]);
      // In the upgrade, behind it, or cut.
      if (i % 3 === 0) bad[below(good.length)] = below(256);
      attack(i % 3 === 1 ? bad.subarray(0, below(bad.length)) : bad);
    }
    await Promise.all(closed);
    // Nothing is left of them, and who knows the secret is let in.
    const friend = createNode({ name: "friend", logger: false });
    const joined = await startRemote(friend, { cookie });
    expect(await joined.connect(remote.addresses[0] ?? "")).toMatchObject({ name: "b" });
    expect(remote.nodes().map((one) => one.name)).toEqual(["friend"]);
    await Promise.all([friend.stop(), node.stop()]);
  });
});

describe("a peer that knows the protocol", () => {
  test("and grants more than it was told there is has no session any more", async () => {
    const { b, peer, settle } = await createSiege();
    peer.say({ op: "credit", bytes: 2 ** 40, signals: 1 });
    await settle();
    expect(b.events.at(-1)).toMatchObject({
      type: "down",
      code: CLOSE_CODES.PROTOCOL,
      text: "more credit than there is",
      byPeer: false,
    });
    expect(b.remote.nodes()).toEqual([]);
  });

  test("and is a client cannot answer in the place of who was asked: it knows no reference but those it was told", async () => {
    const { b, peer, got, settle } = await createSiege("client");
    const server = b.node.spawn<unknown>(async (self) => void (await self.receive(() => false)));
    const asked = b.node.call(server as never, "what" as never, { timeoutMs: Infinity } as never);
    let answer: unknown;
    asked.then(
      (value: unknown) => (answer = value),
      (error: unknown) => (answer = error),
    );
    await settle();
    for (let ref = 0; ref < 50; ref++) {
      peer.say({ op: "send-alias", ref, from: 1, payload: "forged" });
      peer.say({ op: "refuse", ref, from: 1, payload: new Error("forged") });
    }
    await settle();
    expect([answer, got]).toEqual([undefined, []]);
    expect(b.events).toContainEqual(
      expect.objectContaining({ type: "denied", what: "a reference it was not told of" }),
    );
  });
});

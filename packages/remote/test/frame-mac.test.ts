/** Frames that prove who made them, in sessions and on the way. */
import { describe, expect, test } from "@jest/globals";
import { at, createNode, name, type Call } from "@coppice/core";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { FrameMac, withoutMac } from "../src/frame-mac.js";
import { parseFrame } from "../src/frame.js";
import { FrameWriter } from "../src/frame-writer.js";
import { encodeSignal } from "../src/signal-writer.js";
import { accept, dial, handshake } from "../src/handshake.js";
import { DEFAULT_LIMITS } from "../src/limits.js";
import { nodeCrypto } from "../src/node-crypto.js";
import type { RemoteEvent } from "../src/remote-event.js";
import { startRemote } from "../src/start-remote.js";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createCodecWorld } from "./codec-world.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const cookie = "a cookie that nobody guesses";
const Echo = name<Call<unknown, unknown>>("echo");

async function createPair(
  ofA: boolean,
  ofB: boolean,
): Promise<RemoteWorld & { a: Member; b: Member }> {
  const world = createRemoteWorld();
  const a = await world.start("a", { cookie, insecure: false, frameMac: ofA });
  const b = await world.start("b", { cookie, insecure: false, frameMac: ofB });
  b.node.register(
    Echo,
    b.node.spawn<Call<unknown, unknown>>(async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request);
      }
    }),
  );
  return { ...world, a, b };
}

describe("frames that are proved", () => {
  test.each([
    [true, true],
    [true, false],
    [false, true],
  ])("carry all there is, whoever wants it: %s, %s", async (ofA, ofB) => {
    const { a, network, settle } = await createPair(ofA, ofB);
    const frames: Uint8Array[] = [];
    network.fault("a", "b", { alter: (frame) => (frames.push(frame), frame) });
    for (const request of ["small", "x".repeat(300_000)]) {
      const reply = a.node.call(at("b", Echo), request);
      await settle();
      expect(await reply).toBe(request);
    }
    // HELLO and PROOF, then frames that are what they would be without it, and their proof.
    const proved = frames.slice(2);
    expect(proved.length).toBeGreaterThan(3);
    for (const [index, frame] of proved.entries()) {
      expect(parseFrame(frame.subarray(0, -32), DEFAULT_LIMITS).seq).toBe(index + 1);
      expect(() => parseFrame(frame, DEFAULT_LIMITS)).toThrow(
        expect.objectContaining({ name: "MalformedError" }),
      );
    }
  });

  test("a frame in which a bit was turned ends the session, and nothing of it is delivered", async () => {
    const { a, b, network, settle } = await createPair(true, false);
    await Promise.all([a.remote.connect("b"), settle()]);
    const heard: unknown[] = [];
    const Ear = name<number>("ear");
    b.node.register(
      Ear,
      b.node.spawn<number>(async (self) => {
        for (;;) heard.push(await self.receive());
      }),
    );
    network.fault("a", "b", {
      // The payload's last byte: 1 becomes 0, and it is a frame as good as any.
      alter: (frame) => {
        const altered = Uint8Array.from(frame);
        altered[altered.length - 33] = (altered.at(-33) as number) ^ 1;
        return altered;
      },
    });
    a.node.send(at("b", Ear), 1);
    await settle();
    expect(heard).toEqual([]);
    expect(b.events.at(-1)).toMatchObject({ type: "down", code: CLOSE_CODES.PROTOCOL });
    expect(a.events.at(-1)).toMatchObject({ type: "down", byPeer: true });
  });

  test("are bound to their direction, and to their session", () => {
    const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const ours = new FrameMac({ send: one, receive: two }, nodeCrypto);
    const theirs = new FrameMac({ send: two, receive: one }, nodeCrypto);
    const frame = new Uint8Array([0x83, 1, 0, 0x80]);
    expect(theirs.open(ours.seal(frame))).toEqual(frame);
    expect(ours.open(ours.seal(frame))).toBe(undefined);
    for (let length = 0; length < 36; length++) {
      expect(theirs.open(ours.seal(frame).subarray(0, length))).toBe(undefined);
    }
  });

  test("leave room for their proof within what was agreed", () => {
    const small = { ...DEFAULT_LIMITS, maxFrameBytes: 4096, fragmentBytes: 4032 };
    expect(withoutMac(small)).toMatchObject({ maxFrameBytes: 4064, fragmentBytes: 4000 });
    expect(withoutMac(DEFAULT_LIMITS).fragmentBytes).toBe(DEFAULT_LIMITS.fragmentBytes);
  });

  test("are wanted in vain of a peer that cannot: it is refused, on either side", () => {
    const key = { id: "", role: "node", bytes: new Uint8Array(32).fill(9) } as const;
    const common = { cluster: "c", limits: DEFAULT_LIMITS, hearMs: 1000, crypto: nodeCrypto };
    const life = (node: string) => ({ name: node, incarnation: 1 });
    const nonce = new Uint8Array(32).fill(3);
    const wants = { ...common, frameMac: true };
    // Without a key there is nothing to prove a frame with.
    const hello = dial({ ...common, home: life("a"), key: undefined, nonce }).effects[0];
    const waiting = accept({ ...wants, home: life("b"), keys: [], nonce });
    const bytes = hello?.type === "send" ? hello.bytes : new Uint8Array();
    expect(handshake(waiting, { type: "frame", bytes }).effects).toMatchObject([
      { type: "close", code: CLOSE_CODES.AUTH },
    ]);
    const dialled = dial({ ...wants, home: life("a"), key, nonce });
    const asked = dialled.effects[0];
    const able = accept({ ...common, home: life("b"), keys: [key], nonce });
    const [answer] = handshake(able, {
      type: "frame",
      bytes: asked?.type === "send" ? asked.bytes : bytes,
    }).effects;
    const challenge = Buffer.from(answer?.type === "send" ? answer.bytes : bytes);
    // It says that it can do something else.
    const at = challenge.indexOf("frame-mac");
    expect(at).toBeGreaterThan(0);
    challenge.write("frame-mad", at);
    expect(
      handshake(dialled.state, { type: "frame", bytes: new Uint8Array(challenge) }).effects,
    ).toMatchObject([
      { type: "close", code: CLOSE_CODES.AUTH, why: expect.stringMatching(/proved/) },
    ]);
  });
});

/** Passes on all bytes, and counts the frames that come from the listener. */
async function createProxy(port: number) {
  const sockets: { inner: Socket; outer: Socket }[] = [];
  const frames: Buffer[] = [];
  const server = createServer((outer) => {
    const inner = connect(port, "127.0.0.1");
    sockets.push({ inner, outer });
    outer.pipe(inner);
    let pending = Buffer.alloc(0);
    let isUpgraded = false;
    inner.on("data", (chunk: Buffer) => {
      outer.write(chunk);
      pending = Buffer.concat([pending, chunk]);
      const end = pending.indexOf("\r\n\r\n");
      if (!isUpgraded && end !== -1) {
        isUpgraded = true;
        pending = pending.subarray(end + 4);
      }
      // All that is sent here is short, and comes from a server: no mask, a length of one byte or three.
      while (isUpgraded && pending.length >= 2) {
        const short = (pending[1] as number) & 0x7f;
        if (short === 126 && pending.length < 4) break;
        const [head, length] = short === 126 ? [4, pending.readUInt16BE(2)] : [2, short];
        if (pending.length < head + length) break;
        frames.push(pending.subarray(head, head + length));
        pending = pending.subarray(head + length);
      }
    });
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/coppice/1`,
    /** What the listener has sent, the handshake included. */
    frames,
    /** To the one that dialled, as if the listener had said it. */
    inject(frame: Uint8Array): void {
      for (const { outer } of sockets) outer.write(Buffer.from([0x82, frame.length, ...frame]));
    },
    close(): void {
      for (const { inner, outer } of sockets) [inner, outer].forEach((socket) => socket.destroy());
      server.close();
    },
  };
}

describe("one who sits between two nodes", () => {
  test.each<[boolean, unknown[]]>([
    [false, ["from the peer", "injected"]],
    [true, ["from the peer"]],
  ])(
    "and injects a frame: with frameMac %s the process hears %j, and with it the session ends",
    async (frameMac, expected) => {
      const [a, b] = [
        createNode({ name: "a", logger: false }),
        createNode({ name: "b", logger: false }),
      ];
      const keys = [{ id: "", bytes: new Uint8Array(32).fill(7), role: "node" as const }];
      const options = { cookie, frameMac };
      const listening = await startRemote(b, { ...options, listen: { port: 0 } }, { keys });
      const dialling = await startRemote(a, options, { keys });
      const port = Number(new URL(listening.addresses[0] as string).port);
      const proxy = await createProxy(port);
      try {
        const events: RemoteEvent[] = [];
        dialling.events.subscribe((event) => events.push(event));
        await dialling.connect(proxy.address);
        const Ear = name<string>("ear");
        const heard: string[] = [];
        const waiting: (() => void)[] = [];
        a.register(
          Ear,
          a.spawn<string>(async (self) => {
            for (;;) {
              heard.push(await self.receive());
              waiting.splice(0).forEach((wake) => wake());
            }
          }),
        );
        const first = new Promise<void>((resolve) => waiting.push(resolve));
        b.send(at("a", Ear), "from the peer");
        await first;
        // What comes next in that direction, made without a key. CHALLENGE and ACCEPT were no frames.
        const { codec } = await createCodecWorld();
        const writer = new FrameWriter(codec);
        const signal = encodeSignal(
          { op: "send-name", name: "ear", from: 0, payload: "injected" },
          codec,
        );
        let forged = new Uint8Array();
        for (let seq = 1; seq <= proxy.frames.length - 1; seq++) {
          writer.addEncoded(signal);
          forged = Uint8Array.from(writer.finish(0));
        }
        const over = new Promise<void>((resolve) => {
          waiting.push(resolve);
          dialling.events.subscribe(({ type }) => type === "down" && resolve());
        });
        proxy.inject(forged);
        await over;
        expect(heard).toEqual(expected);
        const down = events.find(({ type }) => type === "down");
        expect(down).toEqual(
          frameMac
            ? expect.objectContaining({ code: CLOSE_CODES.PROTOCOL, byPeer: false })
            : undefined,
        );
      } finally {
        proxy.close();
        await Promise.all([a.stop(), b.stop()]);
      }
    },
  );
});

/** The test vectors that are published say what the code does, and leave nothing out. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import {
  accept,
  Codec,
  DEFAULT_LIMITS,
  deriveKey,
  dial,
  encodeSignal,
  FrameMac,
  handshake,
  nodeCrypto,
  OP_CODES,
  parseFrame,
  parseSignal,
  type HandshakeStep,
  type Key,
  type WireSignal,
} from "@coppice/remote/wire";
import { fromNotation, RECEIVER, SENDER, toNotation, vectorIdentities } from "../tools/notation.js";
import { hex, unhex } from "./codec-world.js";

interface Vector {
  readonly name: string;
  readonly hex: string;
}

interface TermVector extends Vector {
  readonly term: Parameters<typeof fromNotation>[0];
}

function vectorFile<T>(name: string): T {
  const folder = join(dirname(fileURLToPath(import.meta.url)), "../vectors");
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as T;
}

const terms = vectorFile<{
  readonly written: readonly TermVector[];
  readonly read: readonly TermVector[];
  readonly refused: readonly Vector[];
}>("terms");
const frames = vectorFile<{
  readonly signals: readonly {
    readonly code: number;
    readonly hex: string;
    readonly signal: WireSignal;
  }[];
  readonly frames: readonly {
    readonly seq: number;
    readonly ack: number;
    readonly ops: readonly string[];
    readonly hex: string;
  }[];
  readonly refused: readonly Vector[];
  readonly ignored: Vector;
}>("frames");
const shakes = vectorFile<{
  readonly cookie: string;
  readonly cluster: string;
  readonly keyId: string;
  readonly key: string;
  readonly dialler: { readonly nonce: string; readonly hearMs: number };
  readonly acceptor: { readonly nonce: string; readonly hearMs: number };
  readonly handshakes: readonly {
    readonly auth: string;
    readonly channelBinding?: string;
    readonly hello: string;
    readonly challenge: string;
    readonly proof: string;
    readonly accept: string;
    /** Where frames are proved. */
    readonly frameKeys?: { readonly dialler: string; readonly acceptor: string };
    readonly sealed?: string;
  }[];
}>("handshake");

const limits = DEFAULT_LIMITS;
const sender = new Codec({ identities: vectorIdentities(SENDER, RECEIVER), limits });
const receiver = new Codec({ identities: vectorIdentities(RECEIVER, SENDER), limits });

describe("vectors of terms", () => {
  test.each(terms.written)("$name is written so, and read again", ({ hex: bytes, term }) => {
    expect(hex(sender.encode(fromNotation(term)))).toBe(bytes);
    expect(toNotation(receiver.decode(unhex(bytes)))).toEqual(term);
  });

  test.each(terms.read)("$name is read", ({ hex: bytes, term }) => {
    expect(toNotation(receiver.decode(unhex(bytes)))).toEqual(term);
  });

  test.each(terms.refused)("$name is refused", ({ hex: bytes }) => {
    expect(() => receiver.decode(unhex(bytes))).toThrow(
      expect.objectContaining({ name: "MalformedError" }),
    );
  });
});

describe("vectors of frames", () => {
  test("every op is there", () => {
    expect(frames.signals.map(({ code }) => code)).toEqual(Object.values(OP_CODES));
  });

  test.each(frames.signals)("$signal.op", ({ code, hex: bytes, signal }) => {
    const whole = Object.fromEntries(
      Object.entries(signal).map(([key, part]) => [
        key,
        key === "payload" || key === "bytes"
          ? signal.op === "credit"
            ? part
            : unhex(part as string)
          : (part as unknown),
      ]),
    ) as WireSignal;
    expect(OP_CODES[signal.op]).toBe(code);
    expect(hex(encodeSignal(whole))).toBe(bytes);
    expect(parseSignal(unhex(bytes), limits)).toEqual(whole);
  });

  test.each(frames.frames)("frame $seq", ({ seq, ack, ops, hex: bytes }) => {
    const frame = parseFrame(unhex(bytes), limits);
    expect(frame).toMatchObject({ seq, ack });
    expect(frame.signals.map(({ signal }) => signal.op)).toEqual(ops);
  });

  test.each(frames.refused)("$name is refused", ({ hex: bytes }) => {
    expect(() => parseFrame(unhex(bytes), limits)).toThrow(
      expect.objectContaining({ name: "MalformedError" }),
    );
  });

  test("what may be ignored is", () => {
    expect(parseFrame(unhex(frames.ignored.hex), limits).signals).toEqual([]);
  });
});

describe("vectors of the handshake", () => {
  const bytesOf = (step: HandshakeStep): Uint8Array => {
    const effect = step.effects.find(({ type }) => type === "send");
    if (effect?.type !== "send") throw new Error("nothing was sent");
    return effect.bytes;
  };

  test("the key is made of the cookie and the cluster", async () => {
    expect(hex(await deriveKey(nodeCrypto, shakes.cookie, shakes.cluster))).toBe(shakes.key);
  });

  test.each(shakes.handshakes)(
    "$auth, frameKeys $frameKeys: both sides say what is written",
    (vector) => {
      const key: Key = { id: shakes.keyId, role: "node", bytes: unhex(shakes.key) };
      const channelBinding =
        vector.channelBinding === undefined ? undefined : unhex(vector.channelBinding);
      const frameMac = vector.frameKeys !== undefined;
      const common = {
        cluster: shakes.cluster,
        limits,
        crypto: nodeCrypto,
        channelBinding,
        frameMac,
      };
      const { dialler, acceptor } = shakes;
      const first = dial({
        ...common,
        home: SENDER,
        key,
        ...dialler,
        nonce: unhex(dialler.nonce),
        role: "node",
      });
      expect(hex(bytesOf(first))).toBe(vector.hello);
      const waiting = accept({
        ...common,
        home: RECEIVER,
        keys: [key],
        ...acceptor,
        nonce: unhex(acceptor.nonce),
      });
      const second = handshake(waiting, { type: "frame", bytes: unhex(vector.hello) });
      expect(hex(bytesOf(second))).toBe(vector.challenge);
      const third = handshake(first.state, { type: "frame", bytes: unhex(vector.challenge) });
      expect(hex(bytesOf(third))).toBe(vector.proof);
      const proved = handshake(second.state, { type: "frame", bytes: unhex(vector.proof) });
      const fourth = handshake(proved.state, { type: "admit" });
      expect(hex(bytesOf(fourth))).toBe(vector.accept);
      const open = handshake(third.state, { type: "frame", bytes: unhex(vector.accept) });
      expect(open.effects).toMatchObject([
        { type: "open", result: { auth: vector.auth, frameMac } },
      ]);
      const [opened] = open.effects;
      const keys = opened?.type === "open" ? opened.result.frameKeys : undefined;
      expect(keys && { dialler: hex(keys.send), acceptor: hex(keys.receive) }).toEqual(
        vector.frameKeys,
      );
      if (keys === undefined || vector.sealed === undefined) return;
      const mac = new FrameMac(keys, nodeCrypto);
      expect(mac.open(unhex(vector.sealed))).toEqual(unhex("83010080"));
      const ofAcceptor = new FrameMac({ send: keys.receive, receive: keys.send }, nodeCrypto);
      expect(hex(ofAcceptor.seal(unhex("83010080")))).toBe(vector.sealed);
    },
  );
});

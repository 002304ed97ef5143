import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseFrame } from "../src/frame.js";
import { FrameWriter } from "../src/frame-writer.js";
import { DEFAULT_LIMITS } from "../src/limits.js";
import { parseSignal } from "../src/signal-reader.js";
import { encodeSignal } from "../src/signal-writer.js";
import { OP_CODES, type WireOp, type WireSignal } from "../src/wire-signal.js";
import { createCodecWorld, hex, unhex } from "./codec-world.js";

const { codec, peerCodec } = await createCodecWorld();

const term = codec.encode({ a: 1 });

/** One of each, with a payload that is `{ a: 1 }`. */
const signals: { readonly [O in WireOp]: Extract<WireSignal, { op: O }> } = {
  send: { op: "send", to: 7, from: 3, payload: term },
  "send-name": { op: "send-name", name: "calc", from: 3, payload: term },
  "send-alias": { op: "send-alias", ref: 9, from: 0, payload: term },
  refuse: { op: "refuse", ref: 9, from: 7, payload: term },
  link: { op: "link", from: 3, to: 7 },
  unlink: { op: "unlink", id: 1, from: 3, to: 7 },
  "unlink-ack": { op: "unlink-ack", id: 1, from: 7, to: 3 },
  "link-exit": { op: "link-exit", from: 3, to: 7, payload: term },
  exit: { op: "exit", from: 3, to: 7, payload: term },
  monitor: { op: "monitor", ref: 2 ** 40, from: 3, target: "calc" },
  demonitor: { op: "demonitor", ref: 5 },
  down: { op: "down", ref: 5, to: 3, target: 7, payload: term },
  spawn: {
    op: "spawn",
    request: 1,
    from: 3,
    name: "worker",
    payload: term,
    options: { link: true, monitor: 8, startTimeoutMs: 5000, label: "w1", unwindMs: null },
  },
  "spawn-reply": { op: "spawn-reply", request: 1, to: 3, pid: null, payload: term },
  ping: { op: "ping", n: 1 },
  pong: { op: "pong", n: 1 },
  credit: { op: "credit", bytes: 1_000_000, signals: 4096 },
  goaway: { op: "goaway", code: 4000, text: "stopping" },
  frag: { op: "frag", stream: 1, last: true, bytes: term },
};
const ops = Object.keys(signals) as WireOp[];

/** The same signal with its payload as a term. */
function withTerm(signal: WireSignal): WireSignal<unknown> {
  return "payload" in signal ? { ...signal, payload: { a: 1 } } : signal;
}

function frameOf(...signals: readonly WireSignal[]): Uint8Array {
  const writer = new FrameWriter(codec);
  for (const signal of signals) writer.addEncoded(encodeSignal(signal));
  return writer.finish(0);
}

function whyRefused(bytes: Uint8Array): string {
  try {
    parseFrame(bytes, DEFAULT_LIMITS);
  } catch (error) {
    expect((error as Error).name).toBe("MalformedError");
    return (error as Error).message;
  }
  throw new Error(`${hex(bytes)} was taken`);
}

describe("frames", () => {
  test("a frame is an array of its number, what it acknowledges, and its signals", () => {
    const writer = new FrameWriter(codec);
    expect(writer.add(signals.link as WireSignal<unknown>)).toBe(4);
    writer.add({ op: "send", to: 7, from: 3, payload: "hi" });
    expect(hex(writer.finish(300))).toBe(
      "83 01 19012c 990002 83040307 84010703590003626869".replaceAll(" ", ""),
    );
    expect(hex(writer.finish(301))).toBe("83 02 19012d 990000".replaceAll(" ", ""));
  });

  test.each(ops)(
    "%s comes as it was sent, alone and in a frame, encoded before or at once",
    (op) => {
      const signal = signals[op];
      expect(parseSignal(encodeSignal(signal), DEFAULT_LIMITS)).toEqual(signal);
      const writer = new FrameWriter(codec);
      writer.add(withTerm(signal));
      writer.addEncoded(encodeSignal(signal));
      const frame = parseFrame(writer.finish(2), DEFAULT_LIMITS);
      expect(frame).toMatchObject({ seq: 1, ack: 2 });
      for (const received of frame.signals) {
        expect(received.signal).toEqual(signal);
        if ("payload" in received.signal) {
          expect(peerCodec.decode(received.signal.payload)).toEqual({ a: 1 });
        }
      }
    },
  );

  test("the bytes of the signals are what they take in the frame", () => {
    const all = ops.map((op) => signals[op]);
    const frame = parseFrame(frameOf(...all), DEFAULT_LIMITS);
    expect(frame.signals.map(({ bytes }) => bytes)).toEqual(
      all.map((signal) => encodeSignal(signal).length),
    );
  });

  test("a payload is not looked into: a bad one costs its message, not the session", () => {
    const payload = unhex("9bffffffffffffffff");
    const { signals } = parseFrame(
      frameOf({ op: "send", to: 1, from: 1, payload }),
      DEFAULT_LIMITS,
    );
    expect(signals[0]?.signal).toMatchObject({ payload });
  });

  test("payloads of every size around those where the head grows", () => {
    for (const length of [0, 1, 23, 24, 255, 256, 65_531, 65_532, 65_533, 65_534, 70_000]) {
      const writer = new FrameWriter(codec);
      const before = "x".repeat(length);
      writer.add({ op: "send", to: 1, from: 2, payload: before });
      writer.add({ op: "send", to: 1, from: 2, payload: "after" });
      const { signals } = parseFrame(writer.finish(0), DEFAULT_LIMITS);
      const came = signals.map(
        ({ signal }) => "payload" in signal && peerCodec.decode(signal.payload),
      );
      expect(came).toEqual([before, "after"]);
    }
  });

  test("a frame that was taken is not written any more, and many share their memory", () => {
    const writer = new FrameWriter(codec);
    const frames = Array.from({ length: 1000 }, (_, n) => {
      writer.add({ op: "send", to: n, from: 1, payload: { n } });
      return writer.finish(0);
    });
    for (const [n, frame] of frames.entries()) {
      expect(parseFrame(frame, DEFAULT_LIMITS)).toMatchObject({
        seq: n + 1,
        signals: [{ signal: { to: n } }],
      });
    }
    expect(new Set(frames.map(({ buffer }) => buffer)).size).toBeLessThan(10);
  });

  test("what cannot be sent leaves the frame as it was", () => {
    const writer = new FrameWriter(codec);
    writer.add({ op: "send", to: 1, from: 1, payload: 1 });
    const { bytes } = writer;
    for (const payload of [() => 1, ["x".repeat(100_000), () => 1]]) {
      expect(() => writer.add({ op: "send", to: 1, from: 1, payload })).toThrow(
        expect.objectContaining({ code: "UNSENDABLE_TERM" }),
      );
    }
    expect(writer.bytes).toBe(bytes);
    expect(parseFrame(writer.finish(0), DEFAULT_LIMITS).signals).toHaveLength(1);
  });

  test.each(["x".repeat(256), "é".repeat(128), "\ud800"])(
    "the name %p is refused at the sender",
    (name) => {
      const writer = new FrameWriter(codec);
      expect(() => writer.add({ op: "send-name", name, from: 1, payload: 1 })).toThrow(
        expect.objectContaining({ code: "UNSENDABLE_TERM", path: "name" }),
      );
      expect(() => writer.add({ op: "monitor", ref: 1, from: 1, target: name })).toThrow(/name/);
    },
  );
});

describe("frames that are refused", () => {
  const signal = (text: string): Uint8Array => unhex(`83 01 00 81 ${text}`);

  test.each<[string, Uint8Array]>([
    ["no array", unhex("01")],
    ["of two", unhex("820100")],
    ["of four", unhex("8401008000")],
    ["with a negative number", unhex("83200080")],
    ["with a number of 2^53", unhex("831b00200000000000000080")],
    ["with a float for a number", unhex("83f93c000080")],
    ["with signals that are a map", unhex("830100a0")],
    ["with signals of indefinite length", unhex("8301009fff")],
    ["with a count that lies", unhex("83010099ffff")],
    ["with more signals than can be", unhex(`8301009a00010000${"824100".repeat(65_536)}`)],
    ["with something behind it", unhex("8301008000")],
    ["with a signal that is no array", signal("01")],
    ["with a signal without an op", signal("80")],
    ["with an op that is no number", signal("81 6161")],
    ["with the op 0", signal("8100")],
    ["with an op below 64 that nobody knows", signal("81183f")],
    ["with the op 14", signal("810e")],
    ["with a name that is too long", frameOf({ ...signals["send-name"], name: "x".repeat(256) })],
    ["with a spawn option nobody knows", signal("860c 01 03 6161 40 a1 637878 7801")],
    ["with a spawn option twice", signal("860c01036161 40 a2646c696e6bf5646c696e6bf5")],
    ["with a spawn option of a wrong type", signal("860c01036161 40 a1646c696e6b01")],
    ["with a payload that is text", signal("8401 07 03 6161")],
    ["with a pid that is an array", signal("8401 8107 03 40")],
    ["with an op of 64 that holds what is no CBOR", signal("82 1840 1c")],
    ["with an op of 64 that is nested deeply", signal(`82 1840 ${"81".repeat(100)}00`)],
  ])("%s", (_what, bytes) => {
    whyRefused(bytes);
  });

  test.each(ops)("%s with an element too many, and one too few", (op) => {
    const bytes = encodeSignal(signals[op]);
    const more = Uint8Array.from([(bytes[0] as number) + 1, ...bytes.subarray(1), 0x00]);
    expect(whyRefused(Uint8Array.from([0x83, 1, 0, 0x81, ...more]))).toMatch(/elements/);
    const less = Uint8Array.from([(bytes[0] as number) - 1, ...bytes.subarray(1)]);
    expect(whyRefused(Uint8Array.from([0x83, 1, 0, 0x81, ...less]))).toMatch(/elements/);
  });

  test("an op from 64 on that is not known is passed over, whatever it holds", () => {
    const frame = unhex(
      "83 01 00 83 83040307 83 1840 a16161c100 f93c00 82 1918ff 40 ".replace("1918ff", "1903ff"),
    );
    // Of the three signals one is known.
    expect(parseFrame(frame, DEFAULT_LIMITS).signals.map(({ signal }) => signal)).toEqual([
      signals.link,
    ]);
  });

  test("bytes in what is passed over need be no text; a text has to be one, and items have a limit", () => {
    const known = (text: string): unknown[] =>
      parseFrame(unhex(text), { ...DEFAULT_LIMITS, maxItems: 4 }).signals.map(
        ({ signal }) => signal,
      );
    expect(known("83 01 00 82 83040307 82 1840 42fffe")).toEqual([signals.link]);
    expect(() => known("83 01 00 82 83040307 82 1840 62fffe")).toThrow("text");
    expect(known("83 01 00 82 83040307 82 1840 83 010203")).toEqual([signals.link]);
    expect(() => known("83 01 00 82 83040307 82 1840 84 01020304")).toThrow(
      expect.objectContaining({ name: "MalformedError", limit: "maxItems" }),
    );
  });

  test("a frame beyond the limit", () => {
    const limits = { ...DEFAULT_LIMITS, maxFrameBytes: 4096 };
    const payload = new Uint8Array(5000);
    expect(() => parseFrame(frameOf({ op: "send", to: 1, from: 1, payload }), limits)).toThrow(
      expect.objectContaining({ limit: "maxFrameBytes" }),
    );
  });

  test("a frame that is cut anywhere", () => {
    const bytes = frameOf(...ops.map((op) => signals[op]));
    for (let length = 0; length < bytes.length; length++) whyRefused(bytes.subarray(0, length));
  });

  test("a frame in which any byte was changed is refused, or is a frame", () => {
    const bytes = frameOf(...ops.map((op) => signals[op]));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = byte;
        try {
          for (const { signal } of parseFrame(changed, DEFAULT_LIMITS).signals) {
            expect(OP_CODES[signal.op]).toBeGreaterThan(0);
          }
        } catch (error) {
          expect((error as Error).name).toBe("MalformedError");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

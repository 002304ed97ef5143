import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseFrame } from "../src/frame.js";
import { encodeSignal } from "../src/signal-writer.js";
import { Inbox } from "../src/inbox.js";
import { checkLimits, DEFAULT_LIMITS, negotiateLimits, type Limits } from "../src/limits.js";
import { FLUSH_BYTES, Outbox } from "../src/outbox.js";
import { isCounted, type WireSignal } from "../src/wire-signal.js";
import { createCodecWorld } from "./codec-world.js";

const { codec, peerCodec } = await createCodecWorld();

interface Pair {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  /** What came, as `[from, term]`; others as their op. */
  readonly came: unknown[];
  /** Lets frames pass, at most so many; whether the peer grants again what came. */
  readonly flow: (options?: { readonly frames?: number; readonly grants?: boolean }) => number;
}

function pair(given: Partial<Limits> = {}): Pair {
  const limits = checkLimits("limits", given);
  const negotiated = negotiateLimits(limits, limits);
  const outbox = new Outbox(codec, negotiated);
  const inbox = new Inbox(limits, negotiated);
  const came: unknown[] = [];
  return {
    outbox,
    inbox,
    came,
    flow: ({ frames = Infinity, grants = true } = {}) => {
      let taken = 0;
      for (; taken < frames; taken++) {
        const frame = outbox.take();
        if (frame === undefined) break;
        expect(frame.length).toBeLessThanOrEqual(negotiated.maxFrameBytes);
        for (const { signal, bytes } of inbox.accept(frame, 0).signals) {
          came.push(
            signal.op === "send" ? [signal.from, peerCodec.decode(signal.payload)] : signal.op,
          );
          if (isCounted(signal.op)) inbox.takenIn(bytes, 1);
        }
        const granted = grants ? inbox.due() : undefined;
        if (granted !== undefined) expect(outbox.grant(granted.bytes, granted.signals)).toBe(true);
      }
      return taken;
    },
  };
}

function send(outbox: Outbox, from: number, payload: unknown): void {
  outbox.push(from, { op: "send", to: 1, from, payload });
}

describe("the outbox", () => {
  test("what is sent in one turn is one frame", () => {
    const { outbox, came, flow } = pair();
    for (let n = 0; n < 100; n++) send(outbox, 1, n);
    expect(outbox.full).toBe(false);
    expect(flow()).toBe(1);
    expect(came).toEqual(Array.from({ length: 100 }, (_, n) => [1, n]));
    expect(outbox.bytes).toBe(0);
  });

  test("a frame of 16 KiB is there to be taken before the turn ends", () => {
    const { outbox, flow } = pair();
    let pushed = 0;
    while (!outbox.full) send(outbox, ++pushed, "x".repeat(1000));
    expect(pushed).toBe(Math.ceil(FLUSH_BYTES / 1010));
    expect(flow()).toBe(1);
  });

  test("a frame says what was dispatched of the peer's", () => {
    const { outbox } = pair();
    outbox.ack = 77;
    send(outbox, 1, 1);
    expect(parseFrame(outbox.take() as Uint8Array, DEFAULT_LIMITS).ack).toBe(77);
  });

  test("no frame is longer than the peer takes", () => {
    const { outbox, came, flow } = pair({ maxFrameBytes: 4096, fragmentBytes: 2048 });
    for (let n = 0; n < 50; n++) send(outbox, 1, "x".repeat(1900));
    expect(flow()).toBeGreaterThan(24);
    expect(came).toHaveLength(50);
  });

  test("beyond the credit signals wait, and go on in order when the peer grants", () => {
    const { outbox, inbox, came, flow } = pair({ windowSignals: 16 });
    for (let n = 0; n < 50; n++) send(outbox, 1, n);
    flow({ grants: false });
    expect(came).toHaveLength(16);
    expect(outbox.bytes).toBeGreaterThan(34 * 10);
    const granted = inbox.due();
    expect(granted).toMatchObject({ signals: 16 });
    outbox.grant(granted?.bytes ?? 0, 16);
    flow({ grants: false });
    expect(came).toHaveLength(32);
    flow({ grants: true });
    outbox.grant(0, inbox.due()?.signals ?? 0);
    flow();
    expect(came).toEqual(Array.from({ length: 50 }, (_, n) => [1, n]));
  });

  test("what keeps the session alive needs no credit", () => {
    const { outbox, came, flow } = pair({ windowSignals: 16 });
    for (let n = 0; n < 50; n++) send(outbox, 1, n);
    outbox.push(0, { op: "ping", n: 1 });
    outbox.push(0, { op: "credit", bytes: 1, signals: 1 });
    flow({ grants: false });
    expect(came.slice(-2)).toEqual(["ping", "credit"]);
    expect(came).toHaveLength(18);
  });

  test("a peer that grants more than the window breaks the protocol", () => {
    const { outbox } = pair({ windowSignals: 16 });
    expect(outbox.grant(1, 0)).toBe(false);
    send(outbox, 1, 1);
    expect(outbox.grant(0, 2)).toBe(false);
    expect(outbox.grant(0, 1)).toBe(true);
  });

  test("a big message that has waited goes out whenever there is credit, however often there was nothing to take before", () => {
    const signal: WireSignal = { op: "send", to: 7, from: 1, payload: new Uint8Array(100_000) };
    for (const takes of [0, 1, 2, 3]) {
      const { outbox } = pair();
      for (let i = 0; i < takes; i++) expect(outbox.take()).toBeUndefined();
      outbox.pushEncoded(1, encodeSignal(signal));
      expect([outbox.take(), outbox.take(), outbox.take()]).toEqual([
        expect.any(Uint8Array),
        expect.any(Uint8Array),
        undefined,
      ]);
      expect(outbox.bytes).toBe(0);
    }
  });

  test("a big message goes in pieces; other senders pass, the same sender waits", () => {
    const { outbox, came, flow } = pair();
    const big = "x".repeat(1_000_000);
    send(outbox, 1, big);
    send(outbox, 1, "after");
    send(outbox, 2, "other");
    expect(flow({ frames: 1 })).toBe(1);
    expect(came).toEqual([[2, "other"]]);
    send(outbox, 3, "another");
    flow({ frames: 1 });
    expect(came).toEqual([
      [2, "other"],
      [3, "another"],
    ]);
    flow();
    expect(came.slice(2)).toEqual([
      [1, big],
      [1, "after"],
    ]);
    expect(outbox.bytes).toBe(0);
  });

  test("big messages of several senders take turns", () => {
    const { outbox, inbox, came, flow } = pair();
    for (const from of [1, 2, 3]) send(outbox, from, "x".repeat(from * 100_000));
    flow({ frames: 3 });
    expect(inbox.assemblyBytes).toBe(3 * 65_536);
    flow();
    expect(came.map((term) => (term as [number])[0])).toEqual([1, 2, 3]);
    expect(inbox.assemblyBytes).toBe(0);
  });

  test("a message of 16 MiB passes a window of 64 KiB", () => {
    const { outbox, came, flow } = pair({
      windowBytes: 65_536,
      fragmentBytes: 16_384,
      maxMessageBytes: 16 * 1024 * 1024,
    });
    const big = "x".repeat(16 * 1024 * 1024 - 10);
    send(outbox, 1, big);
    flow();
    expect((came[0] as [number, string])[1] === big).toBe(true);
  });

  test("a message that is too big is refused where it is sent", () => {
    const { outbox } = pair();
    expect(() => send(outbox, 1, "x".repeat(17 * 1024 * 1024))).toThrow(
      expect.objectContaining({ code: "UNSENDABLE_TERM" }),
    );
    expect(outbox.bytes).toBe(0);
  });

  test("what a getter of a message sends goes behind what was sent before", () => {
    const { outbox, came, flow } = pair();
    send(outbox, 1, "first");
    send(outbox, 1, {
      get sends() {
        send(outbox, 2, "from the getter");
        return 1;
      },
    });
    send(outbox, 2, "last");
    flow();
    expect(came).toHaveLength(4);
    expect(came.filter((term) => (term as [number])[0] === 2)).toEqual([
      [2, "from the getter"],
      [2, "last"],
    ]);
  });

  test("whatever is sent, granted and taken: each sender's order is kept, nothing is lost, the peer never gets more than it grants", () => {
    const act = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          act: fc.constant("send" as const),
          from: fc.integer({ min: 1, max: 4 }),
          size: fc.constantFrom(0, 10, 100, 1000, 3000, 9000, 30_000),
          /** It was said before the session was open. */
          early: fc.boolean(),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          act: fc.constant("flow" as const),
          frames: fc.integer({ min: 1, max: 3 }),
          grants: fc.boolean(),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { outbox, came, flow } = pair({
          maxFrameBytes: 4096,
          fragmentBytes: 1024,
          windowBytes: 65_536,
          windowSignals: 16,
        });
        const sent = new Map<number, number[]>();
        for (const [n, act] of acts.entries()) {
          if (act.act === "flow") flow(act);
          else {
            const payload = [n, "x".repeat(act.size)];
            if (act.early) {
              const signal = { op: "send", to: 1, from: act.from, payload } as const;
              outbox.pushEncoded(act.from, encodeSignal(signal, codec));
            } else send(outbox, act.from, payload);
            sent.set(act.from, [...(sent.get(act.from) ?? []), n]);
          }
        }
        // What stayed ungranted is granted in the end.
        for (let round = 0; round < 200 && flow() > 0; round++);
        const got = new Map<number, number[]>();
        for (const [from, [n]] of came as [number, [number]][]) {
          got.set(from, [...(got.get(from) ?? []), n]);
        }
        expect(got).toEqual(sent);
        expect(outbox.bytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the inbox", () => {
  const frame = (seq: number, ack: number, ...signals: readonly WireSignal[]): Uint8Array =>
    Uint8Array.from([
      0x83,
      ...(seq < 24 ? [seq] : [0x18, seq]),
      ack,
      0x80 | signals.length,
      ...signals.flatMap((signal) => [...encodeSignal(signal)]),
    ]);
  const inboxOf = (given: Partial<Limits> = {}): Inbox => {
    const limits = checkLimits("limits", given);
    return new Inbox(limits, negotiateLimits(limits, limits));
  };
  const demonitor: WireSignal = { op: "demonitor", ref: 1 };
  const fragment = (stream: number, last: boolean, bytes: Uint8Array): WireSignal => ({
    op: "frag",
    stream,
    last,
    bytes,
  });

  test("the first frame is 1, each following one more: a gap or a repetition ends the session", () => {
    expect(() => inboxOf().accept(frame(0, 0), 0)).toThrow(/repetition/);
    expect(() => inboxOf().accept(frame(2, 0), 0)).toThrow(/gap/);
    const inbox = inboxOf();
    inbox.accept(frame(1, 0), 0);
    inbox.accept(frame(2, 0), 0);
    expect(inbox.seq).toBe(2);
    expect(() => inbox.accept(frame(2, 0), 0)).toThrow(/repetition/);
    expect(() => inbox.accept(frame(4, 0), 0)).toThrow(/gap/);
  });

  test("an acknowledgement of what was not sent, or less than before, ends the session", () => {
    const inbox = inboxOf();
    expect(() => inbox.accept(frame(1, 3), 2)).toThrow(/acknowledgement/);
    expect(inbox.accept(frame(1, 2), 2).ack).toBe(2);
    expect(() => inbox.accept(frame(2, 1), 2)).toThrow(/acknowledgement/);
  });

  test("more signals or bytes than were granted end the session", () => {
    const inbox = inboxOf({ windowSignals: 16 });
    for (let seq = 1; seq <= 16; seq++) inbox.accept(frame(seq, 0, demonitor), 0);
    expect(() => inbox.accept(frame(17, 0, demonitor), 0)).toThrow(
      expect.objectContaining({ limit: "windowSignals" }),
    );
    const bytes = inboxOf({ windowBytes: 65_536 });
    const big: WireSignal = { op: "send", to: 1, from: 1, payload: new Uint8Array(65_536) };
    expect(() => bytes.accept(frame(1, 0, big), 0)).toThrow(
      expect.objectContaining({ limit: "windowBytes" }),
    );
  });

  test("credit is due when a quarter of the window has been taken in", () => {
    const inbox = inboxOf({ windowSignals: 16 });
    for (let seq = 1; seq <= 4; seq++) {
      expect(inbox.due()).toBeUndefined();
      const [received] = inbox.accept(frame(seq, 0, demonitor), 0).signals;
      inbox.takenIn(received?.bytes ?? 0, 1);
    }
    expect(inbox.due()).toEqual({ bytes: 12, signals: 4 });
    expect(inbox.due()).toBeUndefined();
  });

  test("fragment abuse: more streams than may be, or more in assembly than may be", () => {
    const streams = inboxOf();
    for (let n = 1; n <= 64; n++)
      streams.accept(frame(n, 0, fragment(n, false, new Uint8Array(1))), 0);
    expect(() => streams.accept(frame(65, 0, fragment(65, false, new Uint8Array(1))), 0)).toThrow(
      expect.objectContaining({ limit: "maxFragmentStreams" }),
    );
    const limits = {
      maxMessageBytes: 8192,
      maxAssemblyBytes: 8192,
      maxReasonBytes: 1024,
      fragmentBytes: 4096,
    };
    const bytes = inboxOf(limits);
    bytes.accept(frame(1, 0, fragment(1, false, new Uint8Array(4096))), 0);
    bytes.accept(frame(2, 0, fragment(2, false, new Uint8Array(4096))), 0);
    expect(() => bytes.accept(frame(3, 0, fragment(3, false, new Uint8Array(1))), 0)).toThrow(
      expect.objectContaining({ limit: "maxAssemblyBytes" }),
    );
    expect(() =>
      inboxOf(limits).accept(frame(1, 0, fragment(1, true, new Uint8Array(4097))), 0),
    ).toThrow(expect.objectContaining({ limit: "fragmentBytes" }));
  });

  test.each<[string, number, number]>([
    ["that of one that is whole", 1, 1],
    ["less than that of one that is not", 2, 1],
    ["less than that of one that is whole", 3, 0],
  ])("a stream of pieces that begins with %s ends the session", (_, first, second) => {
    const inbox = inboxOf();
    const isWhole = first !== 2;
    const signal = encodeSignal(demonitor);
    inbox.accept(frame(1, 0, fragment(first, isWhole, signal)), 0);
    expect(() => inbox.accept(frame(2, 0, fragment(second, true, signal)), 0)).toThrow(
      expect.objectContaining({ message: expect.stringContaining("not new"), limit: undefined }),
    );
  });

  test("a message beyond the limit is dropped, all of it, and the session goes on", () => {
    const inbox = inboxOf({ maxMessageBytes: 8192, maxReasonBytes: 1024, fragmentBytes: 4096 });
    const head = { op: "send", to: 7, from: 3 } as const;
    const big = encodeSignal({ ...head, payload: new Uint8Array(5 * 4096) });
    for (let n = 1; n <= 5; n++) {
      const piece = big.subarray((n - 1) * 4096, n * 4096);
      inbox.accept(frame(n, 0, fragment(1, false, piece)), 0);
    }
    expect(inbox.assemblyBytes).toBe(0);
    const last = fragment(1, true, big.subarray(5 * 4096));
    // What it was, and of whom, is known all the same.
    expect(inbox.accept(frame(6, 0, last, demonitor), 0)).toMatchObject({
      dropped: 1,
      signals: [
        { signal: { ...head, payload: new Uint8Array(0) }, bytes: 0 },
        { signal: demonitor },
      ],
    });
  });

  test("of a signal beyond the limit the beginning has to be right", () => {
    const inbox = inboxOf({ maxMessageBytes: 8192, maxReasonBytes: 1024, fragmentBytes: 4096 });
    const piece = new Uint8Array(4096);
    for (let n = 1; n <= 3; n++) inbox.accept(frame(n, 0, fragment(1, false, piece)), 0);
    expect(() => inbox.accept(frame(4, 0, fragment(1, true, piece)), 0)).toThrow(/no array/);
  });

  test.each<[string, Uint8Array]>([
    ["a fragment", encodeSignal(fragment(2, true, new Uint8Array(1)))],
    ["a ping", encodeSignal({ op: "ping", n: 1 })],
    ["half a signal", encodeSignal(demonitor).subarray(0, 2)],
    ["two signals", Uint8Array.from([...encodeSignal(demonitor), ...encodeSignal(demonitor)])],
    ["nothing", new Uint8Array(0)],
  ])("fragments that make %s end the session", (_what, bytes) => {
    expect(() => inboxOf().accept(frame(1, 0, fragment(1, true, bytes)), 0)).toThrow(
      expect.objectContaining({ name: "MalformedError" }),
    );
  });
});

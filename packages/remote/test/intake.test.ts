import { describe, expect, test } from "@jest/globals";
import { FrameWriter } from "../src/frame-writer.js";
import { Inbox } from "../src/inbox.js";
import { Intake } from "../src/intake.js";
import { createBreachCounts, DEFAULT_LIMITS, negotiateLimits } from "../src/limits.js";
import { Outbox } from "../src/outbox.js";
import type { WireSignal } from "../src/wire-signal.js";
import { createCodecWorld } from "./codec-world.js";

const { codec } = await createCodecWorld();
const negotiated = negotiateLimits(DEFAULT_LIMITS, DEFAULT_LIMITS);
const window = { bytes: negotiated.windowBytes, signals: negotiated.windowSignals };

/** The event loop, as far as an intake knows it, and what each session took in, by the turn. */
class Loop {
  #tasks: (() => void)[] = [];
  turns = 0;
  /** Who was heard, in order. */
  readonly heard: { readonly who: string; readonly turn: number; readonly bytes: number }[] = [];

  readonly nextTurn = (task: () => void): void => void this.#tasks.push(task);

  get isIdle(): boolean {
    return this.#tasks.length === 0;
  }

  turn(): void {
    this.turns++;
    for (const task of this.#tasks.splice(0)) task();
  }

  /** @param outbox where it is said which frame was taken in last */
  session(who: string, outbox: { seq: number; ack: number } = { seq: 0, ack: 0 }): Intake {
    return new Intake(new Inbox(DEFAULT_LIMITS, negotiated), window, {
      breaches: createBreachCounts(),
      outbox,
      nextTurn: this.nextTurn,
      isDown: () => false,
      withinRate: () => true,
      signal: (signal) => {
        const bytes = "payload" in signal ? signal.payload.length : 0;
        this.heard.push({ who, turn: this.turns, bytes });
      },
      control: () => undefined,
      acked: () => undefined,
      tookIn: () => undefined,
      emptied: () => undefined,
      close: (_, text) => {
        throw new Error(text);
      },
    });
  }

  inTurn(who: string, turn: number): { readonly count: number; readonly bytes: number } {
    const then = this.heard.filter((one) => one.who === who && one.turn === turn);
    return { count: then.length, bytes: then.reduce((sum, { bytes }) => sum + bytes, 0) };
  }
}

function send(payload: unknown): WireSignal<unknown> {
  return { op: "send", to: 1, from: 2, payload };
}

/** So many messages, as their sender's outbox frames them. */
function frames(count: number, payload: unknown): Uint8Array[] {
  const outbox = new Outbox(codec, negotiated);
  for (let i = 0; i < count; i++) outbox.push(2, send(payload));
  const all: Uint8Array[] = [];
  for (let frame = outbox.take(); frame !== undefined; frame = outbox.take()) all.push(frame);
  return all;
}

describe("a fair slice for each session", () => {
  test("who says one thing is heard in the turn it comes in, however much another says", () => {
    const loop = new Loop();
    const [flood, quiet] = [loop.session("flood"), loop.session("quiet")];
    // A whole window at once.
    for (const frame of frames(16_384, "x")) flood.arrive(frame);
    const writer = new FrameWriter(codec);
    for (let question = 0; question < 50; question++) {
      loop.turn();
      writer.add(send("a question"));
      quiet.arrive(writer.finish(0));
      expect(loop.inTurn("quiet", loop.turns).count).toBe(1);
    }
    // Between two of the questions no more than a slice of the flood.
    const asked = loop.heard.flatMap(({ who }, index) => (who === "quiet" ? [index] : []));
    const gaps = asked.map((index, n) => index - (asked[n - 1] ?? -1) - 1);
    expect(Math.max(...gaps.slice(1))).toBe(128);
    while (!loop.isIdle) loop.turn();
    expect(loop.heard.filter(({ who }) => who === "flood")).toHaveLength(16_384);
  });

  test.each<[string, number, number, unknown]>([
    ["128 small messages", 10_000, 128, "x"],
    ["64 KiB of bigger ones, and the one they end with", 400, 13, new Uint8Array(5_000)],
    ["one message of 60 KiB, and the one it leaves room for", 60, 2, new Uint8Array(60_000)],
  ])("is %s to a turn of the event loop", (_, count, most, payload) => {
    const loop = new Loop();
    const flood = loop.session("flood");
    for (const frame of frames(count, payload)) flood.arrive(frame);
    while (!loop.isIdle) loop.turn();
    const perTurn = Array.from({ length: loop.turns + 1 }, (__, n) => loop.inTurn("flood", n));
    expect(Math.max(...perTurn.map((turn) => turn.count))).toBe(most);
    expect(perTurn.reduce((sum, turn) => sum + turn.count, 0)).toBe(count);
  });

  test("is one message that came in pieces", () => {
    const loop = new Loop();
    const flood = loop.session("flood");
    const outbox = new Outbox(codec, negotiated);
    for (let i = 0; i < 6; i++) outbox.push(2, send(new Uint8Array(150_000)));
    for (let frame = outbox.take(); frame !== undefined; frame = outbox.take()) flood.arrive(frame);
    while (!loop.isIdle) loop.turn();
    expect(loop.heard.length).toBeGreaterThan(3);
    expect(new Set(loop.heard.map(({ turn }) => turn)).size).toBe(loop.heard.length);
  });

  test("nothing is said to the event loop of few messages", () => {
    const loop = new Loop();
    const quiet = loop.session("quiet");
    for (const frame of frames(31, "x")) quiet.arrive(frame);
    expect(loop.isIdle).toBe(true);
    expect(loop.heard).toHaveLength(31);
  });

  const none: readonly WireSignal[] = [];
  const crumb: WireSignal = { op: "frag", stream: 1, last: false, bytes: new Uint8Array(0) };
  const ping: WireSignal = { op: "ping", n: 1 };
  test.each<[string, readonly WireSignal[], number, number]>([
    [
      "4096 empty pieces of a message that never ends",
      Array.from({ length: 16_000 }, () => crumb),
      10,
      38,
    ],
    [
      "4096 pings that are read, and 128 that are noted",
      Array.from({ length: 16_000 }, () => ping),
      2,
      250,
    ],
    ["256 frames of nothing", none, 2_560, 9],
  ])("is %s to a turn of the event loop", (_, signals, count, leastTurns) => {
    const loop = new Loop();
    const outbox = { seq: 0, ack: 0 };
    const [flood, quiet] = [loop.session("flood", outbox), loop.session("quiet")];
    const writer = new FrameWriter(codec);
    for (let i = 0; i < count; i++) {
      for (const signal of signals) writer.add(signal);
      flood.arrive(writer.finish(0));
    }
    writer.add(send("the end"));
    flood.arrive(writer.finish(0));
    // Nothing was said that could be answered, and it is not acknowledged before it is read.
    if (signals.length > 0) expect(outbox.ack).toBe(0);
    quiet.arrive(frames(1, "a question")[0] as Uint8Array);
    expect(loop.inTurn("quiet", 0).count).toBe(1);
    while (!loop.isIdle) loop.turn();
    expect(loop.turns).toBeGreaterThanOrEqual(leastTurns);
    expect(outbox.ack).toBe(count + 1);
    expect(loop.heard.filter(({ who }) => who === "flood")).toHaveLength(1);
  });

  test("a frame that is half read has no effect when the other half is wrong", () => {
    const loop = new Loop();
    const flood = loop.session("flood");
    const writer = new FrameWriter(codec);
    for (let i = 0; i < 6_000; i++) writer.add({ op: "demonitor", ref: i });
    const frame = writer.finish(0).slice();
    // The last signal is none.
    frame[frame.length - 5] = 0;
    flood.arrive(frame);
    expect(() => loop.turn()).toThrow(/array/);
    expect(loop.heard).toHaveLength(0);
  });

  test("frames of nothing that wait are too many before they cost much memory", () => {
    const loop = new Loop();
    const flood = loop.session("flood");
    const writer = new FrameWriter(codec);
    let count = 0;
    // Nobody turns the loop.
    const arriveAll = (): void => {
      for (; count < 1_000_000; count++) flood.arrive(writer.finish(0));
    };
    expect(arriveAll).toThrow("more than was granted waits to be taken in");
    expect(count).toBeLessThan(200_000);
  });
});

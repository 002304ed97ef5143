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

  session(who: string): Intake {
    return new Intake(new Inbox(DEFAULT_LIMITS, negotiated), negotiated.windowBytes, {
      breaches: createBreachCounts(),
      outbox: { seq: 0, ack: 0 },
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
});

/** What every transport has to do. */
import { describe, expect, test } from "@jest/globals";
import type { Transport, TransportEvents } from "../src/transport.js";

/** Two ends of one connection, not started. */
export interface Ends {
  readonly dialled: Transport;
  /** Resolves when the other side has the connection. */
  readonly accepted: Promise<Transport>;
}

export interface Setting {
  connect(): Ends;
  /** A connection to where nobody is; `undefined` when there is no such thing. */
  connectToNobody(): Transport | undefined;
  close(): Promise<void>;
}

/** An end that remembers. */
interface Heard {
  readonly frames: string[];
  readonly closes: (readonly [number, string])[];
  opened: number;
  drained: number;
}

function listenTo(transport: Transport): Heard {
  const heard: Heard = { frames: [], closes: [], opened: 0, drained: 0 };
  const events: TransportEvents = {
    opened: () => {
      expect([heard.frames, heard.closes]).toEqual([[], []]);
      heard.opened++;
    },
    frame: (bytes) => void heard.frames.push(textOf(bytes)),
    drained: () => void heard.drained++,
    closed: (code, text) => void heard.closes.push([code, text]),
  };
  transport.start(events);
  return heard;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Real sockets take their time: looks again until it is so. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !holds(); i++) {
    await new Promise((resolve) => void setTimeout(resolve, 2));
  }
  expect(holds()).toBe(true);
}

export function describeTransport(name: string, create: () => Promise<Setting>): void {
  describe(`the transport ${name}`, () => {
    const withSetting = async (act: (setting: Setting) => Promise<void>): Promise<void> => {
      const setting = await create();
      try {
        await act(setting);
      } finally {
        await setting.close();
      }
    };
    /** Runs `act` with both ends started. */
    const withEnds = (
      act: (a: Transport, b: Transport, heardA: Heard, heardB: Heard) => Promise<void>,
    ): Promise<void> =>
      withSetting(async ({ connect }) => {
        const { dialled, accepted } = connect();
        const heardA = listenTo(dialled);
        const other = await accepted;
        const heardB = listenTo(other);
        await act(dialled, other, heardA, heardB);
        dialled.close(4000, "done");
        other.close(4000, "done");
      });

    test("delivers frames whole and in order, both ways", () =>
      withEnds(async (a, b, heardA, heardB) => {
        const texts = Array.from({ length: 200 }, (_, i) => `${i}:${"x".repeat(i * 37)}`);
        for (const text of texts) a.send(bytesOf(text));
        for (const text of texts.slice(0, 50)) b.send(bytesOf(text));
        await until(() => heardB.frames.length === 200 && heardA.frames.length === 50);
        expect(heardB.frames).toEqual(texts);
        expect(heardA.frames).toEqual(texts.slice(0, 50));
        expect([heardA.opened, heardB.opened]).toEqual([1, 1]);
      }));

    test("keeps what is sent while it opens, and what comes before somebody listens", () =>
      withSetting(async ({ connect }) => {
        const { dialled, accepted } = connect();
        dialled.send(bytesOf("early"));
        const heard = listenTo(dialled);
        const other = await accepted;
        other.send(bytesOf("answer"));
        await until(() => heard.frames.length === 1);
        const heardThere = listenTo(other);
        await until(() => heardThere.frames.length === 1);
        expect([heard.frames, heardThere.frames]).toEqual([["answer"], ["early"]]);
        dialled.close(4000, "");
        other.close(4000, "");
      }));

    test("carries a frame of a megabyte, and one that is a view of more", () =>
      withEnds(async (a, _b, _heardA, heardB) => {
        const big = new Uint8Array(1_000_000).fill(97);
        a.send(big.subarray(10, 20));
        a.send(big);
        await until(() => heardB.frames.length === 2);
        expect(heardB.frames.map((text) => text.length)).toEqual([10, 1_000_000]);
      }));

    test("counts what has not left, and tells when it has", () =>
      withEnds(async (a, _b, heardA, heardB) => {
        expect(a.bufferedBytes).toBe(0);
        for (let i = 0; i < 100; i++) a.send(new Uint8Array(100_000));
        expect(a.bufferedBytes).toBeGreaterThan(1_000_000);
        await until(() => a.bufferedBytes === 0 && heardB.frames.length === 100);
        expect(heardA.drained).toBeGreaterThan(0);
      }));

    test("tells the other end the code and the text of a close, after all that was sent", () =>
      withEnds(async (a, b, heardA, heardB) => {
        b.send(bytesOf("it is open"));
        await until(() => heardA.frames.length === 1);
        a.send(bytesOf("last"));
        a.close(4007, "why");
        await until(() => heardB.closes.length > 0);
        expect([heardB.frames, heardB.closes]).toEqual([["last"], [[4007, "why"]]]);
        b.send(bytesOf("too late"));
        a.send(bytesOf("too late"));
        a.close(4008, "again");
        await new Promise((resolve) => void setTimeout(resolve, 20));
        expect(heardB.closes).toHaveLength(1);
        expect(heardB.frames).toHaveLength(1);
        expect([heardA.frames, heardA.closes]).toEqual([["it is open"], []]);
      }));

    test.each([0, 1, 999, 1000, 1004, 1005, 1006, 2999, 5000, 1_000_000, 2 ** 53 - 1])(
      "closes with a code that is none, such as %p",
      (code) =>
        withEnds(async (a, _b, heardA, heardB) => {
          await until(() => heardA.opened === 1);
          a.close(code, "why");
          await until(() => heardB.closes.length > 0);
          expect(heardB.closes).toMatchObject([[expect.any(Number), "why"]]);
        }),
    );

    test("tells nothing of its own close", () =>
      withEnds(async (a, b, heardA, heardB) => {
        a.close(4000, "");
        b.close(4000, "");
        await new Promise((resolve) => void setTimeout(resolve, 20));
        expect(heardA.closes).toEqual([]);
        expect(heardB.closes.length).toBeLessThan(2);
      }));

    test("to nobody is closed", () =>
      withSetting(async ({ connectToNobody }) => {
        const transport = connectToNobody();
        if (transport === undefined) return;
        transport.send(bytesOf("x"));
        const heard = listenTo(transport);
        await until(() => heard.closes.length > 0);
        expect(heard.closes).toEqual([[1006, expect.any(String)]]);
        expect(heard.opened).toBe(0);
      }));
  });
}

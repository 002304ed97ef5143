import { describe, expect, test } from "@jest/globals";
import { at, name, type Down, type Startable } from "@coppice/core";
import { CLOSE_CODES } from "../src/wire-signal.js";
import { createRemoteWorld, type Member, type RemoteWorld } from "./remote-world.js";

const Sink = name<Uint8Array>("sink");
const KIB = 1024;

const limits = {
  softQueueBytes: 64 * KIB,
  hardQueueBytes: 256 * KIB,
  controlQueueBytes: 512 * KIB,
};

/** A node that sends to another, which is connected and takes in what it gets. */
async function createFlow(
  options: object = {},
): Promise<RemoteWorld & { a: Member; b: Member; got: { count: number } }> {
  const world = createRemoteWorld();
  const a = await world.start("a", { limits, hearMs: 3_600_000, ...options });
  const b = await world.start("b", { hearMs: 3_600_000 });
  const got = { count: 0 };
  const sink = b.node.spawn<Uint8Array>(async (self) => {
    for (;;) {
      await self.receive();
      got.count++;
    }
  });
  b.node.register(Sink, sink);
  await Promise.all([a.remote.connect("b"), world.settle()]);
  return { ...world, a, b, got };
}

const target = at("b", Sink);
const block = new Uint8Array(8 * KIB);

const dropped = ({ nodeEvents }: Member): number =>
  nodeEvents.filter(({ type }) => type === "undelivered").length;

describe("a peer that takes nothing", () => {
  test("makes its session busy, and ready when it takes again; who waits goes on then", async () => {
    const world = await createFlow();
    const { a, network, settle, got } = world;
    network.fault("a", "b", { mode: "hold" });
    let sent = 0;
    for (; !a.remote.isBusy("b"); sent++) a.node.send(target, block);
    expect(sent).toBe(8);
    let ready = false;
    void a.remote.ready("b").then(() => (ready = true));
    await settle();
    expect([ready, a.events.at(-1)]).toEqual([false, { type: "busy", node: "b" }]);
    network.fault("a", "b", {});
    await settle();
    expect([ready, a.events.at(-1), got.count]).toEqual([true, { type: "ready", node: "b" }, sent]);
    expect(a.remote.breaches).toEqual({ softQueueBytes: 1 });
  });

  test.each(["close", "drop"] as const)(
    "costs its session, or messages, above the hard mark: %s",
    async (overflow) => {
      const world = await createFlow({ overflow });
      const { a, network, settle, got } = world;
      network.fault("a", "b", { mode: "hold" });
      for (let i = 0; i < 100; i++) a.node.send(target, block);
      await settle();
      const isUp = a.remote.nodes().length === 1;
      if (overflow === "drop") {
        expect(isUp).toBe(true);
        const [{ queuedBytes = 0 } = {}] = a.remote.nodes();
        expect(queuedBytes).toBeLessThan(300 * KIB);
        network.fault("a", "b", {});
        await settle();
        expect(got.count + dropped(a)).toBe(100);
        expect(got.count).toBeGreaterThan(30);
      } else {
        expect(a.events).toContainEqual(
          expect.objectContaining({ type: "down", code: CLOSE_CODES.OVERLOAD }),
        );
      }
    },
  );

  test("is still told what is no message, until that is too much as well", async () => {
    const world = await createFlow({ overflow: "drop" });
    const { a, network, settle } = world;
    network.fault("a", "b", { mode: "hold" });
    for (let i = 0; i < 40; i++) a.node.send(target, block);
    const downs: unknown[] = [];
    a.node.spawn<Down>(async (self) => {
      self.monitor(target);
      downs.push((await self.receive()).reason);
    });
    await settle();
    expect(downs).toEqual([]);
    network.fault("a", "b", {});
    await settle();
    a.remote.disconnect("b");
    await settle();
    expect(downs).toEqual(["noconnection"]);
  });

  test("takes no memory beyond the marks while a connection is only begun", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { limits });
    await world.start("b");
    world.network.fault("a", "b", { mode: "hold" });
    for (let i = 0; i < 100; i++) a.node.send(target, block);
    await world.settle();
    expect(a.remote.isBusy("b")).toBe(false);
    expect(a.events).toMatchObject([{ type: "refused", code: CLOSE_CODES.OVERLOAD }]);
    expect(dropped(a)).toBeGreaterThan(30);
  });

  test.each([
    ["a connection is only begun", undefined],
    ["it is looked up where the node is", () => new Promise<string>(() => undefined)],
  ])(
    "ends the starts there that are too many while %s, and keeps no more of them",
    async (_, resolve) => {
      const world = createRemoteWorld();
      const a = await world.start("a", { limits, ...(resolve && { resolve }) });
      await world.start("b");
      world.network.fault("a", "b", { mode: "hold" });
      const far = a.remote.behaviour("b", "worker");
      const outcomes: unknown[] = [];
      for (let i = 0; i < 600; i++) {
        const started = a.node.start(far as Startable<never, [string]>, "x".repeat(100));
        started.catch(({ reason }: { reason: unknown }) => void outcomes.push(reason));
      }
      await world.settle();
      expect(outcomes.length).toBeGreaterThan(300);
      expect(new Set(outcomes)).toEqual(new Set(["noconnection"]));
      expect(a.remote.breaches).toMatchObject({ controlQueueBytes: 1 });
      expect(a.events[0]).toMatchObject({ type: "refused", code: CLOSE_CODES.OVERLOAD });
    },
  );

  test("counts what a message costs while a connection is only begun, however small it is", async () => {
    const world = createRemoteWorld();
    const a = await world.start("a", { limits });
    await world.start("b");
    world.network.fault("a", "b", { mode: "hold" });
    const tiny = new Uint8Array(1);
    let sent = 0;
    for (; !a.remote.isBusy("b"); sent++) a.node.send(target, tiny);
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThanOrEqual(64);
    for (; sent < 2_000; sent++) a.node.send(target, tiny);
    await world.settle();
    expect(a.events).toMatchObject([{ type: "refused", code: CLOSE_CODES.OVERLOAD }]);
  });

  test("is not dialled again at once by who has too much to say", async () => {
    const world = await createFlow();
    const { a, network, settle } = world;
    network.fault("a", "b", { mode: "hold" });
    for (let i = 0; i < 100; i++) a.node.send(target, block);
    network.fault("a", "b", {});
    await settle();
    expect(a.events.at(-1)).toMatchObject({ type: "down", code: CLOSE_CODES.OVERLOAD });
    a.node.send(target, block);
    await settle();
    expect(a.events.at(-1)).toMatchObject({ type: "down" });
    await world.advance(1_000);
    a.node.send(target, block);
    await settle();
    expect(a.events.at(-1)).toMatchObject({ type: "up" });
  });
});

test("a peer whose processes are slow is no reason to wait: its mailboxes take all", async () => {
  const world = await createFlow();
  const { a, b, settle } = world;
  const slow = b.node.spawn<Uint8Array>(async (self) => {
    await self.sleep(1e6);
  });
  b.node.unregister(Sink);
  b.node.register(Sink, slow);
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 20; i++) a.node.send(target, block);
    await settle();
  }
  expect(b.node.mailboxOf(slow)).toHaveLength(2_000);
  expect(a.remote.nodes()).toHaveLength(1);
});

test("a message of many fragments passes, and small ones of others pass it", async () => {
  const world = await createFlow({ limits: {} });
  const { a, b, settle, got } = world;
  const order: number[] = [];
  const Other = name<number>("other");
  b.node.register(
    Other,
    b.node.spawn<number>(async (self) => {
      for (;;) {
        await self.receive();
        order.push(got.count);
      }
    }),
  );
  const sender = a.node.spawn<never>(async (self) => {
    self.send(target, new Uint8Array(10 * KIB * KIB));
    await self.sleep(1e6);
  });
  a.node.spawn<never>(async (self) => {
    self.send(at("b", Other), 1);
  });
  await settle();
  for (let i = 0; i < 30; i++) await settle();
  expect([got.count, order]).toEqual([1, [0]]);
  expect(a.node.isAlive(sender)).toBe(true);
});

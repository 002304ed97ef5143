import { describe, expect, test } from "@jest/globals";
import { createNode, type Happening, type Node } from "@coppice/core";
import {
  createFifoScheduler,
  createVirtualClock,
  type FifoScheduler,
  type VirtualClock,
} from "@coppice/testkit";

function world(seed?: number): { node: Node; clock: VirtualClock; scheduler: FifoScheduler } {
  const clock = createVirtualClock();
  const scheduler = createFifoScheduler(seed === undefined ? { clock } : { clock, seed });
  return { node: createNode({ clock, scheduler, logger: false }), clock, scheduler };
}

/** Two senders with two messages each; what arrives, in order. */
async function twoSenders(seed?: number): Promise<string> {
  const { node, scheduler } = world(seed);
  const got: string[] = [];
  const receiver = node.spawn<string>(async (self) => {
    for (;;) got.push(await self.receive());
  });
  for (const name of ["a", "b"]) {
    node.spawn<never>((self) => {
      self.send(receiver, `${name}1`);
      self.send(receiver, `${name}2`);
    });
  }
  await scheduler.runAll();
  return got.join(" ");
}

const seeds = Array.from({ length: 100 }, (_, seed) => seed);

describe("a scheduler that decides everything", () => {
  test("lets nothing happen by itself", async () => {
    const { node, scheduler } = world();
    let started = false;
    node.spawn(() => void (started = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toBe(false);
    expect(scheduler.waiting).toBe(1);
    expect(scheduler.runNext()).toBe(true);
    expect(started).toBe(true);
    expect(scheduler.runNext()).toBe(false);
  });

  test("without a seed takes what was offered first", async () => {
    expect(await twoSenders()).toBe("a1 a2 b1 b2");
  });

  test("runs until nothing but timers is left", async () => {
    const { node, clock, scheduler } = world();
    const log: string[] = [];
    const receiver = node.spawn<string>(async (self) => {
      for (;;) log.push(`${await self.receive()}@${self.now()}`);
    });
    node.spawn<never>(async (self) => {
      for (let i = 0; i < 3; i++) {
        await self.yield();
        self.send(receiver, `now${i}`);
      }
      await self.sleep(100);
      self.send(receiver, "later");
    });
    await scheduler.runAll();
    expect(log).toEqual(["now0@0", "now1@0", "now2@0"]);
    await clock.advance(100, () => scheduler.runAll());
    expect(log.at(-1)).toBe("later@100");
  });

  test("fires timers by the clock, in order of deadline, and forgets what was cancelled", async () => {
    const { node, clock, scheduler } = world(7);
    const log: string[] = [];
    const receiver = node.spawn<string>(async (self) => {
      for (;;) log.push(`${await self.receive()}@${self.now()}`);
    });
    node.sendAfter(receiver, 30, "c");
    const cancelled = node.sendAfter(receiver, 20, "b");
    node.sendAfter(receiver, 10, "a");
    expect(node.cancelTimer(cancelled)).toBe(20);
    await clock.advance(25, () => scheduler.runAll());
    expect(log).toEqual(["a@10"]);
    await clock.advance(25, () => scheduler.runAll());
    expect(log).toEqual(["a@10", "c@30"]);
    expect(clock.nextAt()).toBeUndefined();
  });

  test("drops what was withdrawn", () => {
    const { scheduler } = world();
    const ran: string[] = [];
    const happening = (key: string): Happening =>
      ({ kind: "signal", key, channel: key, run: () => void ran.push(key) }) as Happening;
    const [a, b] = [happening("a"), happening("b")];
    scheduler.offer(a);
    scheduler.offer(b);
    scheduler.withdraw(a);
    scheduler.withdraw(a);
    while (scheduler.runNext());
    expect(ran).toEqual(["b"]);
  });
});

describe("a seed", () => {
  test("picks the same schedule each time", async () => {
    for (const seed of seeds) expect(await twoSenders(seed)).toBe(await twoSenders(seed));
  });

  test("keeps the order of each pair, and nothing else: all six orders come up", async () => {
    const orders = new Set<string>();
    for (const seed of seeds) orders.add(await twoSenders(seed));
    expect([...orders].sort()).toEqual([
      "a1 a2 b1 b2",
      "a1 b1 a2 b2",
      "a1 b1 b2 a2",
      "b1 a1 a2 b2",
      "b1 a1 b2 a2",
      "b1 b2 a1 a2",
    ]);
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  ExitSignal,
  ReceiveError,
  TIMEOUT,
  type Handler,
  type Node,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { createWorld } from "./world.js";

/** Spawns a process and sends it the messages, in this order. */
function spawnWith<M>(
  node: Node,
  messages: readonly M[],
  body: (self: Self<M>) => Promise<void>,
): Pid<M> {
  const pid = node.spawn<M>(body);
  for (const message of messages) node.send(pid, message);
  return pid;
}

describe("receive", () => {
  test("takes messages in the order in which they came", async () => {
    const { node } = createWorld();
    const taken: number[] = [];
    spawnWith(node, [1, 2, 3], async (self) => {
      for (;;) taken.push(await self.receive());
    });
    await quiesce();
    expect(taken).toEqual([1, 2, 3]);
  });

  test("waits until there is a message", async () => {
    const { node, clock } = createWorld();
    const taken: string[] = [];
    const pid = node.spawn<string>(async (self) => void taken.push(await self.receive()));
    await clock.advance(1_000_000);
    expect([taken, node.processInfo(pid)?.status]).toEqual([[], "receiving"]);
    node.send(pid, "at last");
    await quiesce();
    expect(taken).toEqual(["at last"]);
  });

  test("finds what came before the process had started", async () => {
    const { node } = createWorld();
    const taken: string[] = [];
    const pid = node.spawn<string>(async (self) => void taken.push(await self.receive()));
    node.send(pid, "early");
    expect([taken, node.mailboxOf(pid)]).toEqual([[], ["early"]]);
    await quiesce();
    expect(taken).toEqual(["early"]);
  });

  test("keeps the order of a hundred thousand messages, over many turns of the event loop", async () => {
    let nowMs = 0;
    const { node } = createWorld({
      turnMs: 1,
      // Time flies: the budget of a turn is used up again and again.
      clock: { now: () => (nowMs += 0.3), set: () => 0, clear: () => undefined },
    });
    const taken: number[] = [];
    const receiver = node.spawn<number>(async (self) => {
      while (taken.length < 100_000) taken.push(await self.receive());
    });
    node.spawn(async (self) => {
      for (let i = 0; i < 100_000; i++) {
        self.send(receiver, i);
        if (i % 1000 === 0) await self.yield();
      }
    });
    await node.whenExited(receiver);
    expect(taken.every((message, i) => message === i)).toBe(true);
  });
});

describe("receive with a guard", () => {
  type Message = { readonly type: "ping"; readonly n: number } | { readonly type: "pong" };

  test("takes the oldest message that the guard accepts; what it refuses stays, in order", async () => {
    const { node } = createWorld();
    const taken: unknown[] = [];
    const pid = spawnWith<number>(node, [1, 2, 3, 4, 5], async (self) => {
      taken.push(await self.receive((n) => n % 2 === 0));
      taken.push(await self.receive((n) => n > 3));
      taken.push(await self.receive((n) => n > 3));
      await self.receive((n) => n === 99);
    });
    await quiesce();
    expect([taken, node.mailboxOf(pid)]).toEqual([
      [2, 4, 5],
      [1, 3],
    ]);
  });

  test("waits for an accepted message while others come, and leaves those in order", async () => {
    const { node } = createWorld();
    const taken: number[] = [];
    const pid = node.spawn<number>(async (self) => {
      taken.push(await self.receive((n) => n === 3));
      for (;;) taken.push(await self.receive());
    });
    await quiesce();
    for (const n of [1, 2]) node.send(pid, n);
    await quiesce();
    expect([taken, node.mailboxOf(pid)]).toEqual([[], [1, 2]]);
    for (const n of [3, 4]) node.send(pid, n);
    await quiesce();
    expect(taken).toEqual([3, 1, 2, 4]);
  });

  test("gives the message the type that the guard proves", async () => {
    const { node } = createWorld();
    const taken: unknown[] = [];
    spawnWith<Message>(node, [{ type: "pong" }, { type: "ping", n: 7 }], async (self) => {
      const ping = await self.receive((message) => message.type === "ping");
      taken.push(ping.n);
      const either = await self.receive();
      // @ts-expect-error: without a guard it may be a pong
      taken.push(either.n);
    });
    await quiesce();
    expect(taken).toEqual([7, undefined]);
  });

  test("asks about each message once per receive, oldest first, and not beyond the accepted one", async () => {
    const { node } = createWorld();
    const asked: number[] = [];
    const pid = spawnWith<number>(node, [1, 2, 3, 4], async (self) => {
      await self.receive((n) => asked.push(n) > 0 && n === 3);
      asked.length = 0;
      await self.receive((n) => asked.push(n) > 0 && n === 6);
    });
    await quiesce();
    expect(asked).toEqual([1, 2, 4]);
    for (const n of [5, 6, 7]) node.send(pid, n);
    expect(asked).toEqual([1, 2, 4, 5, 6]);
  });
});

describe("receive with a timeout", () => {
  test("returns TIMEOUT when the time is over and no message was accepted", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    const pid = spawnWith<number>(node, [1], async (self) => {
      taken.push(await self.receive((n) => n === 2, { timeoutMs: 100 }), self.now());
      await self.receive((n) => n === 2);
    });
    await clock.advance(99);
    expect(taken).toEqual([]);
    await clock.advance(1);
    expect([taken, node.mailboxOf(pid)]).toEqual([[TIMEOUT, 100], [1]]);
  });

  test("returns a message that comes in time, and its timer is gone", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      taken.push(await self.receive({ timeoutMs: 100 }));
      taken.push(await self.receive({ timeoutMs: 100 }));
    });
    await clock.advance(99);
    node.send(pid, "in time");
    expect(node.counts.timers).toBe(0);
    await clock.advance(99);
    expect(taken).toEqual(["in time"]);
    await clock.advance(1);
    expect(taken).toEqual(["in time", TIMEOUT]);
  });

  test("has its time from the beginning: refused messages do not start it again", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      taken.push(await self.receive((m) => m === "right", { timeoutMs: 100 }), self.now());
    });
    for (let i = 0; i < 3; i++) {
      await clock.advance(30);
      node.send(pid, "wrong");
    }
    await clock.advance(10);
    expect(taken).toEqual([TIMEOUT, 100]);
  });

  test("of 0 polls: it takes what is there already and never waits", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    spawnWith<number>(node, [1, 2], async (self) => {
      taken.push(await self.receive((n) => n === 2, { timeoutMs: 0 }));
      taken.push(await self.receive((n) => n === 2, { timeoutMs: 0 }));
      taken.push(await self.receive({ timeoutMs: 0 }));
      taken.push(await self.receive({ timeoutMs: 0 }));
    });
    await quiesce();
    expect([taken, clock.now(), node.counts.timers]).toEqual([[2, TIMEOUT, 1, TIMEOUT], 0, 0]);
  });

  test("of Infinity waits for ever, and sets no timer", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      taken.push(await self.receive({ timeoutMs: Infinity }));
    });
    await clock.advance(1e12);
    expect([taken, node.counts.timers]).toEqual([[], 0]);
    node.send(pid, "late");
    await quiesce();
    expect(taken).toEqual(["late"]);
  });

  test("does not take the message that comes just after it: that is for the next receive", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      taken.push(await self.receive({ timeoutMs: 100 }));
      taken.push(await self.receive());
    });
    await quiesce();
    clock.fireNext();
    // The time is over, but the process has not run since.
    node.send(pid, "just late");
    await quiesce();
    expect(taken).toEqual([TIMEOUT, "just late"]);
  });
});

describe("a guard that throws", () => {
  const failing = (): boolean => {
    throw new Error("guard failed");
  };

  test("on a message that is there rejects the receive and leaves the message", async () => {
    const { node } = createWorld();
    const outcome: unknown[] = [];
    spawnWith<string>(node, ["a", "b"], async (self) => {
      outcome.push(await self.receive(failing).catch((error: Error) => error.message));
      outcome.push(await self.receive(), await self.receive());
    });
    await quiesce();
    expect(outcome).toEqual(["guard failed", "a", "b"]);
  });

  test("on a message that comes rejects the receive and leaves the message", async () => {
    const { node, clock } = createWorld();
    const outcome: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      const receiving = self.receive(failing, { timeoutMs: 100 });
      outcome.push(await receiving.catch((error: Error) => error.message));
      outcome.push(await self.receive());
      await self.sleep(1000);
    });
    await quiesce();
    node.send(pid, "a");
    await clock.advance(200);
    expect(outcome).toEqual(["guard failed", "a"]);
  });

  test("does not harm the sender", async () => {
    const { node } = createWorld();
    const pid = node.spawn<string>(async (self) => {
      await self.receive(failing);
    });
    await quiesce();
    expect(() => node.send(pid, "a")).not.toThrow();
  });

  test("crashes the process when the rejection is not caught", async () => {
    const { node } = createWorld();
    const pid = spawnWith<string>(node, ["a"], async (self) => {
      await self.receive(failing);
    });
    expect(await node.whenExited(pid)).toEqual({ error: new Error("guard failed") });
  });
});

describe("when the event loop has to turn first", () => {
  /** A node on which each look at the clock costs a whole turn, and what spends the turn there is. */
  function createBusyNode(): { node: Node; spendTurn: () => void } {
    let nowMs = 0;
    const { node } = createWorld({
      turnMs: 1,
      clock: { now: () => (nowMs += 10), set: () => 0, clear: () => undefined },
    });
    const others = Array.from({ length: 10 }, () =>
      node.spawn<string>(async (self) => void (await self.receive())),
    );
    return { node, spendTurn: () => others.forEach((pid) => node.send(pid, "work")) };
  }

  /** Each of the waiting processes needs a turn of its own to start. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await quiesce();
  }

  test("a message that is TIMEOUT itself is taken like any other", async () => {
    const { node, spendTurn } = createBusyNode();
    const taken: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      for (;;) taken.push(await self.receive());
    });
    await settle();
    spendTurn();
    for (const message of [TIMEOUT, "after"]) node.send(pid, message);
    await settle();
    expect(taken).toEqual([TIMEOUT, "after"]);
  });

  test("a message for the pending receive waits in the mailbox till then", async () => {
    const { node, spendTurn } = createBusyNode();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => void taken.push(await self.receive()));
    await settle();
    spendTurn();
    node.send(pid, "hello");
    expect(node.mailboxOf(pid)).toEqual(["hello"]);
    await settle();
    expect(taken).toEqual(["hello"]);
  });

  test("a message that the pending receive accepts is taken, though the mailbox is full", async () => {
    const { node, spendTurn } = createBusyNode();
    const taken: unknown[] = [];
    const pid = node.spawnOpt<string>({ mailbox: { limit: 1 } }, async (self) => {
      taken.push(await self.receive((message) => message === "yes", { timeoutMs: 1_000 }));
    });
    node.send(pid, "no");
    await settle();
    spendTurn();
    node.send(pid, "yes");
    await settle();
    expect(taken).toEqual(["yes"]);
  });

  test("a poll says what is there then: a message, or TIMEOUT", async () => {
    const { node, spendTurn } = createBusyNode();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      await self.receive((message) => message === "go");
      for (let i = 0; i < 20; i++) taken.push(await self.receive({ timeoutMs: 0 }));
    });
    await settle();
    node.send(pid, "go");
    node.send(pid, "hello");
    spendTurn();
    for (let i = 0; i < 5; i++) await settle();
    expect(taken).toEqual(["hello", ...Array<unknown>(19).fill(TIMEOUT)]);
  });

  test("a process that has to exit meanwhile takes no message any more", async () => {
    const { node, spendTurn } = createBusyNode();
    const taken: unknown[] = [];
    const pid = node.spawn<string>(async (self) => void taken.push(await self.receive()));
    await settle();
    spendTurn();
    node.send(pid, "hello");
    node.exit(pid, "shutdown");
    await settle();
    expect([taken, node.isAlive(pid)]).toEqual([[], false]);
  });
});

describe("receive where it cannot be", () => {
  test("beside a pending receive throws ReceiveError, and the pending one goes on", async () => {
    const { node } = createWorld();
    const outcome: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      const first = self.receive();
      try {
        void self.receive({ timeoutMs: 0 });
      } catch (error) {
        outcome.push(error);
      }
      outcome.push(await first);
      outcome.push(await self.receive());
    });
    await quiesce();
    node.send(pid, "a");
    node.send(pid, "b");
    await quiesce();
    expect(outcome).toEqual([expect.any(ReceiveError), "a", "b"]);
    expect(outcome[0]).toMatchObject({
      code: "RECEIVE",
      pid,
      message: "receive of <demo.1>: it is waiting in another receive already",
    });
  });

  test("in a handler that does not wait for it is a crash", async () => {
    const { node, events } = createWorld();
    const handler: Handler<string, null> = {
      init: (self) => {
        void self.receive();
        return null;
      },
      message: (state) => state,
    };
    const pid = node.spawn(handler);
    expect(await node.whenExited(pid)).toEqual({ error: expect.any(ReceiveError) as unknown });
    expect(events.filter(({ type }) => type === "crashed")).toHaveLength(1);
  });

  test("in an async step of a handler takes from the mailbox, in order, and what is left comes after", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: async (state, message, self) => {
        seen.push(message);
        if (message === "first") {
          seen.push(`received ${await self.receive((next) => next === "third")}`);
          seen.push(`received ${await self.receive((next) => next === "later")}`);
        }
        return state;
      },
    });
    for (const message of ["first", "second", "third", "fourth"]) node.send(pid, message);
    await quiesce();
    node.send(pid, "later");
    await quiesce();
    expect(seen).toEqual(["first", "received third", "received later", "second", "fourth"]);
    await node.stop();
  });

  test("outside a step of a handler throws ReceiveError", async () => {
    const { node } = createWorld();
    let late: Self<string> | undefined;
    node.spawn<string, null>({
      init: (self) => {
        late = self;
        return null;
      },
      message: (state) => state,
    });
    await quiesce();
    expect(() => late?.receive()).toThrow(ReceiveError);
    await node.stop();
  });

  test("in a process that has to exit rejects with its ExitSignal", async () => {
    const { node } = createWorld();
    const outcome: unknown[] = [];
    const pid = node.spawn<string>(async (self) => {
      await self.receive().catch(() => undefined);
      outcome.push(await self.receive().catch((error: unknown) => error));
    });
    await quiesce();
    node.exit(pid, { shutdown: "enough" });
    await quiesce();
    expect(outcome).toEqual([expect.any(ExitSignal)]);
    expect(outcome[0]).toMatchObject({ pid, reason: { shutdown: "enough" } });
  });
});

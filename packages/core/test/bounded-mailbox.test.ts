import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  MailboxOverflowError,
  type Body,
  type Call,
  type Down,
  type Exit,
  type Handler,
  type MailboxOptions,
  type Node,
  type NodeEvent,
  type Pid,
} from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { createWorld, idle, spawnPuppet, type World } from "./world.js";

/** A process with a mailbox of that kind, which takes nothing out of it until it is told "go". */
async function spawnCrowded(
  node: Node,
  mailbox: MailboxOptions,
  received: unknown[] = [],
): Promise<Pid<unknown>> {
  const pid = node.spawnOpt<unknown>({ mailbox }, async (self) => {
    await self.receive((message) => message === "go");
    for (;;) received.push(await self.receive());
  });
  await quiesce();
  return pid;
}

function sendAll(node: Node, pid: Pid<unknown>, messages: readonly unknown[]): void {
  for (const message of messages) node.send(pid, message);
}

function lost(events: World["events"]): unknown[] {
  return events.flatMap((event) =>
    event.type === "undelivered" ? [[event.message, event.why]] : [],
  );
}

function marks(events: readonly NodeEvent[]): number[] {
  return events.flatMap((event) => (event.type === "highWater" ? [event.size] : []));
}

describe("a mailbox with a limit", () => {
  test("loses the arriving message when nothing else is said, and tells of it", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { limit: 2 });
    sendAll(node, pid, [1, 2, 3, 4]);
    expect(node.mailboxOf(pid)).toEqual([1, 2]);
    expect(events.filter(({ type }) => type === "undelivered")).toEqual([
      { type: "undelivered", to: pid, from: node.pid, message: 3, why: "overflow" },
      { type: "undelivered", to: pid, from: node.pid, message: 4, why: "overflow" },
    ]);
    expect(node.counts.undelivered).toBe(2);
  });

  test("loses the arriving message with drop-newest", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { limit: 2, overflow: "drop-newest" });
    sendAll(node, pid, [1, 2, 3]);
    expect(node.mailboxOf(pid)).toEqual([1, 2]);
    expect(lost(events)).toEqual([[3, "overflow"]]);
  });

  test("loses the oldest message with drop-oldest", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { limit: 2, overflow: "drop-oldest" });
    sendAll(node, pid, [1, 2, 3, 4]);
    expect(node.mailboxOf(pid)).toEqual([3, 4]);
    expect(lost(events)).toEqual([
      [1, "overflow"],
      [2, "overflow"],
    ]);
  });

  test("names the sender of the message that was lost, with either policy", async () => {
    for (const overflow of ["drop-newest", "drop-oldest"] as const) {
      const { node, events } = createWorld();
      const pid = await spawnCrowded(node, { limit: 1, overflow });
      const [first, second] = [spawnPuppet(node), spawnPuppet(node)];
      await first.do((self) => self.send(pid, "first"));
      await second.do((self) => self.send(pid, "second"));
      const from = overflow === "drop-newest" ? second.pid : first.pid;
      expect(events).toContainEqual(expect.objectContaining({ type: "undelivered", from }));
    }
  });

  test("ends its process with exit, as a crash that says why", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { limit: 2, overflow: "exit" });
    const reason = node.whenExited(pid);
    sendAll(node, pid, [1, 2]);
    expect(node.isAlive(pid)).toBe(true);
    node.send(pid, 3);
    const { error } = (await reason) as { error: MailboxOverflowError };
    expect(error).toBeInstanceOf(MailboxOverflowError);
    expect(error).toMatchObject({ code: "MAILBOX_OVERFLOW", limit: 2 });
    expect(error.message).toBe(`the mailbox of ${String(pid)} is full: it holds 2 messages`);
    expect(lost(events)).toEqual([
      [3, "overflow"],
      [1, "dead"],
      [2, "dead"],
    ]);
    const [crash] = events.flatMap((event) => (event.type === "crashed" ? [event.report] : []));
    expect(crash).toMatchObject({ pid, mailboxSize: 2, during: "taking in a message" });
  });

  test("takes messages again once there is room", async () => {
    const { node } = createWorld();
    const received: unknown[] = [];
    const pid = await spawnCrowded(node, { limit: 2 }, received);
    sendAll(node, pid, [1, 2, 3, "go"]);
    // The waiting receive takes "go" although the mailbox is full: it is never in it.
    await quiesce();
    sendAll(node, pid, [4, 5]);
    await quiesce();
    expect(received).toEqual([1, 2, 4, 5]);
  });

  test("of one message holds one", async () => {
    const { node } = createWorld();
    const pid = await spawnCrowded(node, { limit: 1 });
    sendAll(node, pid, [1, 2]);
    expect(node.mailboxOf(pid)).toEqual([1]);
  });

  test("of Infinity is no limit", async () => {
    const { node } = createWorld({ mailbox: { highWater: Infinity } });
    const pid = await spawnCrowded(node, { limit: Infinity, overflow: "exit" });
    sendAll(
      node,
      pid,
      Array.from({ length: 20_000 }, (_, i) => i),
    );
    expect(node.mailboxOf(pid)).toHaveLength(20_000);
  });

  test("has room for one more when a selective receive took one from the middle", async () => {
    const { node, clock, events } = createWorld();
    const pid = node.spawnOpt<unknown>({ mailbox: { limit: 3 } }, async (self) => {
      await self.sleep(1);
      await self.receive((n) => n === 2);
      await self.sleep(1_000);
    });
    await quiesce();
    sendAll(node, pid, [1, 2, 3]);
    await clock.advance(1);
    sendAll(node, pid, [4, 5]);
    expect(node.mailboxOf(pid)).toEqual([1, 3, 4]);
    expect(lost(events)).toEqual([[5, "overflow"]]);
  });

  test("bounds the mailbox of a handler as well", async () => {
    const { node, events } = createWorld();
    const received: number[] = [];
    const handler: Handler<number, null> = {
      init: () => null,
      message: (state, message) => (received.push(message), state),
    };
    const pid = node.spawnOpt({ mailbox: { limit: 2 } }, handler);
    // Sent within one go of the event loop: the handler has not been called in between.
    sendAll(node, pid as Pid<unknown>, [1, 2, 3]);
    await quiesce();
    expect(received).toEqual([1, 2]);
    expect(lost(events)).toEqual([[3, "overflow"]]);
  });

  test("bounds what arrives before the process has started", async () => {
    const { node, events } = createWorld();
    const received: unknown[] = [];
    const pid = node.spawnOpt<number>({ mailbox: { limit: 1 } }, async (self) => {
      received.push(await self.receive());
    });
    sendAll(node, pid as Pid<unknown>, [1, 2]);
    await quiesce();
    expect(received).toEqual([1]);
    expect(lost(events)).toEqual([[2, "overflow"]]);
  });
});

describe.each(["drop-newest", "drop-oldest", "exit"] as const)(
  "a mailbox that is full, with %s,",
  (overflow) => {
    test("takes a Down and an Exit all the same", async () => {
      const { node, events } = createWorld();
      const child: Body<unknown> = idle;
      const children: Pid<unknown>[] = [];
      const pid = node.spawnOpt<number | Down | Exit>(
        { mailbox: { limit: 2, overflow } },
        async (self) => {
          self.trapExits();
          children.push(self.spawnLink(child));
          self.monitor(children[0] as Pid<unknown>);
          await self.sleep(1_000);
        },
      );
      await quiesce();
      sendAll(node, pid as Pid<unknown>, [1, 2]);
      node.exit(children[0] as Pid<unknown>, "shutdown");
      await quiesce();
      expect(node.mailboxOf(pid)).toMatchObject([
        1,
        2,
        { type: "exit", reason: "shutdown" },
        { type: "down", reason: "shutdown" },
      ]);
      expect(node.isAlive(pid)).toBe(true);
      expect(lost(events)).toEqual([]);
    });
  },
);

describe("a Down in a full mailbox", () => {
  test("is not what drop-oldest drops: signals are never lost", async () => {
    const { node, events } = createWorld();
    const child = node.spawn<unknown>(idle);
    const pid = node.spawnOpt<number | Down>(
      { mailbox: { limit: 3, overflow: "drop-oldest" } },
      async (self) => {
        self.monitor(child);
        await self.sleep(1_000);
      },
    );
    await quiesce();
    node.exit(child, "shutdown");
    await quiesce();
    sendAll(node, pid as Pid<unknown>, [1, 2, 3]);
    expect(node.mailboxOf(pid)).toMatchObject([{ type: "down" }, 2, 3]);
    expect(lost(events)).toEqual([[1, "overflow"]]);
  });

  test("is not lost when there is nothing else to drop", async () => {
    const { node, events } = createWorld();
    const children = [node.spawn<unknown>(idle), node.spawn<unknown>(idle)];
    const pid = node.spawnOpt<number | Down>(
      { mailbox: { limit: 2, overflow: "drop-oldest" } },
      async (self) => {
        for (const child of children) self.monitor(child);
        await self.sleep(1_000);
      },
    );
    await quiesce();
    for (const child of children) node.exit(child, "shutdown");
    await quiesce();
    node.send(pid, 1);
    expect(node.mailboxOf(pid).slice(0, 2)).toMatchObject([{ type: "down" }, { type: "down" }]);
    expect(lost(events).flat()).not.toContainEqual(expect.objectContaining({ type: "down" }));
  });
});

describe("a reply", () => {
  test("reaches its caller past a full mailbox: it is never in it", async () => {
    const { node } = createWorld();
    const server = node.spawn<Call<string, string>>(async (self) => {
      const { from } = await self.receive();
      self.reply(from, "reply");
    });
    const seen: unknown[] = [];
    node.spawnOpt<unknown>({ mailbox: { limit: 1 } }, async (self) => {
      self.send(self.pid, "fills it");
      seen.push(await self.call(server, "x"), await self.receive());
    });
    await quiesce();
    expect(seen).toEqual(["reply", "fills it"]);
  });
});

describe("the high-water mark of a mailbox", () => {
  test("is told when the mailbox holds that many, and again at each doubling", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { highWater: 3 });
    const told: [number, number][] = [];
    for (let held = 1; held <= 13; held++) {
      const before = marks(events).length;
      node.send(pid, held);
      for (const size of marks(events).slice(before)) told.push([held, size]);
    }
    expect(told).toEqual([
      [3, 3],
      [6, 6],
      [12, 12],
    ]);
    expect(events).toContainEqual({ type: "highWater", pid, size: 3 });
  });

  test("is not told for a mailbox that is emptied in time", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { highWater: 3 });
    node.send(pid, "go");
    await quiesce();
    for (let i = 0; i < 100; i++) {
      sendAll(node, pid, [1, 2]);
      await quiesce();
    }
    expect(marks(events)).toEqual([]);
  });

  test("loses nothing", async () => {
    const { node } = createWorld();
    const pid = await spawnCrowded(node, { highWater: 2 });
    const sent = Array.from({ length: 100 }, (_, i) => i);
    sendAll(node, pid, sent);
    expect(node.mailboxOf(pid)).toEqual(sent);
  });

  test("counts signals, too", async () => {
    const { node, events } = createWorld();
    const children = Array.from({ length: 3 }, () => node.spawn<unknown>(idle));
    node.spawnOpt<Down>({ mailbox: { highWater: 3 } }, async (self) => {
      for (const child of children) self.monitor(child);
      await self.sleep(1_000);
    });
    await quiesce();
    for (const child of children) node.exit(child, "shutdown");
    await quiesce();
    expect(marks(events)).toEqual([3]);
  });

  test("is told by a mailbox with a limit as well, up to the limit", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { limit: 5, highWater: 2 });
    sendAll(
      node,
      pid,
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect(marks(events)).toEqual([2, 4]);
    expect(node.mailboxOf(pid)).toEqual([0, 1, 2, 3, 4]);
  });

  test("is 10 000 when nothing else is said", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, {});
    for (let i = 0; i < 9_999; i++) node.send(pid, i);
    expect(marks(events)).toEqual([]);
    node.send(pid, "ten thousandth");
    expect(marks(events)).toEqual([10_000]);
  });

  test("is that of the node for all mailboxes that do not say otherwise", async () => {
    const { node, events } = createWorld({ mailbox: { highWater: 4 } });
    const plain = node.spawn<unknown>((self) => self.sleep(1_000));
    const labelled = node.spawnOpt<unknown>({ label: "x" }, (self) => self.sleep(1_000));
    const own = node.spawnOpt<unknown>({ mailbox: { highWater: 2 } }, (self) => self.sleep(1_000));
    await quiesce();
    const told = [plain, labelled, own].map((pid) => {
      const before = events.length;
      sendAll(node, pid, [1, 2, 3, 4, 5]);
      return marks(events.slice(before));
    });
    expect(told).toEqual([[4], [4], [2, 4]]);
  });

  test("of Infinity is never reached", async () => {
    const { node, events } = createWorld();
    const pid = await spawnCrowded(node, { highWater: Infinity });
    for (let i = 0; i < 20_000; i++) node.send(pid, i);
    expect(marks(events)).toEqual([]);
  });

  test("is told to the logger as well", async () => {
    const printed: NodeEvent[] = [];
    const node = createNode({
      name: "demo",
      clock: createVirtualClock(),
      logger: (event) => void printed.push(event),
    });
    const pid = node.spawnOpt<unknown>({ mailbox: { highWater: 2 } }, (self) => self.sleep(1_000));
    await quiesce();
    sendAll(node, pid, [1, 2, 3]);
    expect(printed).toEqual([{ type: "highWater", pid, size: 2 }]);
  });
});

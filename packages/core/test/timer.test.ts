import { describe, expect, test } from "@jest/globals";
import {
  at,
  InvalidArgumentError,
  name,
  type Call,
  type NodeEvent,
  type Self,
  type Timeout,
  type TimerRef,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { runtimeOf } from "../src/runtime-of.js";
import { Deadline } from "../src/timer-queue.js";
import { createWorld, spawnDead, spawnPuppet, type Puppet, type World } from "./world.js";

const Target = name<unknown>("target");

function createPair(): World & { readonly owner: Puppet; readonly target: Puppet } {
  const world = createWorld();
  return { ...world, owner: spawnPuppet(world.node), target: spawnPuppet(world.node) };
}

function undelivered(events: readonly NodeEvent[]): unknown[] {
  return events.flatMap((event) =>
    event.type === "undelivered" ? [[event.message, event.why]] : [],
  );
}

describe("sendAfter", () => {
  test("sends the message when the time is over, not before", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendAfter(target.pid, 100, "hello"));
    await clock.advance(99.9);
    expect(node.mailboxOf(target.pid)).toEqual([]);
    await clock.advance(0.1);
    expect([node.mailboxOf(target.pid), node.counts.timers]).toEqual([["hello"], 0]);
  });

  test("of 0 sends as soon as time is looked at, not at once", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendAfter(target.pid, 0, "hello"));
    expect(node.mailboxOf(target.pid)).toEqual([]);
    await clock.advance(0);
    expect(node.mailboxOf(target.pid)).toEqual(["hello"]);
  });

  test("works from outside any process", async () => {
    const { node, clock, target } = createPair();
    node.sendAfter(target.pid, 100, "hello");
    await clock.advance(100);
    expect(node.mailboxOf(target.pid)).toEqual(["hello"]);
  });

  test("fires in order of time, whatever the order of arming", async () => {
    const { node, clock, owner, target } = createPair();
    const delays = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    await owner.do((self) => delays.forEach((ms) => self.sendAfter(target.pid, ms, ms)));
    await clock.advance(1000);
    expect(node.mailboxOf(target.pid)).toEqual(delays.toSorted((a, b) => a - b));
  });

  test("fires in the order of arming when the time is the same", async () => {
    const { node, clock, owner, target } = createPair();
    const all = Array.from({ length: 100 }, (_, i) => i);
    await owner.do((self) => all.forEach((i) => self.sendAfter(target.pid, 50, i)));
    await clock.advance(50);
    expect(node.mailboxOf(target.pid)).toEqual(all);
  });

  test("fires in the order of arming when timers set at different times are due at once", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendAfter(target.pid, 30, "set first"));
    await clock.advance(20);
    await owner.do((self) => self.sendAfter(target.pid, 10, "set second"));
    await clock.advance(10);
    expect(node.mailboxOf(target.pid)).toEqual(["set first", "set second"]);
  });

  test("sends a timer's message to a pid only as long as the process lives", async () => {
    const { node, clock, events, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendAfter(target.pid, 100, "hello"));
    node.exit(target.pid, "kill");
    expect([node.counts.timers, node.readTimer(timer), node.cancelTimer(timer)]).toEqual([
      0,
      false,
      false,
    ]);
    await clock.advance(100);
    expect(undelivered(events)).toEqual([]);
  });

  test("to a dead process sets no timer", async () => {
    const { node, owner } = createPair();
    const dead = await spawnDead(node);
    const timer = await owner.do((self) => self.sendAfter(dead, 100, "hello"));
    expect([node.counts.timers, node.cancelTimer(timer)]).toEqual([0, false]);
  });

  test("fires nothing before its time although the clock wakes it early, as hosts do for long delays", async () => {
    let nowMs = 0;
    const alarms: (() => void)[] = [];
    const { node } = createWorld({
      clock: { now: () => nowMs, set: (wake) => alarms.push(wake), clear: () => undefined },
    });
    const target = spawnPuppet(node);
    const yearMs = 365 * 24 * 3_600_000;
    node.sendAfter(target.pid, yearMs, "happy new year");
    for (nowMs = 0; nowMs < yearMs; nowMs += 2 ** 31 - 1) {
      alarms.shift()?.();
      expect(node.mailboxOf(target.pid)).toEqual([]);
    }
    alarms.shift()?.();
    expect([node.mailboxOf(target.pid), alarms]).toEqual([["happy new year"], []]);
  });

  test("answers a call when it is aimed at where the reply goes", async () => {
    const { node, clock } = createWorld();
    const server = node.spawn<Call<string, string>>(async (self) => {
      const { from, request } = await self.receive();
      self.sendAfter(from, 100, `${request}, in a while`);
      await self.receive();
    });
    const replies: string[] = [];
    const calling = node.call(server, "answer me").then((reply) => void replies.push(reply));
    await clock.advance(99);
    expect(replies).toEqual([]);
    await clock.advance(1);
    await calling;
    expect(replies).toEqual(["answer me, in a while"]);
  });

  test("goes on when the process that set it ends", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendAfter(target.pid, 100, "testament"));
    node.exit(owner.pid, "kill");
    await clock.advance(100);
    expect(node.mailboxOf(target.pid)).toEqual(["testament"]);
  });

  test("to a name looks up who holds it when it fires", async () => {
    const { node, clock, owner, target } = createPair();
    node.register(Target, target.pid);
    await owner.do((self) => self.sendAfter(Target, 100, "hello"));
    node.unregister(Target);
    const successor = spawnPuppet(node, { name: Target });
    await clock.advance(100);
    expect([node.mailboxOf(target.pid), node.mailboxOf(successor.pid)]).toEqual([[], ["hello"]]);
  });

  test("to a name nobody holds when it fires is no error, but reported as undelivered", async () => {
    const { node, clock, events, owner } = createPair();
    await owner.do((self) => self.sendAfter(Target, 100, "hello"));
    await owner.do((self) => self.sendAfter(at("demo", Target), 100, "again"));
    await clock.advance(100);
    expect(undelivered(events)).toEqual([
      ["hello", "unregistered"],
      ["again", "unregistered"],
    ]);
    expect(node.isAlive(owner.pid)).toBe(true);
  });

  test("to an alias arrives only while the alias is active", async () => {
    const { node, clock, owner } = createPair();
    const alias = await owner.do((self) => {
      const own = self.alias("reply");
      self.sendAfter(own, 10, 1);
      self.sendAfter(own, 20, 2);
      return own;
    });
    await clock.advance(20);
    expect([node.mailboxOf(owner.pid), String(alias)]).toEqual([[1], expect.any(String)]);
  });

  test.each([[-1], [-0.5], [Number.NaN], [Infinity], [-Infinity], ["10"], [undefined]])(
    "refuses %p milliseconds, before any effect",
    async (ms) => {
      const { node, owner, target } = createPair();
      const setting = (by: Pick<Self<unknown>, "sendAfter">): TimerRef =>
        by.sendAfter(target.pid, ms as number, "hello");
      expect(() => setting(node)).toThrow(InvalidArgumentError);
      await expect(owner.do(setting)).rejects.toMatchObject({
        argument: "sendAfter: ms",
        received: ms,
      });
      expect(node.counts.timers).toBe(0);
    },
  );
});

describe.each(["sendAfter", "sendInterval"] as const)("%s", (operation) => {
  test("refuses a promise as message, as send does", () => {
    const { node, target } = createPair();
    const setting = (): unknown => node[operation](target.pid, 10, Promise.resolve("hello"));
    expect(setting).toThrow(InvalidArgumentError);
    expect(node.counts.timers).toBe(0);
  });
});

describe("startTimer", () => {
  test("sends the message wrapped with the timer's own reference", async () => {
    const { node, clock } = createWorld();
    const taken: unknown[] = [];
    node.spawn<Timeout<string>>(async (self) => {
      const timer = self.startTimer(self.pid, 100, "wake up");
      const timeout = await self.receive();
      taken.push(timeout, timeout.timer === timer);
    });
    await clock.advance(100);
    expect(taken).toEqual([
      { type: "timeout", timer: expect.anything(), message: "wake up" },
      true,
    ]);
  });
});

describe("cancelTimer", () => {
  test("stops the timer and tells the milliseconds that were left", async () => {
    const { node, clock, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendAfter(target.pid, 100, "hello"));
    await clock.advance(30);
    expect(await owner.do((self) => self.cancelTimer(timer))).toBe(70);
    await clock.advance(1000);
    expect([node.mailboxOf(target.pid), node.counts.timers]).toEqual([[], 0]);
  });

  test("tells false when it has fired, was cancelled, or is no timer", async () => {
    const { node, clock, owner, target } = createPair();
    const [fired, cancelled] = await owner.do((self) => [
      self.sendAfter(target.pid, 10, 1),
      self.sendAfter(target.pid, 20, 2),
    ]);
    node.cancelTimer(cancelled as TimerRef);
    await clock.advance(20);
    const monitor = await owner.do((self) => self.monitor(target.pid));
    for (const ref of [fired, cancelled, monitor]) {
      expect(node.cancelTimer(ref as TimerRef)).toBe(false);
    }
    expect(node.mailboxOf(target.pid)).toEqual([1]);
  });

  test("leaves a message that has arrived", async () => {
    const { node, clock, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendAfter(target.pid, 10, "hello"));
    await clock.advance(10);
    await owner.do((self) => self.cancelTimer(timer));
    expect(node.mailboxOf(target.pid)).toEqual(["hello"]);
  });

  test("is open to any process, as in OTP", async () => {
    const { node, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendAfter(target.pid, 100, "hello"));
    expect(await target.do((self) => self.cancelTimer(timer))).toBe(100);
    expect(node.counts.timers).toBe(0);
  });

  test("of one among many leaves the others in order", async () => {
    const { node, clock, owner, target } = createPair();
    const delays = Array.from({ length: 500 }, (_, i) => (i * 211) % 500);
    const timers = await owner.do((self) =>
      delays.map((ms) => [ms, self.sendAfter(target.pid, ms, ms)] as const),
    );
    for (const [ms, timer] of timers) if (ms % 3 === 0) node.cancelTimer(timer);
    await clock.advance(500);
    const left = delays.filter((ms) => ms % 3 !== 0).toSorted((a, b) => a - b);
    expect(node.mailboxOf(target.pid)).toEqual(left);
  });
});

describe("readTimer", () => {
  test("tells the milliseconds left and does not disturb the timer", async () => {
    const { node, clock, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendAfter(target.pid, 100, "hello"));
    await clock.advance(30);
    expect(node.readTimer(timer)).toBe(70);
    await clock.advance(69.5);
    // Never 0 before it has fired.
    expect(node.readTimer(timer)).toBe(1);
    await clock.advance(0.5);
    expect([node.readTimer(timer), node.mailboxOf(target.pid)]).toEqual([false, ["hello"]]);
  });
});

describe("sendInterval", () => {
  test("sends the message again and again, first after one interval", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendInterval(target.pid, 100, "tick"));
    await clock.advance(99);
    expect(node.mailboxOf(target.pid)).toEqual([]);
    await clock.advance(251);
    expect(node.mailboxOf(target.pid)).toEqual(["tick", "tick", "tick"]);
  });

  test("does not drift: a late tick does not shift those after it", async () => {
    // A clock whose timers ring 30 ms late.
    let nowMs = 0;
    const alarms: { wake: () => void; atMs: number }[] = [];
    const { node } = createWorld({
      clock: {
        now: () => nowMs,
        set: (wake, delayMs) => alarms.push({ wake, atMs: nowMs + delayMs + 30 }),
        clear: () => undefined,
      },
    });
    const times: number[] = [];
    node.spawn<string>(async (self) => {
      self.sendInterval(self.pid, 100, "tick");
      for (;;) {
        await self.receive();
        times.push(self.now());
      }
    });
    for (let ticks = 0; ticks < 4; ticks++) {
      await quiesce();
      const alarm = alarms.shift();
      nowMs = alarm?.atMs ?? nowMs;
      alarm?.wake();
    }
    await quiesce();
    expect(times).toEqual([130, 230, 330, 430]);
  });

  test("leaves out the ticks it was too late for", async () => {
    let nowMs = 0;
    const alarms: (() => void)[] = [];
    const { node } = createWorld({
      clock: { now: () => nowMs, set: (wake) => alarms.push(wake), clear: () => undefined },
    });
    const target = spawnPuppet(node);
    node.sendInterval(target.pid, 100, "tick");
    nowMs = 350;
    alarms.shift()?.();
    expect(node.mailboxOf(target.pid)).toEqual(["tick"]);
    nowMs = 400;
    alarms.shift()?.();
    expect(node.mailboxOf(target.pid)).toEqual(["tick", "tick"]);
  });

  test("ends when it is cancelled, also between two ticks", async () => {
    const { node, clock, owner, target } = createPair();
    const timer = await owner.do((self) => self.sendInterval(target.pid, 100, "tick"));
    await clock.advance(250);
    expect([node.readTimer(timer), node.cancelTimer(timer)]).toEqual([50, 50]);
    await clock.advance(1000);
    expect([node.mailboxOf(target.pid), node.counts.timers]).toEqual([["tick", "tick"], 0]);
  });

  test("ends with the process it sends to", async () => {
    const { node, clock, events, owner, target } = createPair();
    await owner.do((self) => self.sendInterval(target.pid, 100, "tick"));
    await clock.advance(100);
    node.exit(target.pid, "kill");
    await clock.advance(1000);
    expect([node.counts.timers, undelivered(events)]).toEqual([0, [["tick", "dead"]]]);
  });

  test("ends with the process that set it", async () => {
    const { node, clock, owner, target } = createPair();
    await owner.do((self) => self.sendInterval(target.pid, 100, "tick"));
    await clock.advance(100);
    node.exit(owner.pid, "kill");
    await clock.advance(1000);
    expect([node.counts.timers, node.mailboxOf(target.pid)]).toEqual([0, ["tick"]]);
  });

  test("to a name ends with the process that set it, not with the holder", async () => {
    const { node, clock, owner, target } = createPair();
    node.register(Target, target.pid);
    await owner.do((self) => self.sendInterval(Target, 100, "tick"));
    node.exit(target.pid, "kill");
    const successor = spawnPuppet(node, { name: Target });
    await clock.advance(200);
    expect(node.mailboxOf(successor.pid)).toEqual(["tick", "tick"]);
    node.exit(owner.pid, "kill");
    await clock.advance(200);
    expect([node.counts.timers, node.mailboxOf(successor.pid)]).toEqual([0, ["tick", "tick"]]);
  });

  test("to an alias ends with the owner of the alias", async () => {
    const { node, clock, owner, target } = createPair();
    const alias = await target.do((self) => self.alias());
    await owner.do((self) => self.sendInterval(alias, 100, "tick"));
    node.exit(target.pid, "kill");
    await clock.advance(1000);
    expect(node.counts.timers).toBe(0);
  });

  test.each([[0], [-1], [Number.NaN], [Infinity]])("refuses %p milliseconds", (ms) => {
    const { node, target } = createPair();
    expect(() => node.sendInterval(target.pid, ms, "tick")).toThrow(InvalidArgumentError);
    expect(node.counts.timers).toBe(0);
  });
});

describe("sleep", () => {
  test("waits for the time on the node's clock, and leaves the mailbox alone", async () => {
    const { node, clock } = createWorld();
    const woke: number[] = [];
    const pid = node.spawn<string>(async (self) => {
      await self.sleep(100);
      woke.push(self.now());
      await self.sleep(0);
      woke.push(self.now());
      await self.receive();
    });
    node.send(pid, "hello");
    await clock.advance(99);
    expect([woke, node.processInfo(pid)?.status, node.mailboxOf(pid)]).toEqual([
      [],
      "waiting",
      ["hello"],
    ]);
    await clock.advance(1);
    expect([woke, node.isAlive(pid)]).toEqual([[100, 100], false]);
  });

  test.each([[-1], [Number.NaN], [Infinity]])("refuses %p milliseconds", async (ms) => {
    const { node } = createWorld();
    const sleeping = spawnPuppet(node).do((self) => self.sleep(ms));
    await expect(sleeping).rejects.toThrow(InvalidArgumentError);
  });
});

describe("now", () => {
  test("is the time of the node's clock, inside and outside of processes", async () => {
    const { node, clock } = createWorld();
    await clock.advance(1234.5);
    expect([node.now(), await spawnPuppet(node).do((self) => self.now())]).toEqual([
      1234.5, 1234.5,
    ]);
  });
});

test("a deadline that fails keeps no other from firing, at its time or later", async () => {
  const { node, clock } = createWorld();
  const fired: string[] = [];
  class Due extends Deadline {
    readonly #act: () => void;
    constructor(act: () => void) {
      super();
      this.#act = act;
    }
    override fire(): void {
      this.#act();
    }
  }
  const { timers } = runtimeOf(node);
  const fail = (): void => {
    throw new Error("a mistake in the runtime");
  };
  timers.arm(new Due(fail), 10, undefined);
  timers.arm(new Due(() => fired.push("at the same time")), 10, undefined);
  timers.arm(new Due(() => fired.push("later")), 20, undefined);
  await expect(clock.advance(10)).rejects.toThrow("a mistake in the runtime");
  await clock.advance(10);
  expect(fired).toEqual(["at the same time", "later"]);
});

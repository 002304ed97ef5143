/** What handlers can do beyond taking the next message: select, idle, and be told of their failure. */
import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  TIMEOUT,
  type Call,
  type ExitReason,
  type From,
  type Handler,
  type HandlerSelf,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { createWorld } from "./world.js";

describe("select", () => {
  test("leaves what it refuses in the mailbox, in order, until it is accepted", async () => {
    const { node } = createWorld();
    const seen: (string | number)[] = [];
    const pid = node.spawn<string | number, null>({
      init: (self) => {
        self.select((message) => typeof message === "string");
        return null;
      },
      message: (state, message, self) => {
        seen.push(message);
        if (message === "all") self.select();
        return state;
      },
    });
    for (const message of [1, "a", 2, "b", 3]) node.send(pid, message);
    await quiesce();
    expect(seen).toEqual(["a", "b"]);
    expect(node.mailboxOf(pid)).toEqual([1, 2, 3]);
    node.send(pid, "all");
    await quiesce();
    expect(seen).toEqual(["a", "b", "all", 1, 2, 3]);
    await node.stop();
  });

  test("from outside a step looks again at what it refused", async () => {
    const { node } = createWorld();
    const seen: number[] = [];
    let handle: HandlerSelf<number> | undefined;
    const pid = node.spawn<number, null>({
      init: (self) => {
        handle = self;
        self.select(() => false);
        return null;
      },
      message: (state, message) => {
        seen.push(message);
        return state;
      },
    });
    node.send(pid, 1);
    await quiesce();
    expect(seen).toEqual([]);
    handle?.select();
    await quiesce();
    expect(seen).toEqual([1]);
    await node.stop();
  });

  test("with a guard that throws is a crash, with the guard's error", async () => {
    const { node } = createWorld();
    const boom = new Error("boom");
    const pid = node.spawn<number, null>({
      init: (self) => {
        self.select(() => {
          throw boom;
        });
        return null;
      },
      message: (state) => state,
    });
    node.send(pid, 1);
    expect(await node.whenExited(pid)).toEqual({ error: boom });
  });

  test("with anything but a function throws", async () => {
    const { node } = createWorld();
    const pid = node.spawn<number, null>({
      init: (self) => {
        self.select("strings" as never);
        return null;
      },
      message: (state) => state,
    });
    expect(await node.whenExited(pid)).toMatchObject({
      error: expect.any(InvalidArgumentError) as unknown,
    });
  });
});

describe("idleAfter", () => {
  /** Asks for `idle` as its messages say, and keeps what happens. */
  function sleeper(seen: (string | number)[]): Handler<number, null> {
    return {
      init: () => null,
      message: (state, message, self) => {
        seen.push(message);
        self.idleAfter(message);
        return state;
      },
      idle: (state) => {
        seen.push("idle");
        return state;
      },
    };
  }

  test("calls idle, once, when no message is taken in time", async () => {
    const { node, clock } = createWorld();
    const seen: (string | number)[] = [];
    const pid = node.spawn(sleeper(seen));
    node.send(pid, 100);
    await clock.advance(99, quiesce);
    expect(seen).toEqual([100]);
    await clock.advance(1, quiesce);
    expect(seen).toEqual([100, "idle"]);
    await clock.advance(1_000, quiesce);
    expect(seen).toEqual([100, "idle"]);
    await node.stop();
  });

  test("is ended by the first message that is taken", async () => {
    const { node, clock } = createWorld();
    const seen: (string | number)[] = [];
    const pid = node.spawn(sleeper(seen));
    node.send(pid, 100);
    await clock.advance(99, quiesce);
    node.send(pid, Infinity);
    await clock.advance(1_000, quiesce);
    expect(seen).toEqual([100, Infinity]);
    expect(node.counts.timers).toBe(0);
    await node.stop();
  });

  test("with 0 calls idle as soon as the mailbox is empty, and not before", async () => {
    const { node } = createWorld();
    const seen: (string | number)[] = [];
    const pid = node.spawn(sleeper(seen));
    for (const message of [0, 0, 0]) node.send(pid, message);
    await quiesce();
    expect(seen).toEqual([0, 0, 0, "idle"]);
    await node.stop();
  });

  test("with 0 counts only messages that are accepted", async () => {
    const { node } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: (state, message, self) => {
        seen.push(message);
        self.select((next) => next.startsWith("a"));
        self.idleAfter(0);
        return state;
      },
      idle: (state) => {
        seen.push("idle");
        return state;
      },
    });
    for (const message of ["a", "b", "ab"]) node.send(pid, message);
    await quiesce();
    expect(seen).toEqual(["a", "ab", "idle"]);
    await node.stop();
  });

  test("in the midst of an async step waits for the end of it", async () => {
    const { node, clock } = createWorld();
    const seen: string[] = [];
    const pid = node.spawn<string, null>({
      init: () => null,
      message: async (state, message, self) => {
        self.idleAfter(10);
        await self.sleep(50);
        seen.push(message);
        return state;
      },
      idle: (state) => {
        seen.push("idle");
        return state;
      },
    });
    node.send(pid, "slow");
    await clock.advance(49, quiesce);
    expect(seen).toEqual([]);
    await clock.advance(1, quiesce);
    expect(seen).toEqual(["slow", "idle"]);
    await node.stop();
  });

  test("works when the schedule is decided elsewhere", async () => {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock, seed: 3 });
    const { node } = createWorld({ clock, scheduler });
    const seen: (string | number)[] = [];
    const pid = node.spawn(sleeper(seen));
    node.send(pid, 0);
    await scheduler.runAll();
    node.send(pid, 20);
    await scheduler.runAll();
    await clock.advance(20, () => scheduler.runAll());
    expect(seen).toEqual([0, "idle", 20, "idle"]);
  });

  test.each([-1, Number.NaN, "5"])("of %j throws", async (ms) => {
    const { node } = createWorld();
    const pid = node.spawn(sleeper([]));
    node.send(pid, ms as number);
    expect(await node.whenExited(pid)).toMatchObject({
      error: expect.any(InvalidArgumentError) as unknown,
    });
  });

  test("of a handler that has no idle throws", async () => {
    const { node } = createWorld();
    const pid = node.spawn<number, null>({
      init: (self) => {
        self.idleAfter(5);
        return null;
      },
      message: (state) => state,
    });
    expect(await node.whenExited(pid)).toMatchObject({
      error: { message: expect.stringContaining("has the function idle") as unknown },
    });
  });
});

describe("failed", () => {
  const boom = new Error("boom");

  interface Told {
    readonly state: string | undefined;
    readonly reason: ExitReason;
    readonly alive: boolean;
  }

  function failing(
    told: Told[],
    message: Handler<string, string>["message"],
    whenTold: (self: HandlerSelf<string>) => PromiseLike<void> | void = () => undefined,
  ): Handler<string, string> {
    return {
      init: () => "state",
      message,
      failed(state, reason, self) {
        told.push({ state, reason, alive: self.isAlive(self.pid) });
        return whenTold(self);
      },
    };
  }

  test("hears the error of a step while the process still lives, then it crashes with it", async () => {
    const { node, events } = createWorld();
    const told: Told[] = [];
    const pid = node.spawn(
      failing(told, () => {
        throw boom;
      }),
    );
    node.send(pid, "go");
    expect(await node.whenExited(pid)).toEqual({ error: boom });
    expect(told).toEqual([{ state: "state", reason: { error: boom }, alive: true }]);
    expect(events.filter(({ type }) => type === "crashed")).toHaveLength(1);
  });

  test.each<[string, Handler<string, string>["message"]]>([
    ["a step", (_state, _message, self) => self.exit("done")],
    [
      "an async step",
      async (_state, _message, self) => {
        await self.sleep(0);
        return self.exit("done");
      },
    ],
    [
      "a step that catches it",
      (state, _message, self) => {
        try {
          return self.exit("done");
        } catch {
          return state;
        }
      },
    ],
    [
      "a step that exits twice, the last of which counts",
      (_state, _message, self) => {
        try {
          return self.exit("never mind");
        } catch {
          return self.exit("done");
        }
      },
    ],
  ])("hears the reason of %s", async (_what, message) => {
    const { node, events } = createWorld();
    const told: Told[] = [];
    const pid = node.spawn(failing(told, message));
    node.send(pid, "go");
    expect(await node.whenExited(pid)).toBe("done");
    expect(told).toEqual([{ state: "state", reason: "done", alive: true }]);
    expect(events.filter(({ type }) => type === "crashed")).toEqual([]);
  });

  test("may take its time, and the process ends after it", async () => {
    const { node, clock } = createWorld();
    const told: Told[] = [];
    const pid = node.spawn(
      failing(
        told,
        (_state, _message, self) => self.exit("done"),
        (self) => self.sleep(100),
      ),
    );
    node.send(pid, "go");
    await clock.advance(99, quiesce);
    expect(node.isAlive(pid)).toBe(true);
    await clock.advance(1, quiesce);
    expect(node.isAlive(pid)).toBe(false);
  });

  test.each<[string, (self: HandlerSelf<string>) => void, ExitReason]>([
    [
      "an error",
      () => {
        throw boom;
      },
      { error: boom },
    ],
    ["an exit", (self) => self.exit("other"), "other"],
  ])("may replace the reason by %s of its own", async (_what, whenTold, reason) => {
    const { node } = createWorld();
    const told: Told[] = [];
    const message: Handler<string, string>["message"] = (_state, _message, self) =>
      self.exit("done");
    const pid = node.spawn(failing(told, message, whenTold));
    node.send(pid, "go");
    expect(await node.whenExited(pid)).toEqual(reason);
    expect(told).toHaveLength(1);
  });

  test.each<[string, (self: HandlerSelf<string>) => void]>([
    ["and it does not catch that", (self) => self.exit("other")],
    [
      "whatever it catches",
      (self) => {
        try {
          self.exit("other");
        } catch {
          // Goes on.
        }
      },
    ],
  ])("is not being ended by a signal while it exits itself, %s", async (_what, exit) => {
    const { node } = createWorld();
    const aborted: (boolean | undefined)[] = [];
    const message: Handler<string, string>["message"] = (_state, _message, self) =>
      self.exit("done");
    const pid = node.spawn(
      failing([], message, (self) => {
        try {
          exit(self);
        } finally {
          aborted.push(self.signal?.aborted);
        }
      }),
    );
    node.send(pid, "go");
    expect(await node.whenExited(pid)).toBe("other");
    expect(aborted).toEqual([false]);
  });

  test("is not asked when an exit signal ends the process, not even in the midst of it", async () => {
    const { node } = createWorld();
    const told: Told[] = [];
    const message: Handler<string, string>["message"] = async (state, _message, self) => {
      await self.sleep(1_000);
      return state;
    };
    const pid = node.spawn(failing(told, message));
    node.send(pid, "go");
    await quiesce();
    node.exit(pid, "over");
    expect(await node.whenExited(pid)).toBe("over");
    expect(told).toEqual([]);
  });

  test("is ended by an exit signal while it takes its time", async () => {
    const { node } = createWorld();
    const told: Told[] = [];
    const pid = node.spawn(
      failing(
        told,
        (_state, _message, self) => self.exit("done"),
        (self) => self.sleep(100),
      ),
    );
    node.send(pid, "go");
    await quiesce();
    node.exit(pid, "over");
    expect(await node.whenExited(pid)).toBe("over");
  });

  test("hears of an init that failed, without a state", async () => {
    const { node } = createWorld();
    const told: unknown[] = [];
    const pid = node.spawn<string, string>({
      init: () => {
        throw boom;
      },
      message: (state) => state,
      failed: (state, reason) => void told.push([state, reason]),
    });
    expect(await node.whenExited(pid)).toEqual({ error: boom });
    expect(told).toEqual([[undefined, { error: boom }]]);
  });
});

test("a message may be any value, also what stands for none in a receive", async () => {
  const { node } = createWorld();
  const seen: unknown[] = [];
  const pid = node.spawn<unknown, null>({
    init: () => null,
    message: (state, message) => (seen.push(message), state),
  });
  for (const message of [TIMEOUT, undefined, TIMEOUT, "last"]) node.send(pid, message);
  await quiesce();
  expect(seen).toEqual([TIMEOUT, undefined, TIMEOUT, "last"]);
});

test("from is who waits for the reply of the call at hand, else undefined", async () => {
  const { node } = createWorld();
  const seen: (From<never> | undefined)[] = [];
  const pid = node.spawn<Call<string, string> | string, null>({
    init: (self) => {
      seen.push(self.from);
      return null;
    },
    message: (state, message, self) => {
      seen.push(self.from);
      if (typeof message === "object") self.reply(message.from, "yes");
      return state;
    },
  });
  node.send(pid, "message");
  expect(await node.call(pid, "question")).toBe("yes");
  expect(seen).toEqual([undefined, undefined, expect.objectContaining({ kind: "ref" })]);
  await node.stop();
});

test("who works on a message that it had kept is seen to do so, until the step is over", async () => {
  const { node } = createWorld();
  const during: string[] = [];
  node.events.subscribe((event) => {
    if (event.type === "crashed") during.push(event.report.during);
  });
  const seen: (From<never> | undefined)[] = [];
  const pid = node.spawn<Call<string, string> | "answer" | "crash", Call<string, string>[]>({
    init: () => [],
    message: (kept, message, self) => {
      seen.push(self.from);
      if (typeof message === "object") return [...kept, message];
      const [first] = kept;
      self.workOn(first);
      seen.push(self.from);
      if (message === "crash") throw new Error("boom");
      if (first !== undefined) self.reply(first.from, "late");
      return kept;
    },
  });
  const reply = node.call(pid, "question");
  node.send(pid, "answer");
  expect(await reply).toBe("late");
  node.send(pid, "crash");
  await quiesce();
  const from = expect.objectContaining({ kind: "ref" });
  expect(seen).toEqual([from, undefined, from, undefined, from]);
  expect(during).toEqual(['handling message call "question"']);
  await node.stop();
});

test("a call that is refused rejects with the error; who does not wait any more is not disturbed", async () => {
  const { node, clock } = createWorld();
  const froms: From<string>[] = [];
  const pid = node.spawn<Call<string, string>, null>({
    init: () => null,
    message: (state, { from, request }, self) => {
      if (request === "no") self.refuse(from, new RangeError("no"));
      else froms.push(from);
      return state;
    },
  });
  await expect(node.call(pid, "no")).rejects.toThrow(new RangeError("no"));
  const late = node.call(pid, "later", { timeoutMs: 10 });
  late.catch(() => undefined);
  await clock.advance(10, quiesce);
  await expect(late).rejects.toThrow("within 10 ms");
  node.refuse(froms[0] as From<string>, new RangeError("late"));
  expect(node.isAlive(pid)).toBe(true);
  await node.stop();
});

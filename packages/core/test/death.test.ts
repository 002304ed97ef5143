import { describe, expect, test } from "@jest/globals";
import {
  DeadProcessError,
  ExitSignal,
  name,
  type Alias,
  type AnyPid,
  type Body,
  type Call,
  type ExitReason,
  type From,
  type HandlerSelf,
  type MonitorRef,
  type NodeEvent,
  type Pid,
  type Self,
  type TimerRef,
} from "@coppice/core";
import { quiesce, type VirtualClock } from "@coppice/testkit";
import { createWorld, idle, spawnPuppet } from "./world.js";

// As hosts without them are treated.
const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** Something the runtime knows nothing of: it ends when `clock` says so. */
function foreignWait(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.set(resolve, ms));
}

/** Never ends, whatever happens to who awaits it. */
function foreignForever(): Promise<never> {
  return new Promise(() => undefined);
}

function ofType<T extends NodeEvent["type"]>(
  events: readonly NodeEvent[],
  type: T,
): Extract<NodeEvent, { type: T }>[] {
  return events.filter((event): event is Extract<NodeEvent, { type: T }> => event.type === type);
}

function reasonsOf(events: readonly NodeEvent[]): ExitReason[] {
  return ofType(events, "exited").map(({ reason }) => reason);
}

describe("a process that has to exit", () => {
  test.each<[wait: string, (self: Self<unknown>) => Promise<unknown>]>([
    ["receive", (self) => self.receive()],
    ["receive with a guard", (self) => self.receive(() => false)],
    ["receive with a timeout", (self) => self.receive({ timeoutMs: 60_000 })],
    ["sleep", (self) => self.sleep(60_000)],
    ["call", (self) => self.call(self.spawn<Call<1, 1>>(foreignForever), 1)],
  ])("leaves its %s by an ExitSignal, and its finally blocks run", async (_wait, wait) => {
    const { node, events } = createWorld();
    const steps: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      try {
        await wait(self);
        steps.push("went on");
      } catch (error) {
        steps.push(error);
        throw error;
      } finally {
        steps.push("finally");
      }
    });
    await quiesce();
    node.exit(pid, { shutdown: "enough" });
    await quiesce();
    expect(steps).toEqual([expect.any(ExitSignal), "finally"]);
    expect(steps[0]).toMatchObject({ code: "EXIT_SIGNAL", pid, reason: { shutdown: "enough" } });
    expect(String(steps[0])).toBe('ExitSignal: <demo.1> exits: {"shutdown":"enough"}');
    expect(reasonsOf(events)).toEqual([{ shutdown: "enough" }]);
    expect([ofType(events, "crashed"), node.counts.timers]).toEqual([[], 0]);
  });

  test("is not alive any more, but not dead before its code has ended", async () => {
    const { node, clock } = createWorld();
    const watcher = spawnPuppet(node);
    const pid = node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        await foreignWait(clock, 100);
      }
    });
    await watcher.do((self) => void self.monitor(pid));
    node.exit(pid, "shutdown");
    await clock.advance(99);
    expect([node.isAlive(pid), node.processInfo(pid)?.status]).toEqual([false, "exiting"]);
    expect([node.processes(), node.mailboxOf(watcher.pid)]).toEqual([[watcher.pid, pid], []]);
    await clock.advance(1);
    expect([node.processes(), node.mailboxOf(watcher.pid).length]).toEqual([[watcher.pid], 1]);
  });

  test("takes no more messages: what comes is reported as undelivered at once", async () => {
    const { node, clock, events } = createWorld();
    const received: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      try {
        await self.receive();
      } finally {
        received.push(await self.receive({ timeoutMs: 0 }).catch((error: unknown) => error));
        await foreignWait(clock, 100);
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    node.send(pid, "too late");
    expect(ofType(events, "undelivered")).toMatchObject([{ message: "too late", why: "dead" }]);
    await quiesce();
    expect(received).toEqual([expect.any(ExitSignal)]);
  });

  test("can still send, spawn and set timers while it unwinds", async () => {
    const { node, clock } = createWorld();
    const heir = spawnPuppet(node);
    const pid = node.spawn<unknown>(async (self) => {
      try {
        await self.receive();
      } finally {
        self.send(heir.pid, "testament");
        self.sendAfter(heir.pid, 10, "later");
        self.spawn(async (child) => child.send(heir.pid, "from a child"));
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await clock.advance(10);
    expect(node.mailboxOf(heir.pid)).toEqual(["testament", "from a child", "later"]);
  });

  test("keeps the reason of the first exit signal, whatever it throws or returns afterwards", async () => {
    const { node, events } = createWorld();
    const ends = [
      () => undefined,
      () => {
        throw new Error("another");
      },
    ];
    for (const end of ends) {
      const pid = node.spawn(async (self) => {
        await self.receive().catch(() => undefined);
        end();
      });
      await quiesce();
      node.exit(pid, "the first");
      await quiesce();
    }
    expect(reasonsOf(events)).toEqual(["the first", "the first"]);
    expect(ofType(events, "crashed")).toEqual([]);
  });

  test("that throws while it unwinds is reported by an unwindFailed event", async () => {
    const { node, events } = createWorld();
    const boom = new Error("in finally");
    const pid = node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        // oxlint-disable-next-line no-unsafe-finally
        throw boom;
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(ofType(events, "unwindFailed")).toEqual([{ type: "unwindFailed", pid, error: boom }]);
    expect(reasonsOf(events)).toEqual(["shutdown"]);
  });

  test.each<[what: string, (signal: unknown) => unknown]>([
    ["its ExitSignal", (signal) => signal],
    ["an error caused by it", (signal) => new Error("while reading", { cause: signal })],
    ["an AbortError", () => Object.assign(new Error("aborted"), { name: "AbortError" })],
  ])("that throws %s fails at nothing", async (_what, wrap) => {
    const { node, events } = createWorld();
    const pid = node.spawn(async (self) => {
      await self.receive().catch((signal: unknown) => {
        throw wrap(signal);
      });
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect([ofType(events, "unwindFailed"), reasonsOf(events)]).toEqual([[], ["shutdown"]]);
  });

  test("and is killed while it unwinds ends at once, with killed", async () => {
    const { node, events } = createWorld();
    const pid = node.spawn(async (self) => {
      await self.receive().catch(() => undefined);
      await foreignForever();
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    node.exit(pid, "kill");
    expect([reasonsOf(events), node.processes(), node.counts.timers]).toEqual([["killed"], [], 0]);
  });

  test("by its own act goes no further: exit throws", async () => {
    const { node, events } = createWorld();
    const steps: string[] = [];
    node.spawn(async (self) => {
      try {
        self.exit("boom");
      } finally {
        steps.push("finally");
      }
    });
    await quiesce();
    expect([steps, reasonsOf(events)]).toEqual([["finally"], ["boom"]]);
  });

  // Recorded of OTP: try exit(first) after exit(last) end, and so on.
  test.each<[what: string, body: Body<never>, reason: ExitReason]>([
    [
      "exits again in finally",
      async (self) => {
        try {
          self.exit("first");
        } finally {
          self.exit("last");
        }
      },
      "last",
    ],
    [
      "exits again, after an await",
      async (self) => {
        try {
          self.exit("first");
        } finally {
          await Promise.resolve();
          self.exit("last");
        }
      },
      "last",
    ],
    [
      "exits while it unwinds from an error",
      async (self) => {
        try {
          throw new Error("first");
        } finally {
          self.exit("last");
        }
      },
      "last",
    ],
    [
      "fails in finally",
      async (self) => {
        try {
          self.exit("first");
        } finally {
          // oxlint-disable-next-line no-unsafe-finally
          throw new RangeError("last");
        }
      },
      { error: expect.any(RangeError) as never },
    ],
  ])("by its own act and %s ends with the last reason", async (_what, body, reason) => {
    const { node, events } = createWorld();
    node.spawn(body);
    const step = { init: (self: HandlerSelf<never>) => body(self), message: () => undefined };
    node.spawn<never, unknown>(step);
    await quiesce();
    expect(reasonsOf(events)).toEqual([reason, reason]);
    const isCrash = typeof reason === "object";
    expect(ofType(events, "crashed").length).toBe(isCrash ? 2 : 0);
    expect(ofType(events, "unwindFailed")).toEqual([]);
  });

  test("by an exit signal and exits or fails while it unwinds keeps the reason of the signal", async () => {
    const { node, events } = createWorld();
    const ends: ((self: Self<never>) => void)[] = [
      (self) => self.exit("another"),
      (self) => self.exit("normal"),
      () => {
        throw new Error("another");
      },
    ];
    for (const end of ends) {
      const ways: Body<never>[] = [
        async (self) => {
          await self.receive().catch(() => undefined);
          end(self);
        },
        async (self) => {
          try {
            self.exit(self.pid, "signal");
          } finally {
            end(self);
          }
        },
      ];
      for (const way of ways) {
        const pid = node.spawn(way);
        await quiesce();
        node.exit(pid, "signal");
        await quiesce();
      }
    }
    expect(reasonsOf(events)).toEqual(Array(6).fill("signal"));
    expect([ofType(events, "crashed"), ofType(events, "unwindFailed").length]).toEqual([[], 2]);
  });

  test("by an error that is not its code's keeps that reason, though it exits", async () => {
    const { node, events } = createWorld();
    const boom = new Error("in the translation");
    const pid = node.spawn<string>(async (self) => {
      self.trapExits(() => {
        throw boom;
      });
      await self.receive().catch(() => undefined);
      self.exit("another");
    });
    await quiesce();
    node.exit(pid, "signal");
    await quiesce();
    expect(reasonsOf(events)).toEqual([{ error: boom }]);
  });

  test("leaves no rejection behind that nobody waits for", async () => {
    // Jest fails a test for an unhandled rejection.
    const { node, events } = createWorld();
    const pid = node.spawn<unknown>(async (self) => {
      void self.receive();
      void self.sleep(1000);
      void self.call(self.spawn<Call<1, 1>>(foreignForever), 1);
      await foreignForever();
    });
    await quiesce();
    node.exit(pid, "kill");
    node.spawn<unknown>(async (self) => {
      void self.receive();
      void self.sleep(1000);
    });
    await quiesce();
    expect(reasonsOf(events)).toEqual(["killed", "normal"]);
  });

  test("reports what is left in its mailbox as undelivered when it is dead", async () => {
    const { node, events } = createWorld();
    const sender = spawnPuppet(node);
    const pid = node.spawn<unknown>(async (self) => void (await self.receive((m) => m === "no")));
    await sender.do((self) => void (self.send(pid, 1), self.send(pid, 2)));
    node.exit(pid, "shutdown");
    await quiesce();
    expect(ofType(events, "undelivered")).toEqual(
      [1, 2].map((message) => {
        return { type: "undelivered", to: pid, from: sender.pid, message, why: "dead" };
      }),
    );
  });
});

describe("nothing a body can catch keeps its process alive", () => {
  test("a body that catches everything and waits again is given up: it neither lives nor spins", async () => {
    const { node, clock, events } = createWorld();
    let rounds = 0;
    const pid = node.spawn(async (self) => {
      for (;;) {
        rounds++;
        try {
          await self.receive();
        } catch {
          // Not this time!
        }
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await clock.advance(5_000);
    expect([node.processes(), reasonsOf(events)]).toEqual([[], ["shutdown"]]);
    await quiesce();
    expect(rounds).toBeLessThan(1_000);
  });

  test("a killed body that catches everything and waits again does not spin either", async () => {
    const { node, events } = createWorld();
    let rounds = 0;
    const pid = node.spawn(async (self) => {
      for (;;) {
        rounds++;
        await Promise.allSettled([self.sleep(1), self.yield()]);
      }
    });
    await quiesce();
    node.exit(pid, "kill");
    expect(reasonsOf(events)).toEqual(["killed"]);
    await quiesce();
    const before = rounds;
    await quiesce();
    expect(rounds).toBe(before);
  });

  test("a body that catches its own exit ends all the same", async () => {
    const { node, events } = createWorld();
    node.spawn(async (self) => {
      try {
        self.exit("boom");
      } catch {
        // And now for something completely different.
      }
      await self.receive();
    });
    await quiesce();
    expect(reasonsOf(events)).toEqual(["boom"]);
  });
});

describe("a foreign await that does not end", () => {
  test("makes the process a zombie after 5000 ms: declared dead, told to links and monitors, reported", async () => {
    const { node, clock, events } = createWorld();
    const watcher = spawnPuppet(node);
    const pid = node.spawnOpt({ label: "stuck" }, foreignForever);
    await watcher.do((self) => {
      self.trapExits();
      self.link(pid);
      self.monitor(pid);
    });
    node.exit(pid, "shutdown");
    await clock.advance(4_999);
    expect([node.mailboxOf(watcher.pid), ofType(events, "zombie")]).toEqual([[], []]);
    await clock.advance(1);
    expect(node.mailboxOf(watcher.pid)).toMatchObject([
      { type: "exit", reason: "shutdown" },
      { type: "down", reason: "shutdown" },
    ]);
    expect(ofType(events, "zombie")).toEqual([
      { type: "zombie", pid, label: "stuck", unwindMs: 5_000 },
    ]);
    expect([node.processes(), node.counts.timers]).toEqual([[watcher.pid], 0]);
  });

  test("is waited for as long as the unwindMs of the process says", async () => {
    const { node, clock, events } = createWorld();
    for (const unwindMs of [0, 10]) {
      node.exit(node.spawnOpt({ unwindMs }, foreignForever), "not started yet");
      const pid = node.spawnOpt({ unwindMs }, foreignForever);
      await quiesce();
      node.exit(pid, "shutdown");
    }
    await clock.advance(9);
    expect(ofType(events, "zombie")).toHaveLength(1);
    await clock.advance(1);
    expect(ofType(events, "zombie").map(({ unwindMs }) => unwindMs)).toEqual([0, 10]);
  });

  test("does not make a zombie of a process that ends it by self.signal", async () => {
    const { node, clock, events } = createWorld();
    const pid = node.spawn(async (self) => {
      await new Promise((_resolve, reject) => {
        self.signal.addEventListener("abort", () => reject(self.signal.reason as Error));
      });
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await clock.advance(10_000);
    expect([reasonsOf(events), ofType(events, "zombie")]).toEqual([["shutdown"], []]);
  });

  test("fences the zombie: when it goes on, nothing it does has an effect, and that is reported", async () => {
    const { node, clock, events } = createWorld();
    const other = spawnPuppet(node);
    const errors: unknown[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      await foreignWait(clock, 60_000);
      for (const message of [1, 2]) {
        try {
          self.send(other.pid, message);
        } catch (error) {
          errors.push(error);
        }
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await clock.advance(60_000);
    expect(errors).toEqual([expect.any(DeadProcessError), expect.any(DeadProcessError)]);
    expect(node.mailboxOf(other.pid)).toEqual([]);
    expect(ofType(events, "fenced")).toEqual(
      [1, 2].map((count) => ({ type: "fenced", pid, operation: "send", count })),
    );
    expect(reasonsOf(events)).toEqual(["shutdown"]);
  });
});

describe("kill", () => {
  test("declares death at once: all are told before its code has noticed", async () => {
    const { node, events } = createWorld();
    const watcher = spawnPuppet(node);
    const steps: string[] = [];
    const pid = node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        steps.push("finally");
      }
    });
    await watcher.do((self) => void self.monitor(pid));
    node.exit(pid, "kill");
    expect([node.mailboxOf(watcher.pid).length, node.isAlive(pid), steps]).toEqual([1, false, []]);
    await quiesce();
    expect([steps, reasonsOf(events)]).toEqual([["finally"], ["killed"]]);
  });

  test("lets finally blocks run, fenced", async () => {
    const { node, events } = createWorld();
    const other = spawnPuppet(node);
    const pid = node.spawn<unknown>(async (self) => {
      try {
        await self.receive();
      } finally {
        self.send(other.pid, "from the grave");
      }
    });
    await quiesce();
    node.exit(pid, "kill");
    await quiesce();
    expect(node.mailboxOf(other.pid)).toEqual([]);
    expect(ofType(events, "fenced")).toMatchObject([{ pid, operation: "send", count: 1 }]);
  });

  test("of oneself throws at once, and the code goes no further", async () => {
    const { node, events } = createWorld();
    const steps: string[] = [];
    node.spawn(async (self) => {
      steps.push("before");
      self.exit(self.pid, "kill");
      steps.push("after");
    });
    await quiesce();
    expect([steps, reasonsOf(events)]).toEqual([["before"], ["killed"]]);
  });
});

describe("self.signal", () => {
  test.each<[ExitReason]>([["shutdown"], ["kill"], ["boom"]])(
    "aborts with the ExitSignal when the process is told to exit by %j",
    async (reason) => {
      const { node } = createWorld();
      const aborts: unknown[] = [];
      const pid = node.spawn(async (self) => {
        self.signal.addEventListener("abort", () => aborts.push(self.signal.reason));
        await foreignForever();
      });
      await quiesce();
      node.exit(pid, reason);
      expect(aborts).toEqual([expect.any(ExitSignal)]);
      expect(aborts[0]).toMatchObject({ pid, reason: reason === "kill" ? "killed" : reason });
    },
  );

  test("aborts also when the body has returned: what it left running can stop", async () => {
    const { node } = createWorld();
    let aborted = false;
    node.spawn(async (self) => {
      self.signal.addEventListener("abort", () => (aborted = true));
    });
    await quiesce();
    expect(aborted).toBe(true);
  });

  test("is one object, not aborted while the process lives, aborted when it is asked for afterwards", async () => {
    const { node } = createWorld();
    const seen: unknown[] = [];
    const pid = node.spawn(async (self) => {
      seen.push(self.signal === self.signal, self.signal.aborted);
      await self.receive();
    });
    const late = node.spawn(async (self) => {
      await self.receive().catch(() => undefined);
      seen.push(self.signal.aborted);
    });
    await quiesce();
    node.exit(late, "shutdown");
    await quiesce();
    expect([seen, node.isAlive(pid)]).toEqual([[true, false, true], true]);
  });
});

describe("what a process owns", () => {
  /** Gives three resources to the process, one of each kind, each taking its time or not. */
  function ownThree(self: Self<unknown>, clock: VirtualClock, steps: string[]): void {
    self.own({ [DISPOSE]: () => void steps.push("first") });
    self.own({
      [ASYNC_DISPOSE]: async () => {
        steps.push("second begins");
        await foreignWait(clock, 10);
        steps.push("second ends");
      },
    });
    self.own("third", (resource) => void steps.push(resource));
  }
  const inReverse = ["third", "second begins", "second ends", "first"];

  test.each<[how: string, end: (self: Self<unknown>) => unknown, reason: ExitReason]>([
    ["returns", () => undefined, "normal"],
    ["throws", () => Promise.reject(new Error("boom")), { error: new Error("boom") }],
    ["exits", (self) => self.exit("shutdown"), "shutdown"],
    ["is told to exit", (self) => self.receive(), "told to"],
  ])(
    "is disposed in reverse order when it %s, one after the other; then it is dead",
    async (_how, end, reason) => {
      const { node, clock, events } = createWorld();
      const steps: string[] = [];
      const pid = node.spawn<unknown>(async (self) => {
        ownThree(self, clock, steps);
        try {
          await end(self);
        } finally {
          await Promise.resolve();
          steps.push("body ends");
        }
      });
      await quiesce();
      node.exit(pid, "told to");
      await clock.advance(9);
      expect([steps, reasonsOf(events)]).toEqual([["body ends", ...inReverse.slice(0, 2)], []]);
      await clock.advance(1);
      expect([steps, reasonsOf(events)]).toEqual([["body ends", ...inReverse], [reason]]);
    },
  );

  test("is disposed when it is killed, too; but death does not wait for that", async () => {
    const { node, clock, events } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      ownThree(self, clock, steps);
      await self.receive();
    });
    await quiesce();
    node.exit(pid, "kill");
    expect(reasonsOf(events)).toEqual(["killed"]);
    await clock.advance(10);
    expect(steps).toEqual(inReverse);
  });

  test("is disposed when it has become a zombie", async () => {
    const { node, clock, events } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<unknown>(async (self) => {
      self.own("socket", () => void steps.push("disposed"));
      await foreignForever();
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await clock.advance(5_000);
    expect([steps, ofType(events, "zombie").length]).toEqual([["disposed"], 1]);
  });

  test("is disposed when a handler that waits for messages is told to exit", async () => {
    const { node, events } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn<string, null>({
      init: (self) => {
        self.own("socket", () => void steps.push("disposed"));
        return null;
      },
      message: (state) => state,
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect([steps, reasonsOf(events)]).toEqual([["disposed"], ["shutdown"]]);
  });

  test("is disposed to the end although one disposer fails, which is reported", async () => {
    const { node, events } = createWorld();
    const steps: string[] = [];
    const errors = [new Error("sync"), new Error("async")];
    const pid = node.spawn(async (self) => {
      self.own("first", () => void steps.push("first"));
      self.own("second", () => {
        throw errors[0];
      });
      self.own("third", () => Promise.reject(errors[1]));
    });
    await quiesce();
    expect([steps, reasonsOf(events)]).toEqual([["first"], ["normal"]]);
    expect(ofType(events, "disposerFailed")).toEqual(
      errors.toReversed().map((error) => ({ type: "disposerFailed", pid, error })),
    );
  });

  test("makes it a zombie when a disposer does not end in time; the others still have their turn", async () => {
    const { node, clock, events } = createWorld();
    const steps: string[] = [];
    node.spawnOpt({ unwindMs: 100 }, async (self) => {
      self.own("first", () => void steps.push("first"));
      self.own("second", foreignForever);
    });
    await clock.advance(99);
    expect(reasonsOf(events)).toEqual([]);
    await clock.advance(1);
    expect([steps, reasonsOf(events), ofType(events, "zombie").length]).toEqual([
      ["first"],
      ["normal"],
      1,
    ]);
  });

  test("does not hide an error: who crashed and is killed while it disposes is reported as crashed", async () => {
    const { node, events } = createWorld();
    const boom = new Error("boom");
    const pid = node.spawn(async (self) => {
      self.own("stuck", foreignForever);
      throw boom;
    });
    await quiesce();
    node.exit(pid, "kill");
    await quiesce();
    expect(reasonsOf(events)).toEqual(["killed"]);
    expect(ofType(events, "crashed").map(({ report }) => report.reason)).toEqual([{ error: boom }]);
  });

  test("can be used and added to while it unwinds", async () => {
    const { node } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn(async (self) => {
      self.own("first", () => void steps.push("first"));
      try {
        await self.receive();
      } finally {
        self.own("late", () => void steps.push("late"));
      }
    });
    await quiesce();
    node.exit(pid, "shutdown");
    await quiesce();
    expect(steps).toEqual(["late", "first"]);
  });

  test("can be taken back: it is left alone then, and that is told", async () => {
    const { node } = createWorld();
    const steps: string[] = [];
    const taken: boolean[] = [];
    node.spawn(async (self) => {
      const handle = self.own({ [DISPOSE]: () => void steps.push("handle") });
      self.own("first", (resource) => void steps.push(resource));
      self.own("again", () => void steps.push("again: first"));
      self.own("again", () => void steps.push("again: second"));
      taken.push(self.disown(handle), self.disown(handle), self.disown("again"));
    });
    await quiesce();
    expect([taken, steps]).toEqual([
      [true, false, true],
      ["again: first", "first"],
    ]);
  });

  test("is returned as it was given, and must be disposable", async () => {
    const { node } = createWorld();
    const puppet = spawnPuppet(node);
    const resource = { [DISPOSE]: () => undefined };
    expect(await puppet.do((self) => self.own(resource))).toBe(resource);
    const owning = puppet.do((self) => self.own({} as typeof resource));
    await expect(owning).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "own: resource",
    });
  });
});

describe("a dead process", () => {
  interface Known {
    readonly pid: Pid<unknown>;
    readonly alias: Alias<unknown>;
    readonly monitor: MonitorRef;
    readonly timer: TimerRef;
  }
  const Own = name<unknown>("own");

  const acts: [operation: string, act: (self: Self<unknown>, known: Known) => unknown][] = [
    ["send", (self, { pid }) => self.send(pid, "hello")],
    ["receive", (self) => self.receive()],
    ["call", (self, { pid }) => self.call(pid as Pid<Call<string, string>>, "hello")],
    ["reply", (self, { alias }) => self.reply(alias as From<unknown>, "hello")],
    ["spawn", (self) => self.spawn(idle)],
    ["spawnLink", (self) => self.spawnLink(idle)],
    ["spawnMonitor", (self) => self.spawnMonitor((down) => down, idle)],
    ["spawnOpt", (self) => self.spawnOpt({}, idle)],
    ["link", (self, { pid }) => self.link(pid)],
    ["unlink", (self, { pid }) => self.unlink(pid)],
    ["monitor", (self, { pid }) => self.monitor(pid)],
    ["demonitor", (self, { monitor }) => self.demonitor(monitor)],
    ["alias", (self) => self.alias()],
    ["unalias", (self, { alias }) => self.unalias(alias)],
    ["trapExits", (self) => self.trapExits()],
    ["exit", (self) => self.exit("again")],
    ["exit of another", (self, { pid }) => self.exit(pid, "kill")],
    ["sleep", (self) => self.sleep(1)],
    ["yield", (self) => self.yield()],
    ["own", (self) => self.own("resource", () => undefined)],
    ["disown", (self) => self.disown("resource")],
    ["setLabel", (self) => self.setLabel("ghost")],
    ["register", (self, { pid }) => self.register(Own, pid)],
    ["unregister", (self) => self.unregister(name("held"))],
    ["sendAfter", (self, { pid }) => self.sendAfter(pid, 1, "hello")],
    ["startTimer", (self, { pid }) => self.startTimer(pid, 1, "hello")],
    ["sendInterval", (self, { pid }) => self.sendInterval(pid, 1, "hello")],
    ["cancelTimer", (self, { timer }) => self.cancelTimer(timer)],
  ];

  async function actDead(
    act: (self: Self<unknown>, known: Known) => unknown,
  ): Promise<ReturnType<typeof createWorld> & { readonly outcome: unknown; readonly pid: AnyPid }> {
    const world = createWorld();
    const { node, clock } = world;
    const dead = spawnPuppet(node);
    const other = spawnPuppet(node, { name: name("held") });
    const { self, ...known } = await dead.do((self) => ({
      self,
      pid: other.pid,
      alias: self.alias(),
      monitor: self.monitor(other.pid),
      timer: self.sendAfter(other.pid, 50, "set before"),
    }));
    node.exit(dead.pid, "kill");
    await quiesce();
    const outcome = await (async () => act(self, known))().catch((error: unknown) => error);
    await clock.advance(100);
    // The other has noticed nothing but what was arranged before.
    expect(node.processes()).toEqual([other.pid]);
    expect(node.mailboxOf(other.pid)).toEqual(["set before"]);
    expect(node.processInfo(other.pid)).toMatchObject({
      name: "held",
      links: [],
      monitoredBy: [],
    });
    return { ...world, outcome, pid: dead.pid };
  }

  test.each(acts)(
    "achieves nothing by %s: it throws DeadProcessError and is reported by a fenced event",
    async (operation, act) => {
      const { events, outcome, pid } = await actDead(act);
      expect(outcome).toBeInstanceOf(DeadProcessError);
      const [attempted] = operation.split(" ");
      expect(outcome).toMatchObject({ code: "DEAD_PROCESS", pid, operation: attempted });
      expect(ofType(events, "fenced")).toEqual([
        { type: "fenced", pid, operation: attempted, count: 1 },
      ]);
    },
  );

  test.each<[operation: string, act: (self: Self<unknown>, known: Known) => unknown]>([
    ["whereis", (self) => self.whereis(Own)],
    ["isAlive", (self, { pid }) => self.isAlive(pid)],
    ["processInfo", (self, { pid }) => self.processInfo(pid)],
    ["readTimer", (self, { timer }) => self.readTimer(timer)],
    ["now", (self) => self.now()],
    ["random", (self) => self.random()],
  ])("learns nothing by %s: that throws DeadProcessError too", async (_operation, act) => {
    const { outcome } = await actDead(act);
    expect(outcome).toBeInstanceOf(DeadProcessError);
  });

  test("is counted for all it attempts", async () => {
    const { events } = await actDead((self, { pid }) => {
      for (let i = 0; i < 3; i++) {
        expect(() => self.send(pid, i)).toThrow(DeadProcessError);
        expect(() => self.spawn(idle)).toThrow(DeadProcessError);
      }
    });
    expect(ofType(events, "fenced").map(({ operation, count }) => [operation, count])).toEqual(
      [1, 2, 3, 4, 5, 6].map((count) => [count % 2 === 1 ? "send" : "spawn", count]),
    );
  });
});

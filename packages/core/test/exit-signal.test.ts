import { describe, expect, test } from "@jest/globals";
import {
  exitEffect,
  type Call,
  type Exit,
  type ExitEffect,
  type ExitReason,
  type Handler,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import { createWorld, spawnDead, spawnPuppet, type World } from "./world.js";

const crash = { error: new Error("boom") };

type Sender = "another" | "itself" | "a link";

/** OTP's table, row by row. A link never comes from the process itself. */
const TABLE: [reason: ExitReason, by: Sender, traps: boolean, effect: ExitEffect][] = [
  ["kill", "another", false, "killed"],
  ["kill", "another", true, "killed"],
  ["kill", "itself", false, "killed"],
  ["kill", "itself", true, "killed"],
  ["kill", "a link", false, "exits"],
  ["kill", "a link", true, "message"],
  ["killed", "another", false, "exits"],
  ["killed", "another", true, "message"],
  ["killed", "itself", false, "exits"],
  ["killed", "itself", true, "message"],
  ["killed", "a link", false, "exits"],
  ["killed", "a link", true, "message"],
  ["normal", "another", false, "ignored"],
  ["normal", "another", true, "message"],
  ["normal", "itself", false, "exits"],
  ["normal", "itself", true, "message"],
  ["normal", "a link", false, "ignored"],
  ["normal", "a link", true, "message"],
  ["shutdown", "another", false, "exits"],
  ["shutdown", "another", true, "message"],
  ["shutdown", "itself", false, "exits"],
  ["shutdown", "itself", true, "message"],
  ["shutdown", "a link", false, "exits"],
  ["shutdown", "a link", true, "message"],
  [crash, "another", false, "exits"],
  [crash, "another", true, "message"],
  [crash, "itself", false, "exits"],
  [crash, "itself", true, "message"],
  [crash, "a link", false, "exits"],
  [crash, "a link", true, "message"],
  [["any", "term"], "another", false, "exits"],
  [["any", "term"], "another", true, "message"],
  [undefined, "another", false, "exits"],
  [undefined, "another", true, "message"],
];

describe("the table of exit signals", () => {
  test.each(TABLE)("%j sent by %s to a process (traps: %s): %s", (reason, by, traps, effect) => {
    const facts = { traps, viaLink: by === "a link", fromSelf: by === "itself" };
    expect(exitEffect(reason, facts)).toBe(effect);
  });

  test.each(TABLE)(
    "holds from end to end: %j sent by %s (traps: %s): %s",
    async (reason, by, traps, effect) => {
      const { node } = createWorld();
      const target = spawnPuppet(node);
      const other = spawnPuppet(node);
      await target.do((self) => void (traps && self.trapExits()));
      const from = by === "itself" ? target : other;
      const ended = node.whenExited(target.pid);
      if (by === "a link") {
        await other.do((self) => self.link(target.pid));
        await other.do((self) => self.exit(reason)).catch(() => undefined);
      } else {
        await from.do((self) => self.exit(target.pid, reason)).catch(() => undefined);
      }
      await quiesce();
      const exit: Exit = { type: "exit", from: from.pid, reason };
      switch (effect) {
        case "ignored":
          expect([node.isAlive(target.pid), node.mailboxOf(target.pid)]).toEqual([true, []]);
          return;
        case "message":
          expect([node.isAlive(target.pid), node.mailboxOf(target.pid)]).toEqual([true, [exit]]);
          return;
        case "exits":
          expect(await ended).toEqual(reason);
          return;
        case "killed":
          expect(await ended).toBe("killed");
          return;
        default:
          effect satisfies never;
      }
    },
  );
});

describe("kill", () => {
  test("is seen by links as killed", async () => {
    const { node } = createWorld();
    const [a, b] = [spawnPuppet(node), spawnPuppet(node)];
    await a.do((self) => void (self.trapExits(), self.link(b.pid)));
    node.exit(b.pid, "kill");
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: b.pid, reason: "killed" }]);
  });

  test("as the reason a process exits with itself is seen by links as kill, and can be trapped", async () => {
    const { node } = createWorld();
    const [a, b] = [spawnPuppet(node), spawnPuppet(node)];
    await a.do((self) => void (self.trapExits(), self.link(b.pid)));
    await b.do((self) => self.exit("kill")).catch(() => undefined);
    await quiesce();
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: b.pid, reason: "kill" }]);
  });
});

describe("an exit signal", () => {
  test("from outside any process comes from the node", async () => {
    const { node } = createWorld();
    const a = spawnPuppet(node);
    await a.do((self) => self.trapExits());
    node.exit(a.pid, "shutdown");
    expect(node.mailboxOf(a.pid)).toEqual([{ type: "exit", from: node.pid, reason: "shutdown" }]);
  });

  test("to the dead is nothing", async () => {
    const { node, events } = createWorld();
    const dead = await spawnDead(node);
    const before = [...events];
    node.exit(dead, "shutdown");
    node.exit(dead, "kill");
    await spawnPuppet(node).do((self) => self.exit(dead, "normal"));
    expect(events.filter(({ type }) => type !== "spawned")).toEqual(
      before.filter(({ type }) => type !== "spawned"),
    );
  });

  test("that comes while the process exits already does not change its reason", async () => {
    const { node, clock } = createWorld();
    const pid = node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 10));
      }
    });
    const ended = node.whenExited(pid);
    await quiesce();
    node.exit(pid, "first");
    node.exit(pid, "second");
    await clock.advance(10);
    expect(await ended).toBe("first");
  });

  test("ends a process that has not started: its code never runs", async () => {
    const { node } = createWorld();
    let ran = false;
    const pid = node.spawn(async () => void (ran = true));
    const ended = node.whenExited(pid);
    node.exit(pid, "shutdown");
    await quiesce();
    expect([await ended, ran]).toEqual(["shutdown", false]);
  });

  test("follows what was sent before on the same way, and precedes what is sent after", async () => {
    const { node, events } = createWorld();
    const [a, b] = [spawnPuppet(node), spawnPuppet(node)];
    await b.do((self) => self.trapExits());
    await a.do((self) => {
      self.send(b.pid, 1);
      self.exit(b.pid, "two");
      self.send(b.pid, 3);
      self.exit(b.pid, "kill");
      self.send(b.pid, 5);
    });
    const undelivered = events.flatMap((event) =>
      event.type === "undelivered" ? [event.message] : [],
    );
    // What was in the mailbox is reported at death; what came after, as it came.
    expect(undelivered).toEqual([1, { type: "exit", from: a.pid, reason: "two" }, 3, 5]);
  });

  test("from the process to itself takes effect before the call returns", async () => {
    const { node } = createWorld();
    const steps: string[] = [];
    const pid = node.spawn(async (self) => {
      steps.push("before");
      self.exit(self.pid, "shutdown");
      steps.push("after");
    });
    expect(await node.whenExited(pid)).toBe("shutdown");
    expect(steps).toEqual(["before"]);
  });
});

describe("signals of different processes", () => {
  test("keep the order of each pair under every schedule, whatever they are; across pairs there is none", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const { node } = createWorld({ clock, scheduler });
      const [a, b, c] = [spawnPuppet(node), spawnPuppet(node), spawnPuppet(node)];
      void a.do((self) => self.trapExits());
      await scheduler.runAll();
      for (const puppet of [b, c]) {
        void puppet.do((self) => {
          self.send(a.pid, { from: self.pid, n: 1 });
          self.link(a.pid);
          self.exit(a.pid, "2");
          self.send(a.pid, { from: self.pid, n: 3 });
          self.exit("4");
        });
      }
      await scheduler.runAll();
      const arrived = node.mailboxOf(a.pid) as { from: unknown; n?: number; reason?: string }[];
      const arrivedOf = (pid: unknown): number[] =>
        arrived.filter(({ from }) => from === pid).map(({ n, reason }) => n ?? Number(reason));
      expect([arrivedOf(b.pid), arrivedOf(c.pid)]).toEqual([
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]);
      orders.add(arrived.map(({ from }) => (from === b.pid ? "b" : "c")).join(""));
    }
    expect(orders.size).toBeGreaterThan(10);
  });
});

describe("what a process does while it translates a Down or an Exit keeps the order of its pairs", () => {
  /** Has a process do something in the very midst of the death of another. */
  async function duringDeath<T>(
    how: "Down" | "Exit",
    act: (self: Self<unknown>, other: Pid<unknown>) => T,
    { node }: World = createWorld(),
  ): Promise<T> {
    const [dying, other] = [spawnPuppet(node), spawnPuppet(node)];
    const results: T[] = [];
    node.spawn<unknown>(async (self) => {
      const translate = (): unknown => results.push(act(self, other.pid));
      if (how === "Down") self.monitor(dying.pid, translate);
      else {
        self.trapExits(translate);
        self.link(dying.pid);
      }
      for (;;) await self.receive();
    });
    await quiesce();
    node.exit(dying.pid, "kill");
    await quiesce();
    expect(results).toHaveLength(1);
    return results[0] as T;
  }

  test.each(["Down", "Exit"] as const)("in a %s: isAlive hears of its exit signal", async (how) => {
    const answers = await duringDeath(how, (self, other) => {
      const before = self.isAlive(other);
      self.exit(other, "normal");
      const meanwhile = self.isAlive(other);
      self.send(other, "x");
      self.exit(other, "kill");
      return [before, meanwhile, self.isAlive(other)];
    });
    expect(answers).toEqual([true, true, false]);
  });

  test.each(["Down", "Exit"] as const)("in a %s: processInfo hears of all it sent", async (how) => {
    const info = await duringDeath(how, (self, other) => {
      self.send(other, 1);
      self.link(other);
      self.monitor(other, () => null);
      self.send(other, 2);
      return [self.pid, self.processInfo(other)] as const;
    });
    expect(info[1]).toMatchObject({ mailboxSize: 2, links: [info[0]], monitoredBy: [info[0]] });
  });

  test.each(["Down", "Exit"] as const)("in a %s: a monitor finds nobody", async (how) => {
    const world = createWorld();
    const downs: unknown[] = [];
    await duringDeath(
      how,
      (self, other) => {
        self.exit(other, "kill");
        self.monitor(other, ({ reason }) => downs.push(reason));
      },
      world,
    );
    expect(downs).toEqual(["noproc"]);
  });

  test.each(["Down", "Exit"] as const)("in a %s: one taken back is silent", async (how) => {
    const world = createWorld();
    const downs: unknown[] = [];
    const [other, left] = await duringDeath(
      how,
      (self, other) => {
        const ref = self.monitor(other, ({ reason }) => downs.push(reason));
        self.demonitor(ref);
        return [other, self.processInfo(other)?.monitoredBy] as const;
      },
      world,
    );
    world.node.exit(other, "kill");
    await quiesce();
    expect([downs, left]).toEqual([[], []]);
  });

  test.each(["Down", "Exit"] as const)(
    "in a %s: a reply comes after what was sent",
    async (how) => {
      const world = createWorld();
      const requests: Call<string, string>[] = [];
      const server = world.node.spawn<Call<string, string>>(async (self) => {
        for (;;) requests.push(await self.receive());
      });
      const seen: unknown[] = [];
      for (const outcome of ["reply", "refusal"]) {
        world.node.spawn<unknown>(async (self) => {
          const answer = self.call(server, outcome).catch((error: unknown) => error);
          seen.push([await answer, await self.receive({ timeoutMs: 0 })]);
        });
      }
      await quiesce();
      const boom = new Error("no");
      await duringDeath(
        how,
        (self) => {
          for (const { from, request } of requests) {
            self.send(from.owner as Pid<unknown>, "sent before");
            if (request === "reply") self.reply(from, "answer");
            else self.refuse(from, boom);
          }
        },
        world,
      );
      expect(seen).toEqual([
        ["answer", "sent before"],
        [boom, "sent before"],
      ]);
    },
  );
});

test("what a process sends to itself while it translates its own exit signal comes after that", async () => {
  for (const decided of [false, true]) {
    const clock = createVirtualClock();
    const scheduler = createFifoScheduler({ clock });
    const { node } = createWorld(decided ? { clock, scheduler } : {});
    const puppet = spawnPuppet(node);
    void puppet.do((self) => {
      self.trapExits(({ reason }) => {
        if (reason === "first") {
          self.send(self.pid, "sent meanwhile");
          self.exit(self.pid, "second");
        }
        return reason;
      });
      self.exit(self.pid, "first");
      self.send(self.pid, "sent after");
    });
    await (decided ? scheduler.runAll() : quiesce());
    const expected = ["first", "sent meanwhile", "second", "sent after"];
    expect([decided, node.mailboxOf(puppet.pid)]).toEqual([decided, expected]);
  }
});

describe("trapping exits", () => {
  test("translates signals into the process's own messages", async () => {
    type Inbox = { readonly type: "lost"; readonly why: ExitReason };
    const { node } = createWorld();
    const taken: Inbox[] = [];
    const pid = node.spawn<Inbox>(async (self) => {
      self.trapExits((exit) => ({ type: "lost", why: exit.reason }));
      taken.push(await self.receive());
    });
    await quiesce();
    node.exit(pid, "boom");
    await quiesce();
    expect(taken).toEqual([{ type: "lost", why: "boom" }]);
  });

  test("without a translation compiles only where the process understands Exit", async () => {
    const { node } = createWorld();
    const pid = node.spawn<string>(async (self) => {
      // @ts-expect-error: an Exit is no string
      self.trapExits();
    });
    node.spawn<string | Exit>(async (self) => void self.trapExits());
    expect(await node.whenExited(pid)).toBe("normal");
  });

  test("can be turned off; says whether it was on", async () => {
    const { node } = createWorld();
    const a = spawnPuppet(node);
    expect(
      await a.do((self) => [
        self.trapExits(),
        self.trapExits(),
        self.trapExits(false),
        self.trapExits(false),
      ]),
    ).toEqual([false, true, true, false]);
    const ended = node.whenExited(a.pid);
    node.exit(a.pid, "shutdown");
    await quiesce();
    expect(await ended).toBe("shutdown");
  });

  test("leaves what arrived before what it became: messages stay when it is turned off", async () => {
    const { node } = createWorld();
    const a = spawnPuppet(node);
    await a.do((self) => self.trapExits());
    node.exit(a.pid, "shutdown");
    await a.do((self) => self.trapExits(false));
    expect([node.isAlive(a.pid), node.mailboxOf(a.pid).length]).toEqual([true, 1]);
  });

  test("with a translation that throws crashes the process, and the report says so", async () => {
    const { node, events } = createWorld();
    const boom = new Error("cannot translate");
    const a = spawnPuppet(node);
    await a.do((self) =>
      self.trapExits(() => {
        throw boom;
      }),
    );
    const ended = node.whenExited(a.pid);
    node.exit(a.pid, "shutdown");
    await quiesce();
    expect(await ended).toEqual({ error: boom });
    const crashes = events.filter(
      (event): event is Extract<NodeEvent, { type: "crashed" }> => event.type === "crashed",
    );
    expect(crashes.map(({ report }) => report.during)).toEqual(["mapping an Exit to a message"]);
  });

  test("works in a handler", async () => {
    const { node } = createWorld();
    const taken: unknown[] = [];
    const handler: Handler<Exit, null> = {
      init: (self) => {
        self.trapExits();
        return null;
      },
      message: (state, exit) => {
        taken.push(exit.reason);
        return state;
      },
    };
    const pid = node.spawn(handler);
    await quiesce();
    node.exit(pid, "normal");
    node.exit(pid, "shutdown");
    await quiesce();
    expect([taken, node.isAlive(pid)]).toEqual([["normal", "shutdown"], true]);
  });
});

describe("a process that exits by itself", () => {
  test.each<[ExitReason]>([["normal"], ["shutdown"], [{ shutdown: 1 }], ["kill"], [["a", 1]], [0]])(
    "with %j ends with that very reason",
    async (reason) => {
      const { node } = createWorld();
      const pid = node.spawn(async (self) => self.exit(reason));
      expect(await node.whenExited(pid)).toEqual(reason);
    },
  );

  test("by returning ends with normal", async () => {
    const { node } = createWorld();
    expect(await node.whenExited(node.spawn(async () => undefined))).toBe("normal");
    expect(await node.whenExited(node.spawn(() => undefined))).toBe("normal");
  });

  test("by an error ends with { error }", async () => {
    const { node } = createWorld();
    const { error } = crash;
    const pid = node.spawn(async () => {
      throw error;
    });
    expect(await node.whenExited(pid)).toEqual({ error });
  });

  test("does so although it traps exits", async () => {
    const { node } = createWorld();
    const pid = node.spawn<Exit>(async (self) => {
      self.trapExits();
      self.exit("normal");
    });
    expect(await node.whenExited(pid)).toBe("normal");
  });
});

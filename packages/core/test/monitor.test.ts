import { describe, expect, test } from "@jest/globals";
import {
  at,
  name,
  type AnyPid,
  type Call,
  type Down,
  type ExitReason,
  type Handler,
  type MonitorAlias,
  type MonitorRef,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import { exploreAll } from "./races.js";
import { createWorld, idle, spawnDead, spawnPuppet, type Puppet, type World } from "./world.js";

const Target = name<unknown>("target");

/** One that watches, and one to be watched. */
function createPair(): World & { readonly watcher: Puppet; readonly target: Puppet } {
  const world = createWorld();
  return { ...world, watcher: spawnPuppet(world.node), target: spawnPuppet(world.node) };
}

describe("a monitor", () => {
  test.each<[ExitReason, ExitReason]>([
    ["normal", "normal"],
    ["shutdown", "shutdown"],
    ["boom", "boom"],
    ["kill", "kill"],
    [{ error: new Error("crash") }, { error: new Error("crash") }],
  ])("tells of an end by %j with %j", async (reason, told) => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) => self.monitor(target.pid));
    await target.do((self) => self.exit(reason)).catch(() => undefined);
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual([
      { type: "down", ref, process: target.pid, reason: told },
    ]);
  });

  test("tells of a kill with killed", async () => {
    const { node, watcher, target } = createPair();
    await watcher.do((self) => self.monitor(target.pid));
    node.exit(target.pid, "kill");
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ reason: "killed" }]);
  });

  test("goes one way: the end of the watcher means nothing to the watched", async () => {
    const { node, watcher, target } = createPair();
    await target.do((self) => self.trapExits());
    await watcher.do((self) => self.monitor(target.pid));
    node.exit(watcher.pid, "kill");
    await quiesce();
    expect([node.processes(), node.mailboxOf(target.pid)]).toEqual([[target.pid], []]);
    expect(node.processInfo(target.pid)?.monitoredBy).toEqual([]);
  });

  test("does not end the watcher, whatever the reason", async () => {
    const { node, watcher, target } = createPair();
    await watcher.do((self) => self.monitor(target.pid));
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.isAlive(watcher.pid)).toBe(true);
  });

  test("tells exactly once", async () => {
    const { node, clock, watcher, target } = createPair();
    await watcher.do((self) => self.monitor(target.pid));
    node.exit(target.pid, "boom");
    node.exit(target.pid, "boom again");
    node.exit(target.pid, "kill");
    await clock.advance(10_000);
    expect(node.mailboxOf(watcher.pid)).toHaveLength(1);
  });

  test("set twice tells twice, each with its own reference", async () => {
    const { node, watcher, target } = createPair();
    const refs = await watcher.do((self) => [self.monitor(target.pid), self.monitor(target.pid)]);
    expect(refs[0]).not.toBe(refs[1]);
    node.exit(target.pid, "boom");
    await quiesce();
    const told = node.mailboxOf(watcher.pid) as Down[];
    expect(new Set(told.map(({ ref }) => ref))).toEqual(new Set(refs));
    expect(told).toHaveLength(2);
  });

  test("of the dead tells noproc", async () => {
    const { node, watcher } = createPair();
    const dead = await spawnDead(node);
    const ref = await watcher.do((self) => self.monitor(dead));
    expect(node.mailboxOf(watcher.pid)).toEqual([
      { type: "down", ref, process: dead, reason: "noproc" },
    ]);
  });

  test("of a process that is exiting tells noproc, as in OTP, but not before it is dead and its name free", async () => {
    const { node, clock, watcher } = createPair();
    const early = spawnPuppet(node);
    const target = node.spawnOpt<unknown>({ name: Target }, async (self) => {
      try {
        await self.receive();
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 10));
      }
    });
    await early.do((self) => void self.monitor(target));
    node.exit(target, "boom");
    await watcher.do((self) => {
      self.monitor(target, (down) => [down.reason, self.whereis(Target)]);
      self.demonitor(self.monitor(target));
    });
    expect(node.mailboxOf(watcher.pid)).toEqual([]);
    await clock.advance(10);
    expect(node.mailboxOf(watcher.pid)).toEqual([["noproc", undefined]]);
    expect(node.mailboxOf(early.pid)).toMatchObject([{ process: target, reason: "boom" }]);
  });

  test("of a process that unwinds from an exit of its own tells its reason, as in OTP", async () => {
    const { node, clock, watcher } = createPair();
    const target = node.spawn(async (self) => {
      try {
        self.exit("done");
      } finally {
        await new Promise<void>((resolve) => void clock.set(resolve, 10));
      }
    });
    await quiesce();
    await watcher.do((self) => self.monitor(target));
    await clock.advance(10);
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ process: target, reason: "done" }]);
  });

  test("of a process at a node that is out of reach tells noconnection", async () => {
    const { node, watcher } = createPair();
    const far = createWorld({ name: "far" }).node.spawn(idle);
    await watcher.do((self) => self.monitor(far));
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ process: far, reason: "noconnection" }]);
  });

  test("of oneself never tells anything", async () => {
    const { node, watcher } = createPair();
    const ref = await watcher.do((self) => self.monitor(self.pid));
    const found = await watcher.do((self) => self.demonitor(ref, { info: true }));
    expect([found, node.mailboxOf(watcher.pid)]).toEqual([false, []]);
    expect(node.processInfo(watcher.pid)?.monitors).toEqual([]);
  });

  test("tells after all that the watched process has sent before", async () => {
    const { node, watcher, target } = createPair();
    await watcher.do((self) => self.monitor(target.pid));
    await target
      .do((self) => {
        self.send(watcher.pid, 1);
        self.send(watcher.pid, 2);
        self.exit("boom");
      })
      .catch(() => undefined);
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toMatchObject([1, 2, { type: "down" }]);
  });

  test("is seen by processInfo of both, until it has told", async () => {
    const { node, watcher, target } = createPair();
    await watcher.do((self) => {
      self.monitor(target.pid);
      self.monitor(target.pid);
    });
    expect(node.processInfo(watcher.pid)?.monitors).toEqual([target.pid, target.pid]);
    expect(node.processInfo(target.pid)?.monitoredBy).toEqual([watcher.pid, watcher.pid]);
    node.exit(target.pid, "kill");
    expect(node.processInfo(watcher.pid)?.monitors).toEqual([]);
  });

  test("tells also when the same end takes others with it that waited for the process", async () => {
    const { node, watcher, target } = createPair();
    const linkAndCall = async (self: Self<unknown>): Promise<void> => {
      self.link(target.pid);
      await self.call(target.pid as AnyPid as Pid<Call<"x", never>>, "x", { timeoutMs: Infinity });
    };
    node.spawn(linkAndCall);
    await watcher.do((self) => self.monitor(target.pid));
    node.spawn(linkAndCall);
    node.spawn(linkAndCall);
    await quiesce();
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ type: "down", reason: "boom" }]);
  });

  test("costs the same among a hundred thousand: all of them tell, in the order they were set", async () => {
    const { node, watcher, target } = createPair();
    const refs = await watcher.do((self) =>
      Array.from({ length: 100_000 }, () => self.monitor(target.pid)),
    );
    await watcher.do((self) => {
      for (const [i, ref] of refs.entries()) if (i % 2 === 0) self.demonitor(ref);
    });
    node.exit(target.pid, "kill");
    await quiesce();
    const told = (node.mailboxOf(watcher.pid) as Down[]).map(({ ref }) => ref);
    const kept = refs.filter((_ref, i) => i % 2 === 1);
    expect([told.length, told.every((ref, i) => ref === kept[i])]).toEqual([50_000, true]);
  });
});

describe("a monitor by name", () => {
  test("watches who holds the name now, and tells the name", async () => {
    const { node, watcher, target } = createPair();
    node.register(Target, target.pid);
    const ref = await watcher.do((self) => self.monitor(Target));
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual([
      { type: "down", ref, process: Target, reason: "boom" },
    ]);
  });

  test("stays with the process when the name passes to another", async () => {
    const { node, watcher, target } = createPair();
    node.register(Target, target.pid);
    await watcher.do((self) => self.monitor(Target));
    node.unregister(Target);
    const other = spawnPuppet(node, { name: Target });
    node.exit(other.pid, "other");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual([]);
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ process: Target, reason: "boom" }]);
  });

  test("that nobody holds tells noproc", async () => {
    const { node, watcher } = createPair();
    const ref = await watcher.do((self) => self.monitor(Target));
    expect(node.mailboxOf(watcher.pid)).toEqual([
      { type: "down", ref, process: Target, reason: "noproc" },
    ]);
  });

  test("at a node watches who holds it there", async () => {
    const { node, watcher, target } = createPair();
    node.register(Target, target.pid);
    const here = at("demo", Target);
    await watcher.do((self) => void (self.monitor(here), self.monitor(at("demo", name("nobody")))));
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ reason: "noproc" }]);
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)[1]).toMatchObject({ process: here, reason: "boom" });
  });

  test("at a node that is out of reach tells noconnection", async () => {
    const { node, watcher } = createPair();
    const there = at("elsewhere", Target);
    await watcher.do((self) => self.monitor(there));
    expect(node.mailboxOf(watcher.pid)).toMatchObject([{ process: there, reason: "noconnection" }]);
  });
});

describe("the translation of a Down", () => {
  test("makes it a message of the watcher's own", async () => {
    type Inbox = { readonly type: "gone"; readonly why: ExitReason };
    const { node, target } = createPair();
    const taken: Inbox[] = [];
    node.spawn<Inbox>(async (self) => {
      self.monitor(target.pid, ({ reason }) => ({ type: "gone", why: reason }));
      taken.push(await self.receive());
    });
    await quiesce();
    node.exit(target.pid, "boom");
    await quiesce();
    expect(taken).toEqual([{ type: "gone", why: "boom" }]);
  });

  test("may be left out only where the watcher understands Down", async () => {
    const { node, target } = createPair();
    node.spawn<string>(async (self) => {
      // @ts-expect-error: a Down is no string
      self.monitor(target.pid);
    });
    node.spawn<string | Down>(async (self) => void self.monitor(target.pid));
    await quiesce();
    expect(node.counts.crashes).toBe(0);
  });

  test("that throws crashes the watcher, and the report says so", async () => {
    const { node, events, watcher, target } = createPair();
    const boom = new Error("cannot translate");
    await watcher.do((self) =>
      self.monitor(target.pid, () => {
        throw boom;
      }),
    );
    const ended = node.whenExited(watcher.pid);
    node.exit(target.pid, "shutdown");
    await quiesce();
    expect(await ended).toEqual({ error: boom });
    const reports = events.flatMap((event) => (event.type === "crashed" ? [event.report] : []));
    expect(reports).toMatchObject([
      { pid: watcher.pid, reason: { error: boom }, during: "mapping a Down to a message" },
    ]);
  });
});

describe("demonitor", () => {
  test("takes the monitor back: no Down arrives", async () => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) => self.monitor(target.pid));
    await watcher.do((self) => self.demonitor(ref));
    expect(node.processInfo(target.pid)?.monitoredBy).toEqual([]);
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual([]);
  });

  test("leaves a Down that is in the mailbox already", async () => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) => self.monitor(target.pid));
    node.exit(target.pid, "kill");
    await watcher.do((self) => self.demonitor(ref));
    expect(node.mailboxOf(watcher.pid)).toHaveLength(1);
  });

  test("with flush removes it from the mailbox too, also when it was translated, and nothing else", async () => {
    const { node, watcher, target } = createPair();
    const refs = await watcher.do((self) => [
      self.monitor(target.pid, () => "translated"),
      self.monitor(target.pid),
    ]);
    node.send(watcher.pid, "translated");
    node.exit(target.pid, "kill");
    node.send(watcher.pid, "after");
    await watcher.do((self) => self.demonitor(refs[0] as MonitorRef, { flush: true }));
    expect(node.mailboxOf(watcher.pid)).toEqual([
      "translated",
      { type: "down", ref: refs[1], process: target.pid, reason: "killed" },
      "after",
    ]);
  });

  test("returns true; with info whether the monitor was still there", async () => {
    const { node, watcher, target } = createPair();
    const refs = await watcher.do((self) => [self.monitor(target.pid), self.monitor(target.pid)]);
    const [first, second] = refs as MonitorRef[] as [MonitorRef, MonitorRef];
    expect(
      await watcher.do((self) => [
        self.demonitor(first, { info: true }),
        self.demonitor(first, { info: true }),
        self.demonitor(first),
      ]),
    ).toEqual([true, false, true]);
    node.exit(target.pid, "kill");
    expect(await watcher.do((self) => self.demonitor(second, { info: true, flush: true }))).toBe(
      false,
    );
    expect(node.mailboxOf(watcher.pid)).toEqual([]);
  });

  test("of another's monitor is nothing", async () => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) => self.monitor(target.pid));
    const stranger = spawnPuppet(node);
    expect(await stranger.do((self) => self.demonitor(ref, { info: true, flush: true }))).toBe(
      false,
    );
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toHaveLength(1);
  });
});

describe("a monitor that is an alias too", () => {
  interface Outcome {
    readonly beforeDown: readonly unknown[];
    readonly afterDown: readonly unknown[];
    readonly afterDemonitor: readonly unknown[];
  }

  // As OTP 25 answers.
  test.each<[MonitorAlias, Outcome]>([
    [
      "explicit_unalias",
      { beforeDown: [1, 2, "down"], afterDown: ["down", 1], afterDemonitor: [1] },
    ],
    ["demonitor", { beforeDown: [1, 2, "down"], afterDown: ["down"], afterDemonitor: [] }],
    ["reply_demonitor", { beforeDown: [1], afterDown: ["down"], afterDemonitor: [] }],
  ])("with %s lets through what the table says", async (mode, outcome) => {
    const arrived = async (
      act: (world: ReturnType<typeof createPair>, ref: MonitorRef & never) => Promise<unknown>,
    ): Promise<unknown[]> => {
      const world = createPair();
      const { node, watcher, target } = world;
      const ref = await watcher.do((self) =>
        self.monitor(target.pid, () => "down", { alias: mode }),
      );
      await act(world, ref as never);
      await quiesce();
      return [...node.mailboxOf(watcher.pid)];
    };
    const sendAndEnd = arrived(async ({ node, target }, ref) => {
      node.send(ref, 1);
      node.send(ref, 2);
      node.exit(target.pid, "kill");
    });
    const endAndSend = arrived(async ({ node, target }, ref) => {
      node.exit(target.pid, "kill");
      node.send(ref, 1);
    });
    const demonitorAndSend = arrived(async ({ node, watcher, target }, ref) => {
      await watcher.do((self) => self.demonitor(ref));
      node.send(ref, 1);
      node.exit(target.pid, "kill");
    });
    expect({
      beforeDown: await sendAndEnd,
      afterDown: await endAndSend,
      afterDemonitor: await demonitorAndSend,
    }).toEqual(outcome);
  });

  test("is none unless that was asked for", async () => {
    const { node, events, watcher, target } = createPair();
    const ref = await watcher.do((self) => self.monitor(target.pid));
    node.send(ref, "hello");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "undelivered", message: "hello", why: "alias" }),
    );
  });

  test("goes on watching when the alias is taken back", async () => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) =>
      self.monitor(target.pid, () => "down", { alias: "demonitor" }),
    );
    expect(await watcher.do((self) => self.unalias(ref))).toBe(true);
    node.send(ref, "hello");
    node.exit(target.pid, "boom");
    await quiesce();
    expect(node.mailboxOf(watcher.pid)).toEqual(["down"]);
  });

  test("with explicit_unalias stays an alias until unalias, after demonitor and Down", async () => {
    const { node, watcher, target } = createPair();
    const ref = await watcher.do((self) =>
      self.monitor(target.pid, () => "down", { alias: "explicit_unalias" }),
    );
    await watcher.do((self) => self.demonitor(ref));
    node.exit(target.pid, "kill");
    node.send(ref, "hello");
    const unaliased = await watcher.do((self) => [self.unalias(ref), self.unalias(ref)]);
    node.send(ref, "too late");
    expect([node.mailboxOf(watcher.pid), unaliased]).toEqual([["hello"], [true, false]]);
  });
});

describe("monitors, in every order in which their signals can arrive", () => {
  type Act = "monitor" | "demonitor" | "flush" | "down";

  /** Carries out what it is sent, and remembers that and what it was told. */
  function watcher(log: Act[], target: AnyPid): Handler<Act, MonitorRef | undefined> {
    return {
      init: () => undefined,
      message: (ref, act, self) => {
        log.push(act);
        switch (act) {
          case "monitor":
            return self.monitor(target, () => "down");
          case "demonitor":
          case "flush":
            if (ref !== undefined) self.demonitor(ref, { flush: act === "flush" });
            return ref;
          case "down":
            return ref;
          default:
            return act satisfies never;
        }
      },
    };
  }

  function explore(
    acts: readonly Act[],
    check: (log: readonly Act[], monitoredBy: readonly AnyPid[] | undefined) => boolean,
    { ends = true } = {},
  ): Promise<number> {
    return exploreAll<{ target: Pid<string>; watcher: Pid<Act>; log: Act[] }>({
      setUp: (node) => {
        const target = node.spawn<string>({
          init: () => null,
          message: (_state, _exit, self) => self.exit("boom"),
        });
        const log: Act[] = [];
        return { target, watcher: node.spawn(watcher(log, target)), log };
      },
      act: ({ target, watcher }, node) => {
        for (const act of acts) node.send(watcher, act);
        if (ends) node.send(target, "exit");
      },
      check: ({ log, target }, node, order) => {
        if (node.isAlive(target) === ends) throw new Error("it was to end, or was not");
        if (!check(log, node.processInfo(target)?.monitoredBy)) {
          throw new Error(`${JSON.stringify(log)}\n${order()}`);
        }
      },
    });
  }

  const count = (log: readonly Act[], act: Act): number => log.filter((a) => a === act).length;

  test("a monitor tells exactly once, be it set before or after the end", async () => {
    expect(await explore(["monitor"], (log) => count(log, "down") === 1)).toBe(2);
    await explore(["monitor", "monitor"], (log) => count(log, "down") === 2);
  });

  test.each<Act>(["demonitor", "flush"])("after %s has returned no Down arrives", async (act) => {
    const schedules = await explore(["monitor", act], (log) => {
      const down = log.indexOf("down");
      return down === -1 || (down < log.indexOf(act) && count(log, "down") === 1);
    });
    expect(schedules).toBe(7);
  });

  test("one that was taken back leaves nothing behind at the watched process", async () => {
    const acts: Act[] = ["monitor", "demonitor", "monitor", "flush", "monitor"];
    await explore(acts, (_log, monitoredBy) => monitoredBy?.length === 1, { ends: false });
  });

  test("taking one of two back leaves the other: it tells exactly once", async () => {
    await explore(["monitor", "demonitor", "monitor"], (log) => {
      const after = log.slice(log.lastIndexOf("monitor"));
      return count(after, "down") === 1;
    });
  });
});

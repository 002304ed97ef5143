/** What has gone wrong in supervisors, here and elsewhere: each may not do so again. */
import { describe, expect, test } from "@jest/globals";
import {
  name,
  ServerExitError,
  type AnyPid,
  type ExitReason,
  type NodeEvent,
  type Pid,
  type Self,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  countChildren,
  defineServer,
  defineSupervisor,
  deleteChild,
  restartChild,
  startChild,
  startSupervisor,
  startWith,
  terminateChild,
  whichChildren,
  type ChildSpec,
  type ServerSelf,
  type SupervisorPid,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { createWorld, isSettled, type Order, type World } from "./world.js";

const delayed = { initialMs: 100, factor: 1, jitter: 0 };

async function start(
  world: World,
  children: readonly ChildSpec[],
  flags: Omit<SupervisorSpec, "children"> = {},
): Promise<SupervisorPid> {
  const definition = defineSupervisor({ intensity: 100, ...flags, children });
  const supervisor = await startSupervisor(world.node, definition);
  await quiesce();
  world.news();
  return supervisor;
}

/** Why it ended, once all has happened that needs no time; `undefined` while it is alive. */
async function exitOf({ node }: World, pid: AnyPid): Promise<ExitReason | undefined> {
  let reason: ExitReason | undefined;
  void node.whenExited(pid).then((told) => (reason = told));
  await quiesce();
  return reason;
}

describe("a delayed restart", () => {
  test("is not lost when the child fails again in the delay, started by hand meanwhile", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", backoff: delayed })]);
    await world.end(supervisor, "a", "first");
    await world.clock.advance(50);
    await terminateChild(world.node, supervisor, "a");
    await restartChild(world.node, supervisor, "a");
    await world.end(supervisor, "a", "second");
    expect(world.news()).toEqual(["-a first", "+a", "-a second"]);
    // The first delay would have been over now; it is the second that counts.
    await world.clock.advance(99);
    expect(world.news()).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["+a"]);
    await world.clock.advance(1_000);
    expect(world.news()).toEqual([]);
  });

  test("that fails to start is delayed again, and not lost", async () => {
    const world = createWorld();
    let starts = 0;
    const flaky = startWith<Order>((starter, options) => {
      if (++starts === 2) return { error: "no" };
      return {
        pid: starter.spawnOpt(options, (self: Self<Order>) => world.work(self, "a", "ends")),
      };
    });
    const supervisor = await start(world, [child({ id: "a", backoff: delayed }, flaky)]);
    await world.end(supervisor, "a", "any");
    await world.clock.advance(100);
    expect([starts, world.news()]).toEqual([2, ["-a any"]]);
    await world.clock.advance(100);
    expect([starts, world.news()]).toEqual([3, ["+a"]]);
  });

  test("never revives a child that was removed, or the one that took its place", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", backoff: delayed })]);
    await world.end(supervisor, "a", "any");
    await terminateChild(world.node, supervisor, "a");
    await deleteChild(world.node, supervisor, "a");
    await world.clock.advance(60);
    world.news();
    await startChild(world.node, supervisor, world.worker({ id: "a", backoff: delayed }));
    await world.end(supervisor, "a", "again");
    expect(world.news()).toEqual(["+a", "-a again"]);
    // The old timer would fire now.
    await world.clock.advance(40);
    expect(world.news()).toEqual([]);
    await world.clock.advance(60);
    expect(world.news()).toEqual(["+a"]);
  });

  test("is not brought forward by a message that somebody forged", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", backoff: delayed })]);
    for (const generation of [0, 1, 2]) {
      world.node.send(supervisor as Pid<unknown>, { type: "restartDue", generation });
    }
    await quiesce();
    expect(world.news()).toEqual([]);
    expect((await whichChildren(world.node, supervisor))[0]?.status).toBe("running");
  });
});

describe("the old incarnation", () => {
  test("has run its terminate to the end before init of the new one begins", async () => {
    const world = createWorld();
    const { journal } = world;
    const slow = defineServer({
      init: (self: ServerSelf) => {
        self.trapExits();
        journal.push("init");
        return null;
      },
      cast: { fail: () => ({ stop: "failed" }) },
      terminate: async (_state, reason, self) => {
        journal.push("terminate begins");
        await self.sleep(50);
        journal.push(`terminate ends: ${String(reason)}`);
      },
    });
    const sibling = child("slow", slow);
    const supervisor = await start(world, [world.worker("a"), sibling], {
      strategy: "one_for_all",
    });
    journal.length = 0;
    await world.end(supervisor, "a", "any");
    await world.clock.advance(50);
    const own = journal.filter((entry) => !entry.endsWith("a") && !entry.startsWith("-"));
    expect(own).toEqual(["terminate begins", "terminate ends: shutdown", "init"]);
  });

  test("has left its name when the new one registers", async () => {
    const world = createWorld();
    const Worker = name<Order>("worker");
    const supervisor = await start(world, [world.worker({ id: "a", name: Worker })]);
    const holders = new Set<AnyPid | undefined>([world.node.whereis(Worker)]);
    for (let round = 0; round < 5; round++) {
      await world.end(supervisor, "a", "any");
      const holder = world.node.whereis(Worker);
      expect(holder).toBe(await world.pidOf(supervisor, "a"));
      holders.add(holder);
    }
    expect(holders.size).toBe(6);
  });

  test("that failed to start has left its name, too", async () => {
    const world = createWorld();
    const Worker = name<never>("worker");
    let fails = true;
    const server = defineServer({ init: () => (fails ? { stop: "no" } : null) });
    const supervisor = await start(world, []);
    const spec = child({ id: "a", name: Worker as never }, server);
    expect(await startChild(world.node, supervisor, spec)).toEqual({
      ok: false,
      error: "start_failed",
      reason: "no",
    });
    expect(world.node.whereis(Worker)).toBeUndefined();
    fails = false;
    expect(await startChild(world.node, supervisor, spec)).toMatchObject({ ok: true });
    expect(world.node.whereis(Worker)).toBe((await whichChildren(world.node, supervisor))[0]?.pid);
  });
});

describe("a supervisor that is told to stop", () => {
  test("in the middle of a restart ends its children when that is done, and starts nothing more", async () => {
    const world = createWorld();
    const supervisor = await start(
      world,
      [world.worker("a"), world.worker({ id: "b", shutdown: 100 }, "ignores")],
      { strategy: "one_for_all" },
    );
    await world.end(supervisor, "a", "any");
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(100);
    await world.clock.advance(100);
    expect(await isSettled(ended)).toBe(true);
    expect(await ended).toBe("shutdown");
    expect(world.journal.filter((entry) => entry.startsWith("-a"))).toHaveLength(2);
    expect(world.node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test("before the next attempt of a restart that failed makes no more attempts", async () => {
    const world = createWorld();
    let starts = 0;
    const parent: { pid?: SupervisorPid } = {};
    const failing = startWith<Order>((starter, options) => {
      if (++starts > 1) {
        world.node.exit(parent.pid as SupervisorPid, "shutdown");
        return { error: "no" };
      }
      return {
        pid: starter.spawnOpt(options, (self: Self<Order>) => world.work(self, "a", "ends")),
      };
    });
    parent.pid = await start(world, [child("a", failing)]);
    await world.end(parent.pid, "a", "any");
    expect(await exitOf(world, parent.pid)).toBe("noproc");
    expect(starts).toBe(2);
  });

  /** A server whose `init` takes that long. */
  const initialising = (ms: number) =>
    defineServer({
      init: async (self: ServerSelf) => {
        await self.sleep(ms);
        return null;
      },
    });

  test("while a child is in its init stops that when it is done, as in OTP", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")]);
    const started = startChild(world.node, supervisor, child("slow", initialising(500)));
    started.catch(() => undefined);
    await quiesce();
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(499);
    expect(await isSettled(ended)).toBe(false);
    await world.clock.advance(1);
    expect(await ended).toBe("shutdown");
    expect(world.news()).toEqual(["-a shutdown"]);
    expect(world.node.counts.processes).toBe(0);
  });

  test("while a child hangs in its init is held by it no longer than its startTimeoutMs", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")]);
    const hanging = child({ id: "hanging", startTimeoutMs: 300 }, initialising(1_000_000));
    const started = startChild(world.node, supervisor, hanging);
    await quiesce();
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(300);
    expect(await started).toEqual({ ok: false, error: "start_failed", reason: "timeout" });
    expect(await ended).toBe("shutdown");
    expect(world.node.counts.processes).toBe(0);
  });

  test("and killed while a child hangs in its init takes that with it", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")]);
    const hanging = child("hanging", initialising(1_000_000));
    const started = startChild(world.node, supervisor, hanging).catch((error: unknown) => error);
    await quiesce();
    world.node.exit(supervisor, "kill");
    expect(await started).toBeInstanceOf(ServerExitError);
    await quiesce();
    expect(world.node.counts.processes).toBe(0);
  });
});

describe("a child that does as it likes", () => {
  test("and unlinks itself is stopped with the others all the same", async () => {
    const world = createWorld();
    const leaving = child("a", async (self: Self<Order>) => {
      for (const parent of self.processInfo(self.pid)?.links ?? []) self.unlink(parent);
      await world.work(self, "a", "ends");
    });
    const supervisor = await start(world, [leaving, world.worker("b")]);
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    expect(await ended).toBe("shutdown");
    expect(world.news()).toEqual(["-b shutdown", "-a shutdown"]);
  });

  test("and unlinks itself is not missed when it ends, as in OTP, until somebody stops it by hand", async () => {
    const world = createWorld();
    const { node } = world;
    const leaving = child("a", async (self: Self<Order>) => {
      for (const parent of self.processInfo(self.pid)?.links ?? []) self.unlink(parent);
      await world.work(self, "a", "ends");
    });
    const supervisor = await start(world, [leaving]);
    await world.end(supervisor, "a", "any");
    expect(world.news()).toEqual(["-a any"]);
    expect(await countChildren(node, supervisor)).toMatchObject({ specs: 1, active: 0 });
    expect(await restartChild(node, supervisor, "a")).toEqual({ ok: false, error: "running" });
    expect(await terminateChild(node, supervisor, "a")).toEqual({ ok: true });
    expect(await restartChild(node, supervisor, "a")).toMatchObject({ ok: true });
    expect(world.news()).toEqual(["+a"]);
  });

  test("and traps exits and ignores its shutdown is killed, and reported", async () => {
    const world = createWorld();
    const reports: unknown[] = [];
    world.node.events.subscribe((event) => {
      if (event.type === "report") reports.push(event.report.data);
    });
    const stubborn = world.worker({ id: "a", shutdown: 100 }, "ignores");
    const supervisor = await start(world, [stubborn]);
    const terminated = terminateChild(world.node, supervisor, "a");
    await world.clock.advance(100);
    expect(await terminated).toEqual({ ok: true });
    expect(world.news()).toEqual(["-a killed"]);
    expect(reports.at(-1)).toMatchObject({
      path: "supervisor",
      report: { type: "shutdownFailed", id: "a", reason: "killed" },
    });
  });
});

describe("restart intensity", () => {
  test.each<[number, boolean]>([
    [999, true],
    [1_000, true],
    [1_001, false],
  ])("counts a restart %d ms ago in a period of 1000: %s", async (ms, counts) => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")], { intensity: 1, periodMs: 1_000 });
    await world.end(supervisor, "a", "any");
    await world.clock.advance(ms);
    await world.end(supervisor, "a", "any");
    expect(world.node.isAlive(supervisor)).toBe(!counts);
  });
});

describe("the restart of a group", () => {
  test("goes on when another of its children dies in the middle of it", async () => {
    const world = createWorld();
    const supervisor = await start(
      world,
      [world.worker("a"), world.worker("b"), world.worker({ id: "c", shutdown: 100 }, "ignores")],
      { strategy: "one_for_all" },
    );
    const b = await world.pidOf(supervisor, "b");
    await world.end(supervisor, "a", "any");
    // It waits for `c`; `b` is still to be stopped.
    world.node.exit(b, "kill");
    await world.clock.advance(100);
    expect(world.news()).toEqual(["-a any", "-b killed", "-c killed", "+a", "+b", "+c"]);
    expect(await whichChildren(world.node, supervisor)).toMatchObject([
      { id: "a", restarts: 1 },
      { id: "b", restarts: 1 },
      { id: "c", restarts: 1 },
    ]);
  });

  test("is done again when a child of it dies that has just been started", async () => {
    const world = createWorld();
    let starts = 0;
    const brittle = child("a", async (self: Self<Order>) => {
      if (++starts === 2) self.exit("stillborn");
      await world.work(self, "a", "ends");
    });
    const supervisor = await start(world, [brittle, world.worker("b")], {
      strategy: "one_for_all",
    });
    await world.end(supervisor, "b", "any");
    expect(starts).toBe(3);
    const running = (await whichChildren(world.node, supervisor)).map(({ status }) => status);
    expect(running).toEqual(["running", "running"]);
  });
});

describe("what waits for a child when it dies", () => {
  const counter = defineServer({
    init: () => 0,
    call: { never: () => undefined },
    cast: { fail: () => ({ stop: "failed" }) },
  });

  test("is told at once, with the reason, although the child is restarted", async () => {
    const { node } = createWorld();
    const Counter = name<never>("counter");
    const tree = defineSupervisor({
      children: [child({ id: "a", name: Counter as never }, counter)],
    });
    await startSupervisor(node, tree);
    const pid = node.whereis(Counter) as never as Pid<never>;
    const pending = node.call(pid, ["never"] as never, { timeoutMs: Infinity });
    node.cast(pid, ["fail"] as never);
    await expect(pending).rejects.toMatchObject({ name: "ServerExitError", reason: "failed" });
    expect(node.whereis(Counter)).not.toBe(pid);
  });

  test("and its messages are told as undelivered, each with its sender", async () => {
    const { node } = createWorld();
    const undelivered: Extract<NodeEvent, { type: "undelivered" }>[] = [];
    node.events.subscribe((event) => {
      if (event.type === "undelivered") undelivered.push(event);
    });
    const deaf = child("a", async (self: Self<string>) => {
      await self.receive((message) => message === "end");
      throw new Error("deaf");
    });
    const supervisor = await startSupervisor(node, defineSupervisor({ children: [deaf] }));
    await quiesce();
    const [first] = await whichChildren(node, supervisor);
    const pid = first?.pid as AnyPid as Pid<string>;
    const sender = node.spawn((self: Self<never>) => {
      for (const message of ["one", "two", "end"]) self.send(pid, message);
    });
    await quiesce();
    expect(undelivered).toEqual([
      { type: "undelivered", to: pid, from: sender, message: "one", why: "dead" },
      { type: "undelivered", to: pid, from: sender, message: "two", why: "dead" },
    ]);
    expect(node.counts.undelivered).toBe(2);
  });
});

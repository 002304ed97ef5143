import { describe, expect, test } from "@jest/globals";
import {
  name,
  type AnyPid,
  type ExitReason,
  type Pid,
  type Self,
  type Startable,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  childTemplate,
  countChildren,
  defineDynamicSupervisor,
  deleteChild,
  getChildSpec,
  InvalidChildSpecError,
  restartChild,
  startChild,
  startSupervisor,
  startWith,
  sys,
  terminateChild,
  whichChildren,
  type DynamicSupervisorPid,
  type DynamicSupervisorSpec,
  type SupervisorPid,
  type TemplateOptions,
} from "@coppice/supervisor";
import { boom, createWorld, isSettled, type Manner, type Order, type World } from "./world.js";

type Sessions = DynamicSupervisorPid<Order, [id: string]>;

/** A supervisor of workers that are called as the argument of their start says. */
async function startSessions(
  world: World,
  template: Omit<TemplateOptions, "id"> = {},
  flags: Omit<DynamicSupervisorSpec, "child"> = {},
  manner: Manner = "ends",
): Promise<Sessions> {
  const work = async (self: Self<Order>, how: Manner, id: string): Promise<void> => {
    await world.work(self, id, how);
  };
  const child = childTemplate({ id: "session", ...template }, work, manner);
  const definition = defineDynamicSupervisor({ intensity: 100, ...flags, child });
  return startSupervisor(world.node, definition);
}

async function add(world: World, supervisor: Sessions, id: string): Promise<Pid<Order>> {
  const result = await startChild(world.node, supervisor, [id]);
  if (!result.ok || result.pid === undefined) throw new Error(`${id} did not start`);
  await quiesce();
  return result.pid;
}

async function end(world: World, pid: Pid<Order>, reason: ExitReason): Promise<void> {
  world.node.send(pid, { type: "exit", reason });
  await quiesce();
}

/** The reports of this type, as they come. */
function reportsOf({ node }: World, type: string): readonly unknown[] {
  const reports: unknown[] = [];
  node.events.subscribe((event) => {
    if (event.type !== "report") return;
    const { report } = event.report.data as { readonly report: { readonly type: string } };
    if (report.type === type) reports.push(report);
  });
  return reports;
}

async function pidsOf({ node }: World, supervisor: Sessions): Promise<(AnyPid | undefined)[]> {
  return (await whichChildren(node, supervisor)).map(({ pid }) => pid);
}

describe("children of a dynamic supervisor", () => {
  test("are started with the arguments of the template and of the start", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world);
    expect(await pidsOf(world, supervisor)).toEqual([]);
    const a = await add(world, supervisor, "a");
    const b = await add(world, supervisor, "b");
    expect(world.news()).toEqual(["+a", "+b"]);
    expect(await whichChildren(world.node, supervisor)).toMatchObject([
      { id: "session", pid: a, status: "running", type: "worker", incarnation: 1, restarts: 0 },
      { id: "session", pid: b, status: "running", type: "worker", incarnation: 1, restarts: 0 },
    ]);
  });

  test("are restarted with their own arguments, each for itself", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world);
    const a = await add(world, supervisor, "a");
    const b = await add(world, supervisor, "b");
    world.news();
    await end(world, a, "any");
    expect(world.news()).toEqual(["-a any", "+a"]);
    const [first, second] = await whichChildren(world.node, supervisor);
    expect(first).toMatchObject({ pid: b, restarts: 0 });
    expect(second).toMatchObject({ incarnation: 2, restarts: 1, lastExit: "any" });
  });

  test.each<["permanent" | "transient" | "temporary", ExitReason, boolean]>([
    ["permanent", "normal", true],
    ["permanent", { error: boom }, true],
    ["transient", "normal", false],
    ["transient", { shutdown: 1 }, false],
    ["transient", "any", true],
    ["temporary", "any", false],
  ])("that are %s and end with %j are restarted: %s", async (restart, reason, restarted) => {
    const world = createWorld();
    const supervisor = await startSessions(world, { restart });
    await end(world, await add(world, supervisor, "a"), reason);
    expect((await pidsOf(world, supervisor)).length).toBe(restarted ? 1 : 0);
  });

  test("that ignore their start, or fail, are not kept", async () => {
    const { node } = createWorld();
    const outcomes = { ignores: "ignore", fails: { error: "no" } } as const;
    const starting = startWith<never, [how: keyof typeof outcomes]>(
      (_, _options, how) => outcomes[how],
    );
    const definition = defineDynamicSupervisor({ child: childTemplate("a", starting) });
    const supervisor = await startSupervisor(node, definition);
    expect(await startChild(node, supervisor, ["ignores"])).toEqual({ ok: true, pid: undefined });
    expect(await startChild(node, supervisor, ["fails"])).toEqual({
      ok: false,
      error: "start_failed",
      reason: "no",
    });
    expect(await whichChildren(node, supervisor)).toEqual([]);
  });

  test("are no more than maxChildren, and one that ended makes room", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { restart: "temporary" }, { maxChildren: 2 });
    const a = await add(world, supervisor, "a");
    await add(world, supervisor, "b");
    const full = { ok: false, error: "max_children" };
    expect(await startChild(world.node, supervisor, ["c"])).toEqual(full);
    await end(world, a, "normal");
    expect(await startChild(world.node, supervisor, ["c"])).toMatchObject({ ok: true });
    expect(await startChild(world.node, supervisor, ["d"])).toEqual(full);
  });

  test("are counted: one spec, those that run, and all of the template's type", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { backoff: { initialMs: 10, jitter: 0 } });
    const a = await add(world, supervisor, "a");
    await add(world, supervisor, "b");
    await end(world, a, "any");
    const counts = { specs: 1, active: 1, supervisors: 0, workers: 2 };
    expect(await countChildren(world.node, supervisor)).toEqual(counts);
  });

  test("that are supervisors are stopped with all the time they need, and counted so", async () => {
    const world = createWorld();
    const inner = defineDynamicSupervisor({ child: childTemplate("leaf", async () => undefined) });
    const outer = defineDynamicSupervisor({ child: childTemplate("inner", inner) });
    const supervisor = await startSupervisor(world.node, outer);
    const started = await startChild(world.node, supervisor, []);
    const counts = { specs: 1, active: 1, supervisors: 1, workers: 0 };
    expect(await countChildren(world.node, supervisor)).toEqual(counts);
    if (!started.ok || started.pid === undefined) throw new Error("not started");
    const spec = await getChildSpec(world.node, supervisor, started.pid);
    expect(spec).toMatchObject({ id: "inner", type: "supervisor", shutdown: "infinity" });
  });
});

describe("a child that is stopped by its pid", () => {
  test("ends as its shutdown says, and is not there any more", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { shutdown: 100 }, {}, "ignores");
    const a = await add(world, supervisor, "a");
    const terminated = terminateChild(world.node, supervisor, a);
    await world.clock.advance(99);
    expect(await isSettled(terminated)).toBe(false);
    await world.clock.advance(1);
    expect(await terminated).toEqual({ ok: true });
    expect(world.news()).toEqual(["+a", "-a killed"]);
    expect(await pidsOf(world, supervisor)).toEqual([]);
  });

  test("and is none of its children: not_found while it is alive, as in OTP no error afterwards", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world);
    const stranger = world.node.spawn<unknown>(async (self) => void (await self.receive()));
    const ask = (): Promise<unknown> => terminateChild(world.node, supervisor, stranger);
    expect(await ask()).toEqual({ ok: false, error: "not_found" });
    expect(await getChildSpec(world.node, supervisor, stranger)).toBeUndefined();
    world.node.exit(stranger, "kill");
    expect(await ask()).toEqual({ ok: true });
    expect(await getChildSpec(world.node, supervisor, stranger)).toMatchObject({ id: "session" });
  });

  test("what is asked for by an id is answered by simple_one_for_one", async () => {
    const world = createWorld();
    const supervisor = (await startSessions(world)) as unknown as SupervisorPid;
    const refused = { ok: false, error: "simple_one_for_one" };
    expect(await terminateChild(world.node, supervisor, "session")).toEqual(refused);
    expect(await restartChild(world.node, supervisor, "session")).toEqual(refused);
    expect(await deleteChild(world.node, supervisor, "session")).toEqual(refused);
    expect(await getChildSpec(world.node, supervisor, "session")).toMatchObject({ id: "session" });
    expect(await getChildSpec(world.node, supervisor, "other")).toBeUndefined();
  });
});

describe("a restart that fails", () => {
  /** Starts all right the first time, and fails then for so many times. */
  function failing(times: number): ReturnType<typeof startWith<Order, [id: string]>> {
    let starts = 0;
    return startWith((starter, options) => {
      const start = starts++;
      if (start > 0 && start <= times) return { error: "no" };
      return {
        pid: starter.spawnOpt(options, async (self: Self<Order>) => void (await self.receive())),
      };
    });
  }

  test("is tried again until it works, and each attempt counts", async () => {
    const { node } = createWorld();
    const child = childTemplate("a", failing(2));
    const supervisor = await startSupervisor(
      node,
      defineDynamicSupervisor({ intensity: 3, child }),
    );
    const started = await startChild(node, supervisor, ["a"]);
    if (!started.ok || started.pid === undefined) throw new Error("not started");
    node.send(started.pid, { type: "exit", reason: "any" });
    await quiesce();
    expect(await whichChildren(node, supervisor)).toMatchObject([
      { status: "running", incarnation: 4, restarts: 1 },
    ]);
    const { restarts } = await sys.getState<{ restarts: number[] }>(node, supervisor);
    expect(restarts).toHaveLength(3);
  });

  test("by ignoring it leaves the child without a pid, counted as in OTP, and no room is lost", async () => {
    const { node } = createWorld();
    let starts = 0;
    const fickle = startWith<unknown, [id: string]>((starter, options) =>
      ++starts % 2 === 0
        ? "ignore"
        : { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) },
    );
    const child = childTemplate("a", fickle);
    const flags = { intensity: 9, maxChildren: 1 };
    const supervisor = await startSupervisor(node, defineDynamicSupervisor({ ...flags, child }));
    for (let round = 0; round < 2; round++) {
      const started = await startChild(node, supervisor, ["a"]);
      if (!started.ok || started.pid === undefined) throw new Error("not started");
      node.exit(started.pid, "kill");
      await quiesce();
      expect(await whichChildren(node, supervisor)).toMatchObject([
        { pid: undefined, status: "stopped", lastExit: "killed" },
      ]);
      const counts = { specs: 1, active: 1, supervisors: 0, workers: 1 };
      expect(await countChildren(node, supervisor)).toEqual(counts);
    }
    const ended = node.whenExited(supervisor);
    node.exit(supervisor, "shutdown");
    expect(await ended).toBe("shutdown");
  });

  test("once too often ends the supervisor with shutdown", async () => {
    const { node } = createWorld();
    const child = childTemplate("a", failing(9));
    const supervisor = await startSupervisor(
      node,
      defineDynamicSupervisor({ intensity: 3, child }),
    );
    const started = await startChild(node, supervisor, ["a"]);
    if (!started.ok || started.pid === undefined) throw new Error("not started");
    const ended = node.whenExited(supervisor);
    node.send(started.pid, { type: "exit", reason: "any" });
    expect(await ended).toBe("shutdown");
  });
});

describe("a backoff", () => {
  const backoff = { initialMs: 100, maxMs: 300, jitter: 0, resetAfterMs: 1_000 };

  test("delays each child's restarts for itself, longer each time, until it has run long enough", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { backoff });
    await add(world, supervisor, "a");
    const delays: number[] = [];
    for (const ranMs of [0, 0, 0, 999, 1_000]) {
      await world.clock.advance(ranMs);
      const [pid] = await pidsOf(world, supervisor);
      await end(world, pid as Pid<Order>, "any");
      const [waiting] = await whichChildren(world.node, supervisor);
      expect(waiting).toMatchObject({ status: "restarting", pid: undefined });
      delays.push(waiting?.restartInMs as number);
      await world.clock.advance(delays.at(-1) as number);
    }
    expect(delays).toEqual([100, 200, 300, 300, 100]);
  });

  test("of a child that is stopped meanwhile, by the pid that it had, never starts it", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { backoff });
    const a = await add(world, supervisor, "a");
    await end(world, a, "any");
    expect(await terminateChild(world.node, supervisor, a)).toEqual({ ok: true });
    expect(world.node.counts.timers).toBe(0);
    await world.clock.advance(1_000);
    expect(world.journal).toEqual(["+a", "-a any"]);
    expect(await pidsOf(world, supervisor)).toEqual([]);
  });
});

describe("the end of a child", () => {
  test.each<["transient" | "temporary" | "permanent", ExitReason, boolean]>([
    ["temporary", "normal", false],
    ["temporary", "shutdown", false],
    ["temporary", { shutdown: "done" }, false],
    ["temporary", "any", true],
    ["transient", "normal", false],
    ["transient", "any", true],
    ["permanent", "normal", true],
  ])("that is %s, by %j, is reported: %s", async (restart, reason, isReported) => {
    const world = createWorld();
    const reports = reportsOf(world, "childTerminated");
    const supervisor = await startSessions(world, { restart });
    const pid = await add(world, supervisor, "a");
    await end(world, pid, reason);
    expect(reports).toEqual(isReported ? [expect.objectContaining({ pid, reason })] : []);
  });
});

describe("a restart that fails, and fails again,", () => {
  /** Starts at once, fails so often, and starts again. */
  async function startFailing(backoff?: TemplateOptions["backoff"]) {
    const world = createWorld();
    const reports = reportsOf(world, "startFailed");
    let starts = 0;
    const failing: Startable<Order, [id: string]> = {
      start: (starter, options, id) => {
        const now = starts++;
        if (now === 1 || now === 2) return { error: `no ${now}` };
        return {
          pid: starter.spawnOpt(options, (self: Self<Order>) => world.work(self, id, "ends")),
        };
      },
    };
    const template = { id: "session", ...(backoff !== undefined && { backoff }) };
    const supervisor = await startSupervisor(
      world.node,
      defineDynamicSupervisor({
        intensity: 100,
        child: childTemplate<Order, [], [id: string]>(template, failing),
      }),
    );
    const pid = await add(world, supervisor, "a");
    return { world, reports, supervisor, pid };
  }

  test("is told each time, and what comes of it, and made again at once where there is no backoff", async () => {
    const { world, reports, pid } = await startFailing();
    await end(world, pid, "any");
    await quiesce();
    expect(reports).toEqual(
      [1, 2].map((n) => ({
        type: "startFailed",
        id: "session",
        reason: `no ${n}`,
        consequence: { type: "restart" },
      })),
    );
    expect(world.journal).toEqual(["+a", "-a any", "+a"]);
  });

  test("is told each time, and what comes of it, and made again when the backoff is over", async () => {
    const { world, reports, pid } = await startFailing({ initialMs: 100, maxMs: 300, jitter: 0 });
    await end(world, pid, "any");
    for (const [delayMs, failed] of [
      [100, 1],
      [200, 2],
      [300, 2],
    ] as const) {
      expect(world.journal).toEqual(["+a", "-a any"]);
      await world.clock.advance(delayMs);
      expect(reports).toHaveLength(failed);
    }
    expect(reports).toMatchObject([
      { type: "startFailed", reason: "no 1", consequence: { type: "restartLater" } },
      { type: "startFailed", reason: "no 2", consequence: { type: "restartLater" } },
    ]);
    expect(world.journal).toEqual(["+a", "-a any", "+a"]);
  });
});

describe("the end of a dynamic supervisor", () => {
  test("stops all children at once, each with the whole of its time", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { shutdown: 100 }, {}, { endsAfterMs: 60 });
    for (const id of ["a", "b", "c"]) await add(world, supervisor, id);
    world.news();
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(60);
    expect(world.news()).toEqual(["-a shutdown", "-b shutdown", "-c shutdown"]);
    expect(await ended).toBe("shutdown");
  });

  test("kills those that have not ended in time, all in one moment", async () => {
    const world = createWorld();
    const supervisor = await startSessions(world, { shutdown: 100 }, {}, "ignores");
    for (const id of ["a", "b"]) await add(world, supervisor, id);
    world.news();
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(99);
    expect(world.news()).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["-a killed", "-b killed"]);
    expect(world.node.counts).toMatchObject({ processes: 0, timers: 0 });
  });

  test.each<["any_significant" | "all_significant", number]>([
    ["any_significant", 1],
    ["all_significant", 2],
  ])("by autoShutdown %s comes with the end of child %d of two", async (autoShutdown, at) => {
    const world = createWorld();
    const template = { restart: "temporary", significant: true } as const;
    const supervisor = await startSessions(world, template, { autoShutdown });
    const pids = [await add(world, supervisor, "a"), await add(world, supervisor, "b")];
    for (const [index, pid] of pids.entries()) {
      if (index >= at) break;
      expect(world.node.isAlive(supervisor)).toBe(true);
      await end(world, pid, "normal");
    }
    expect(world.node.isAlive(supervisor)).toBe(false);
  });

  test("of many children takes a time in proportion to how many they are", async () => {
    const idle = async (self: Self<never>): Promise<void> => void (await self.receive());
    const durationOf = async (count: number): Promise<number> => {
      const { node } = createWorld();
      const child = childTemplate({ id: "idle", restart: "transient" }, idle);
      const supervisor = await startSupervisor(node, defineDynamicSupervisor({ child }));
      const before = performance.now();
      const starts = Array.from({ length: count }, () => startChild(node, supervisor, []));
      await Promise.all(starts);
      const ended = node.whenExited(supervisor);
      node.exit(supervisor, "shutdown");
      expect(await ended).toBe("shutdown");
      expect(node.counts.processes).toBe(0);
      return performance.now() - before;
    };
    await durationOf(2_000);
    const few = await durationOf(5_000);
    const many = await durationOf(40_000);
    // Eight times as many; quadratic would be 64.
    expect(many / few).toBeLessThan(32);
  });
});

describe("what a dynamic supervisor refuses", () => {
  const idle = async (): Promise<void> => undefined;
  test.each<[string, object, string]>([
    ["maxChildren", { maxChildren: -1 }, "invalid_max_children"],
    ["maxChildren", { maxChildren: 1.5 }, "invalid_max_children"],
    ["intensity", { intensity: -1 }, "invalid_intensity"],
    ["strategy", { strategy: "one_for_all" }, "unknown_field"],
    ["child", { child: undefined }, "invalid_child_spec"],
    ["child.name", { child: { id: "a", start: idle, name: name("a") } }, "invalid_name"],
    [
      "child.significant",
      { child: { id: "a", start: idle, significant: true } },
      "bad_combination",
    ],
  ])("a wrong %s: %j", (path, wrong, rule) => {
    const spec = { child: childTemplate("a", idle), ...wrong };
    let refusal: unknown;
    try {
      defineDynamicSupervisor(spec as never);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(InvalidChildSpecError);
    expect(refusal).toMatchObject({ path, rule });
  });

  test("a definition by a function may say ignore", async () => {
    const { node } = createWorld();
    const definition = defineDynamicSupervisor(() => "ignore");
    await expect(startSupervisor(node, definition)).rejects.toMatchObject({ reason: "ignore" });
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  CallTimeoutError,
  name,
  NoProcessError,
  ServerExitError,
  type ExitReason,
  type Pid,
  type StartResult,
} from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  countChildren,
  defineSupervisor,
  deleteChild,
  getChildSpec,
  InvalidChildSpecError,
  restartChild,
  startChild,
  startSupervisor,
  startWith,
  terminateChild,
  whichChildren,
  type ChildSpec,
  type SupervisorMessage,
  type SupervisorPid,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { createWorld, within, type Order, type World } from "./world.js";

function start(
  { node }: World,
  children: readonly ChildSpec[],
  flags: Omit<SupervisorSpec, "children"> = {},
): Promise<SupervisorPid> {
  return startSupervisor(node, defineSupervisor({ intensity: 100, ...flags, children }));
}

/** A child whose starts come to these results, one after the other; after them it runs. */
function scripted(id: string, ...results: StartResult<Order>[]): ChildSpec<Order> {
  const program = startWith<Order>(
    (starter, options) =>
      results.shift() ?? {
        pid: starter.spawnOpt(options, async (self) => void (await self.receive())),
      },
  );
  return child(id, program);
}

/** A supervisor with the child `a`, running or stopped. */
async function withChild(world: World, status: "running" | "stopped"): Promise<SupervisorPid> {
  const supervisor = await start(world, [world.worker("a")]);
  if (status === "stopped") await terminateChild(world.node, supervisor, "a");
  return supervisor;
}

describe("startChild", () => {
  test("adds a child behind the others and starts it; its pid has the child's type", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")]);
    const result = await startChild(world.node, supervisor, world.worker("b"));
    if (!result.ok || result.pid === undefined) throw new Error("it did not start");
    const pid: Pid<Order> = result.pid;
    world.node.send(pid, { type: "exit", reason: "any" });
    await quiesce();
    expect(world.news()).toEqual(["+a", "+b", "-b any", "+b"]);
    expect((await whichChildren(world.node, supervisor)).map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("hands on what the child has to tell", async () => {
    const world = createWorld();
    const supervisor = await start(world, []);
    const pid = world.node.spawn<Order>(async (self) => void (await self.receive()));
    const talkative = scripted("a", { pid, info: { port: 80 } });
    const result = await startChild(world.node, supervisor, talkative);
    expect(result).toEqual({ ok: true, pid, info: { port: 80 } });
  });

  test("refuses an id that is taken, saying by what", async () => {
    const world = createWorld();
    const running = await withChild(world, "running");
    const pid = await world.pidOf(running, "a");
    const again = world.worker("a");
    expect(await startChild(world.node, running, again)).toEqual({
      ok: false,
      error: "already_started",
      pid,
    });
    const stopped = await withChild(world, "stopped");
    expect(await startChild(world.node, stopped, again)).toEqual({
      ok: false,
      error: "already_present",
    });
  });

  test("a child that fails is not kept", async () => {
    const world = createWorld();
    const supervisor = await start(world, []);
    const failing = scripted("a", { error: "no" });
    expect(await startChild(world.node, supervisor, failing)).toEqual({
      ok: false,
      error: "start_failed",
      reason: "no",
    });
    expect(await whichChildren(world.node, supervisor)).toEqual([]);
  });

  test.each<["permanent" | "temporary", number]>([
    ["permanent", 1],
    ["temporary", 0],
  ])("a %s child that ignores its start is kept: %d", async (restart, kept) => {
    const world = createWorld();
    const supervisor = await start(world, []);
    const ignoring = { ...scripted("a", "ignore"), restart };
    expect(await startChild(world.node, supervisor, ignoring)).toEqual({
      ok: true,
      pid: undefined,
    });
    expect(await whichChildren(world.node, supervisor)).toHaveLength(kept);
  });

  test("refuses a wrong spec before asking anybody", async () => {
    const world = createWorld();
    const supervisor = await start(world, []);
    const wrong = { id: "", start: () => undefined };
    await expect(startChild(world.node, supervisor, wrong)).rejects.toThrow(InvalidChildSpecError);
  });

  test("refuses a significant child when the supervisor never shuts down by itself", async () => {
    const world = createWorld();
    const significant = world.worker({ id: "a", restart: "transient", significant: true });
    const never = await start(world, []);
    await expect(startChild(world.node, never, significant)).rejects.toThrow(
      'child.significant must be false, as the supervisor\'s autoShutdown is "never", but is true',
    );
    const any = await start(world, [], { autoShutdown: "any_significant" });
    expect(await startChild(world.node, any, significant)).toMatchObject({ ok: true });
  });

  test("a temporary child that has ended leaves its id to another, with a new incarnation", async () => {
    const world = createWorld();
    const supervisor = await start(world, []);
    const temporary = world.worker({ id: "a", restart: "temporary" });
    for (const incarnation of [1, 2, 3]) {
      await startChild(world.node, supervisor, temporary);
      expect(await whichChildren(world.node, supervisor)).toMatchObject([{ incarnation }]);
      await world.end(supervisor, "a", "any");
    }
  });
});

describe("terminateChild", () => {
  test("stops a child, and its siblings go on; its spec stays", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a"), world.worker("b")], {
      strategy: "one_for_all",
    });
    world.news();
    expect(await terminateChild(world.node, supervisor, "a")).toEqual({ ok: true });
    expect(world.news()).toEqual(["-a shutdown"]);
    expect(await whichChildren(world.node, supervisor)).toMatchObject([
      { id: "a", status: "stopped", lastExit: "shutdown" },
      { id: "b", status: "running" },
    ]);
  });

  test("of a temporary child nothing stays", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", restart: "temporary" })]);
    expect(await terminateChild(world.node, supervisor, "a")).toEqual({ ok: true });
    expect(await whichChildren(world.node, supervisor)).toEqual([]);
  });

  test("of a child that is stopped already is no error; of none it is", async () => {
    const world = createWorld();
    const supervisor = await withChild(world, "stopped");
    expect(await terminateChild(world.node, supervisor, "a")).toEqual({ ok: true });
    expect(await terminateChild(world.node, supervisor, "b")).toEqual({
      ok: false,
      error: "not_found",
    });
  });
});

describe("restartChild", () => {
  test("starts a stopped child again, which counts as no restart", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a")], { intensity: 0 });
    await terminateChild(world.node, supervisor, "a");
    const result = await restartChild(world.node, supervisor, "a");
    expect(result).toEqual({ ok: true, pid: await world.pidOf(supervisor, "a") });
    expect(await whichChildren(world.node, supervisor)).toMatchObject([
      { restarts: 0, incarnation: 2 },
    ]);
  });

  test("starts a transient child again that has done its work", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", restart: "transient" })]);
    await world.end(supervisor, "a", "normal");
    expect(await restartChild(world.node, supervisor, "a")).toMatchObject({ ok: true });
    expect(world.news()).toEqual(["+a", "-a normal", "+a"]);
  });

  test("refuses a child that runs, and one that does not exist", async () => {
    const world = createWorld();
    const supervisor = await withChild(world, "running");
    const refused = (error: string): object => ({ ok: false, error });
    expect(await restartChild(world.node, supervisor, "a")).toEqual(refused("running"));
    expect(await restartChild(world.node, supervisor, "b")).toEqual(refused("not_found"));
  });

  test("a start that fails or is ignored leaves it stopped", async () => {
    const world = createWorld();
    const supervisor = await start(world, [scripted("a", "ignore", { error: "no" }, "ignore")]);
    expect(await restartChild(world.node, supervisor, "a")).toEqual({
      ok: false,
      error: "start_failed",
      reason: "no",
    });
    expect(await restartChild(world.node, supervisor, "a")).toEqual({ ok: true, pid: undefined });
    expect(await restartChild(world.node, supervisor, "a")).toMatchObject({ ok: true });
  });
});

describe("deleteChild", () => {
  test("removes the spec of a stopped child, and then its id is free", async () => {
    const world = createWorld();
    const supervisor = await withChild(world, "running");
    const refused = (error: string): object => ({ ok: false, error });
    expect(await deleteChild(world.node, supervisor, "a")).toEqual(refused("running"));
    await terminateChild(world.node, supervisor, "a");
    expect(await deleteChild(world.node, supervisor, "a")).toEqual({ ok: true });
    expect(await deleteChild(world.node, supervisor, "a")).toEqual(refused("not_found"));
    expect(await startChild(world.node, supervisor, world.worker("a"))).toMatchObject({ ok: true });
  });
});

describe("a child that is restarting", () => {
  /** A supervisor whose child `a` failed to come back and waits for the next attempt, as requests see it. */
  async function asked<T>(
    ask: (world: World, supervisor: SupervisorPid) => Promise<T>,
  ): Promise<T> {
    const world = createWorld();
    let finish!: (result: StartResult<Order>) => void;
    const slow = new Promise<StartResult<Order>>((resolve) => (finish = resolve));
    let starts = 0;
    const program = startWith<Order>((starter, options) =>
      starts++ === 1
        ? slow
        : { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) },
    );
    const supervisor = await start(world, [child("a", program)]);
    await world.end(supervisor, "a", "any");
    // It comes before the next attempt, for it is in the mailbox when that is decided on.
    const answer = ask(world, supervisor);
    await quiesce();
    finish({ error: "no" });
    return answer;
  }

  test("is shown as such, without a pid", async () => {
    const shown = await asked(({ node }, supervisor) => whichChildren(node, supervisor));
    expect(shown).toMatchObject([{ status: "restarting", pid: undefined, restarts: 0 }]);
  });

  test.each<[string, (world: World, supervisor: SupervisorPid) => Promise<unknown>, object]>([
    ["restarted", ({ node }, sup) => restartChild(node, sup, "a"), { error: "restarting" }],
    ["deleted", ({ node }, sup) => deleteChild(node, sup, "a"), { error: "restarting" }],
    [
      "added",
      ({ node, worker }, sup) => startChild(node, sup, worker("a")),
      { error: "already_present" },
    ],
  ])("cannot be %s", async (_what, ask, refused) => {
    expect(await asked(ask)).toEqual({ ok: false, ...refused });
  });

  test("can be terminated, and is not started any more", async () => {
    const children = await asked(async ({ node }, supervisor) => {
      const terminated = terminateChild(node, supervisor, "a");
      const shown = whichChildren(node, supervisor);
      expect(await terminated).toEqual({ ok: true });
      await shown;
      await quiesce();
      return whichChildren(node, supervisor);
    });
    expect(children).toMatchObject([{ status: "stopped", incarnation: 2 }]);
  });
});

describe("what a supervisor tells of its children", () => {
  test("getChildSpec fills in the defaults", async () => {
    const world = createWorld();
    const Worker = name<Order>("worker");
    const supervisor = await start(world, [
      world.worker({ id: "a", restart: "transient", shutdown: "brutal_kill", name: Worker }),
      child("sub", defineSupervisor({ children: [] })),
    ]);
    expect(await getChildSpec(world.node, supervisor, "a")).toEqual({
      id: "a",
      restart: "transient",
      shutdown: "brutal_kill",
      type: "worker",
      significant: false,
      startTimeoutMs: Infinity,
      backoff: undefined,
      name: Worker,
      label: "a",
    });
    expect(await getChildSpec(world.node, supervisor, "sub")).toMatchObject({
      shutdown: "infinity",
      type: "supervisor",
    });
    expect(await getChildSpec(world.node, supervisor, "b")).toBeUndefined();
  });

  test("countChildren counts specs, live children, supervisors and workers", async () => {
    const world = createWorld();
    const { worker } = world;
    const supervisor = await start(world, [
      worker("a"),
      worker({ id: "b", restart: "transient" }),
      child("sub", defineSupervisor({ children: [] })),
    ]);
    await world.end(supervisor, "b", "normal");
    const counts = { specs: 3, active: 2, supervisors: 1, workers: 2 };
    expect(await countChildren(world.node, supervisor)).toEqual(counts);
  });

  test("a process asks like the node, and by name like by pid", async () => {
    const world = createWorld();
    const App = name<SupervisorMessage>("app");
    const tree = defineSupervisor({ children: [world.worker("a")] });
    await startSupervisor(world.node, tree, { name: App });
    const { result } = within(world.node, (self) => whichChildren(self, App));
    expect(await result).toMatchObject([{ id: "a" }]);
  });
});

describe("a supervisor that cannot answer", () => {
  test.each<[string, ExitReason]>([
    ["is gone", "shutdown"],
    ["was killed", "kill"],
  ])("when it %s, the call says so", async (_what, reason) => {
    const world = createWorld();
    const supervisor = await start(world, []);
    world.node.exit(supervisor, reason);
    await quiesce();
    await expect(whichChildren(world.node, supervisor)).rejects.toThrow(NoProcessError);
  });

  test("ending while it is asked, it tells its exit reason", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a", { endsAfterMs: 10 })]);
    world.node.exit(supervisor, "shutdown");
    const asked = countChildren(world.node, supervisor);
    asked.catch(() => undefined);
    await world.clock.advance(10);
    await expect(asked).rejects.toThrow(ServerExitError);
  });

  test("is waited for without a limit, unless one is set", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", shutdown: 60_000 }, "ignores")]);
    const terminated = terminateChild(world.node, supervisor, "a");
    const limited = whichChildren(world.node, supervisor, { timeoutMs: 100 });
    limited.catch(() => undefined);
    await world.clock.advance(60_000);
    await expect(limited).rejects.toThrow(CallTimeoutError);
    expect(await terminated).toEqual({ ok: true });
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  CallCycleError,
  keyOf,
  name,
  NodeStoppedError,
  StartError,
  type AnyPid,
  type ExitReason,
  type NodeEvent,
  type Self,
} from "@coppice/core";
import { createFifoScheduler, createVirtualClock, quiesce } from "@coppice/testkit";
import {
  child,
  defineSupervisor,
  InvalidChildSpecError,
  startChild,
  startSupervisor,
  startWith,
  terminateChild,
  whichChildren,
  type ChildSpec,
  type Restart,
  type Strategy,
  type SupervisorMessage,
  type SupervisorPid,
  type SupervisorReported,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { boom, createWorld, isSettled, within, type Order, type World } from "./world.js";

const CRASH = "Error: boom";

function start(
  { node }: World,
  children: readonly ChildSpec[],
  flags: Omit<SupervisorSpec, "children"> = {},
): Promise<SupervisorPid> {
  return startSupervisor(node, defineSupervisor({ intensity: 100, ...flags, children }));
}

/** Starts workers of these ids. */
async function startWorkers(
  world: World,
  ids: string,
  flags: Omit<SupervisorSpec, "children"> = {},
): Promise<SupervisorPid> {
  const supervisor = await start(
    world,
    [...ids].map((id) => world.worker(id)),
    flags,
  );
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

async function ids({ node }: World, supervisor: SupervisorPid): Promise<string> {
  return (await whichChildren(node, supervisor)).map(({ id }) => id).join("");
}

describe("start and stop", () => {
  test("children start in order and stop in the reverse, one after the other", async () => {
    const world = createWorld();
    const slow = world.worker("b", { endsAfterMs: 50 });
    const supervisor = await start(world, [world.worker("a"), slow, world.worker("c")]);
    expect(world.news()).toEqual(["+a", "+b", "+c"]);
    world.node.exit(supervisor, "shutdown");
    await quiesce();
    expect(world.news()).toEqual(["-c shutdown"]);
    await world.clock.advance(50);
    expect(world.news()).toEqual(["-b shutdown", "-a shutdown"]);
    expect(await exitOf(world, supervisor)).toBe("noproc");
  });

  test("the node's stop is orderly, through all levels", async () => {
    const world = createWorld();
    const { node, worker } = world;
    const inner = defineSupervisor({ children: [worker("b"), worker("c")] });
    await start(world, [worker("a"), child("inner", inner), worker("d")]);
    world.news();
    expect(await node.stop()).toEqual({ killed: [] });
    expect(world.news()).toEqual(["-d shutdown", "-c shutdown", "-b shutdown", "-a shutdown"]);
  });

  test.each<ExitReason>(["normal", "shutdown", { shutdown: "done" }, "any"])(
    "its parent's exit signal %j ends it with that reason, and its children with shutdown",
    async (reason) => {
      const world = createWorld();
      const supervisor = await startWorkers(world, "ab");
      const ended = world.node.whenExited(supervisor);
      world.node.exit(supervisor, reason);
      expect(await ended).toEqual(reason);
      expect(world.news()).toEqual(["-b shutdown", "-a shutdown"]);
    },
  );

  test("it is linked to the process that started it, and ends with it", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const { pid, result } = within(world.node, (self) => startSupervisor(self, tree));
    const supervisor = await result;
    expect(world.node.processInfo(pid)?.links).toEqual([supervisor]);
    const ended = world.node.whenExited(supervisor);
    world.node.exit(pid, "enough");
    expect(await ended).toBe("enough");
    expect(world.journal).toEqual(["+a", "-a shutdown"]);
  });

  test("it ends with its parent also when that ends normally", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    let supervisor!: SupervisorPid;
    world.node.spawn(async (self) => {
      supervisor = await startSupervisor(self, tree);
    });
    await quiesce();
    expect(world.node.isAlive(supervisor)).toBe(false);
    expect(world.journal).toEqual(["+a", "-a shutdown"]);
  });

  test("by a process that has to exit it is not started", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const pid = world.node.spawn(async (self) => {
      try {
        await self.receive();
      } finally {
        await startSupervisor(self, tree);
      }
    });
    await quiesce();
    const ended = world.node.whenExited(pid);
    world.node.exit(pid, "enough");
    expect(await ended).toBe("enough");
    await quiesce();
    expect(world.journal).toEqual([]);
    expect(world.node.counts.processes).toBe(0);
  });

  test("exit signals of others mean nothing to it", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    await within(world.node, (self) => self.exit(supervisor, "shutdown")).result;
    const { pid } = within(world.node, (self) => self.link(supervisor));
    await quiesce();
    world.node.exit(pid, "any");
    await quiesce();
    expect(world.node.isAlive(supervisor)).toBe(true);
    expect(world.news()).toEqual([]);
  });

  test("when it is killed its children are killed by their links", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "ab");
    world.node.exit(supervisor, "kill");
    await quiesce();
    expect(world.news()).toEqual(["-a killed", "-b killed"]);
  });

  test("whatever else is sent to it is ignored", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    const junk = [null, undefined, 7, "shutdown", {}, { type: "call" }, { type: "exit" }, []];
    for (const message of [...junk, { type: "call", request: { type: "explode" } }]) {
      world.node.send(supervisor as AnyPid as typeof supervisor, message as never);
    }
    expect(await ids(world, supervisor)).toBe("a");
  });

  test("a definition can be started many times", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const [first, second] = [
      await startSupervisor(world.node, tree),
      await startSupervisor(world.node, tree),
    ];
    world.node.exit(first, "shutdown");
    await quiesce();
    expect(await ids(world, second)).toBe("a");
  });
});

describe("a child that ends by itself", () => {
  const reasons: readonly ExitReason[] = [
    "normal",
    "shutdown",
    { shutdown: "done" },
    "any",
    "kill",
  ];
  test.each(
    (["permanent", "transient", "temporary"] as const).flatMap((restart) =>
      reasons.map((reason): [Restart, ExitReason, boolean, boolean] => {
        const abnormal = reason === "any" || reason === "kill";
        const restarted = restart === "permanent" || (restart === "transient" && abnormal);
        return [restart, reason, restarted, restart !== "temporary"];
      }),
    ),
  )("%s, by %j: started again: %s, still known: %s", async (restart, reason, again, known) => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", restart })]);
    const before = await world.pidOf(supervisor, "a");
    await world.end(supervisor, "a", reason);
    const [info] = await whichChildren(world.node, supervisor);
    expect(info !== undefined).toBe(known);
    expect(info?.pid !== undefined).toBe(again);
    if (again) expect(info?.pid).not.toBe(before);
    if (known) expect(info?.lastExit).toEqual(reason);
  });

  test("is restarted when it throws, when it is killed, and when a process it is linked to ends", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    await world.tell(supervisor, "a", { type: "throw", error: boom });
    expect(world.news()).toEqual([`-a ${CRASH}`, "+a"]);
    world.node.exit(await world.pidOf(supervisor, "a"), "kill");
    await quiesce();
    expect(world.news()).toEqual(["-a killed", "+a"]);
    const pid = await world.pidOf(supervisor, "a");
    const peer = within(world.node, (self) => self.link(pid)).pid;
    await quiesce();
    world.node.exit(peer, "peer");
    await quiesce();
    expect(world.news()).toEqual(["-a peer", "+a"]);
    expect((await whichChildren(world.node, supervisor))[0]).toMatchObject({
      restarts: 3,
      incarnation: 4,
      lastExit: "peer",
    });
  });

  test("is restarted when it hangs on an await that never ends and is killed", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    const hung = await world.pidOf(supervisor, "a");
    await world.tell(supervisor, "a", { type: "hang" });
    expect(world.news()).toEqual([]);
    world.node.exit(hung, "kill");
    await quiesce();
    expect(world.news()).toEqual(["-a killed", "+a"]);
  });

  test.each<[Strategy, string[]]>([
    ["one_for_one", [`-b ${CRASH}`, "+b"]],
    ["rest_for_one", [`-b ${CRASH}`, "-d shutdown", "-c shutdown", "+b", "+c", "+d"]],
    [
      "one_for_all",
      [`-b ${CRASH}`, "-d shutdown", "-c shutdown", "-a shutdown", "+a", "+b", "+c", "+d"],
    ],
  ])("under %s: %j", async (strategy, journal) => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "abcd", { strategy });
    await world.tell(supervisor, "b", { type: "throw", error: boom });
    expect(world.news()).toEqual(journal);
    expect(await ids(world, supervisor)).toBe("abcd");
  });

  test("siblings that end in one moment are restarted each for itself", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "abc");
    const pids = await Promise.all([..."abc"].map((id) => world.pidOf(supervisor, id)));
    for (const pid of pids) world.node.exit(pid, "kill");
    await quiesce();
    expect(world.news()).toEqual(["-a killed", "-b killed", "-c killed", "+a", "+b", "+c"]);
    expect(await ids(world, supervisor)).toBe("abc");
  });

  test("its name is free for the next incarnation, and finds it", async () => {
    const world = createWorld();
    const Worker = name<Order>("worker");
    const supervisor = await start(world, [world.worker({ id: "a", name: Worker })]);
    for (const order of ["throw", "hang"] as const) {
      const before = world.node.whereis(Worker) as AnyPid;
      world.node.send(Worker, order === "throw" ? { type: order, error: boom } : { type: order });
      world.node.exit(before, "kill");
      await quiesce();
      expect(world.node.whereis(Worker)).toBe(await world.pidOf(supervisor, "a"));
      expect(world.node.whereis(Worker)).not.toBe(before);
    }
  });

  test("each incarnation has a key of its own below its supervisor's", async () => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker("a/b%")]);
    const keys = [keyOf((await world.pidOf(supervisor, "a/b%")) as never)];
    await world.end(supervisor, "a/b%", "any");
    keys.push(keyOf((await world.pidOf(supervisor, "a/b%")) as never));
    expect(keys).toEqual(["demo/1/a%2Fb%25#1", "demo/1/a%2Fb%25#2"]);
  });
});

describe("restart intensity", () => {
  test("one restart more than intensity within periodMs ends it with shutdown, children first", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "abc", { intensity: 2, periodMs: 1_000 });
    const ended = world.node.whenExited(supervisor);
    await world.end(supervisor, "b", "any");
    await world.end(supervisor, "c", "any");
    expect(world.news()).toEqual(["-b any", "+b", "-c any", "+c"]);
    await world.end(supervisor, "b", "any");
    expect(world.news()).toEqual(["-b any", "-c shutdown", "-a shutdown"]);
    expect(await ended).toBe("shutdown");
  });

  test.each<[number, boolean]>([
    [1_000, false],
    [1_001, true],
  ])(
    "of two restarts %d ms apart, with intensity 1 in 1000 ms, both are allowed: %s",
    async (ms, survives) => {
      const world = createWorld();
      const supervisor = await startWorkers(world, "a", { intensity: 1, periodMs: 1_000 });
      await world.end(supervisor, "a", "any");
      await world.clock.advance(ms);
      await world.end(supervisor, "a", "any");
      expect(world.node.isAlive(supervisor)).toBe(survives);
    },
  );

  test("by default it allows one restart in 5 seconds", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const supervisor = await startSupervisor(world.node, tree);
    await world.end(supervisor, "a", "any");
    await world.clock.advance(5_001);
    await world.end(supervisor, "a", "any");
    expect(world.node.isAlive(supervisor)).toBe(true);
    await world.end(supervisor, "a", "any");
    expect(world.node.isAlive(supervisor)).toBe(false);
  });

  test("the supervisor above restarts the one that gave up with all below it, until it gives up itself", async () => {
    const world = createWorld();
    const inner = defineSupervisor({
      intensity: 1,
      children: [world.worker("a"), world.worker("b")],
    });
    const outer = await start(world, [child("inner", inner)], { intensity: 1 });
    const ended = world.node.whenExited(outer);
    const innerPid = async (): Promise<SupervisorPid> =>
      (await whichChildren(world.node, outer))[0]?.pid as SupervisorPid;
    const first = await innerPid();
    world.news();
    await world.end(first, "a", "any");
    expect(world.news()).toEqual(["-a any", "+a"]);
    await world.end(first, "a", "any");
    expect(world.news()).toEqual(["-a any", "-b shutdown", "+a", "+b"]);
    const second = await innerPid();
    expect(second).not.toBe(first);
    await world.end(second, "a", "any");
    await world.end(second, "a", "any");
    expect(await ended).toBe("shutdown");
  });

  test("a transient supervisor that gave up is not restarted, for it exited with shutdown", async () => {
    const world = createWorld();
    const inner = defineSupervisor({ intensity: 0, children: [world.worker("a")] });
    const outer = await start(world, [child({ id: "inner", restart: "transient" }, inner)]);
    const [info] = await whichChildren(world.node, outer);
    await world.end(info?.pid as SupervisorPid, "a", "any");
    expect((await whichChildren(world.node, outer))[0]).toMatchObject({
      status: "stopped",
      lastExit: "shutdown",
    });
  });
});

describe("a child that does not end when asked", () => {
  test("is killed after its shutdown time, and the others stop after it", async () => {
    const world = createWorld();
    const { worker } = world;
    const ignorer = worker({ id: "b", shutdown: 250 }, "ignores");
    const supervisor = await start(world, [worker("a"), ignorer, worker("c")]);
    world.news();
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(249);
    expect(world.news()).toEqual(["-c shutdown"]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["-b killed", "-a shutdown"]);
  });

  test.each<[number, number]>([
    [100, 100],
    [5_000, 5_000],
    [20_000, 20_000],
  ])("its code may hang for %d ms, if that is its shutdown time", async (shutdown, ms) => {
    const world = createWorld();
    const supervisor = await start(world, [world.worker({ id: "a", shutdown })]);
    await world.tell(supervisor, "a", { type: "hang" });
    world.news();
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(ms - 1);
    expect(world.news()).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["-a killed"]);
  });

  test("holds up its siblings' restart under one_for_all", async () => {
    const world = createWorld();
    const slow = world.worker("b", { endsAfterMs: 30 });
    const supervisor = await start(world, [world.worker("a"), slow], { strategy: "one_for_all" });
    world.news();
    await world.end(supervisor, "a", "any");
    expect(world.news()).toEqual(["-a any"]);
    await world.clock.advance(30);
    expect(world.news()).toEqual(["-b shutdown", "+a", "+b"]);
  });

  test("makes those wait that ask the supervisor something, and nobody else", async () => {
    const world = createWorld();
    const slow = world.worker({ id: "a", shutdown: 100 }, "ignores");
    const supervisor = await start(world, [slow, world.worker("b")]);
    const terminated = terminateChild(world.node, supervisor, "a");
    const asked = whichChildren(world.node, supervisor);
    const other = await startWorkers(world, "c");
    await world.clock.advance(99);
    expect(await isSettled(asked)).toBe(false);
    expect(await ids(world, other)).toBe("c");
    await world.clock.advance(1);
    expect(await terminated).toEqual({ ok: true });
    expect((await asked).map(({ status }) => status)).toEqual(["stopped", "running"]);
  });

  test("a sibling that crashes meanwhile is restarted afterwards", async () => {
    const world = createWorld();
    const slow = world.worker({ id: "a", shutdown: 100 }, "ignores");
    const supervisor = await start(world, [slow, world.worker("b")]);
    const b = await world.pidOf(supervisor, "b");
    world.news();
    const terminated = terminateChild(world.node, supervisor, "a");
    await quiesce();
    world.node.exit(b, "any");
    await world.clock.advance(99);
    expect(world.news()).toEqual(["-b any"]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["-a killed", "+b"]);
    expect(await terminated).toEqual({ ok: true });
  });
});

describe("a start that fails", () => {
  const failing = (error: ExitReason): ChildSpec["start"] => startWith(async () => ({ error }));

  test("at first: those before it stop in reverse, and the starter is told why", async () => {
    const world = createWorld();
    const { worker } = world;
    const children = [worker("a"), worker("b"), { id: "c", start: failing("no db") }, worker("d")];
    const failed = start(world, children).catch((error: unknown) => error);
    const error = (await failed) as StartError;
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toBe('supervisor did not start: child "c" did not start: no db');
    expect(error.reason).toEqual({
      shutdown: { type: "failed_to_start_child", id: "c", reason: "no db" },
    });
    expect(world.news()).toEqual(["+a", "+b", "-b shutdown", "-a shutdown"]);
    expect(world.node.counts.processes).toBe(0);
  });

  test("deep below: each level says which child it was", async () => {
    const world = createWorld();
    const inner = defineSupervisor({ children: [{ id: "db", start: failing("no db") }] });
    const outer = defineSupervisor({ children: [world.worker("a"), child("inner", inner)] });
    await expect(startSupervisor(world.node, outer, { label: "app" })).rejects.toThrow(
      'app did not start: child "inner" did not start: child "db" did not start: no db',
    );
  });

  test("a process that starts it is ended with it, unless it traps exits", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [{ id: "a", start: failing("no") }] });
    const reason = { shutdown: { type: "failed_to_start_child", id: "a", reason: "no" } };
    const { pid } = within(world.node, (self) => startSupervisor(self, tree));
    expect(await world.node.whenExited(pid)).toEqual(reason);
    const trapping = within(world.node, async (self) => {
      self.trapExits();
      return startSupervisor(self, tree).catch((error: unknown) => error);
    });
    expect(await trapping.result).toBeInstanceOf(StartError);
    expect(world.node.mailboxOf(trapping.pid)).toMatchObject([{ type: "exit", reason }]);
  });

  test("a name that somebody holds is a start that fails", async () => {
    const world = createWorld();
    const Taken = name<Order>("taken");
    world.node.spawnOpt({ name: Taken }, async (self) => void (await self.receive()));
    const supervisor = await start(world, []);
    const spec = world.worker({ id: "a", name: Taken });
    const result = await startChild(world.node, supervisor, spec);
    const holder = world.node.whereis(Taken);
    expect(result).toEqual({
      ok: false,
      error: "start_failed",
      reason: { alreadyStarted: holder },
    });
  });

  test("a child that calls its supervisor while that waits for its start is told so at once", async () => {
    const world = createWorld();
    let refused: unknown;
    const eager = defineSupervisor(() => ({ children: [] }));
    const nosy = startWith<SupervisorMessage>(async (starter, options) => {
      const pid = starter.spawnOpt({ link: true }, async (self: Self<never>) => {
        const supervisor = self.processInfo(self.pid)?.ancestors[0] as SupervisorPid;
        refused = await whichChildren(self, supervisor).catch((error: unknown) => error);
      });
      await starter.call(pid as never, "ready" as never, { timeoutMs: 50 }).catch(() => undefined);
      return eager.start(starter, options);
    });
    const started = start(world, [child("a", nosy)]);
    await world.clock.advance(50);
    await started;
    expect(refused).toBeInstanceOf(CallCycleError);
  });

  test("on restart: it is tried again at once until it works", async () => {
    const world = createWorld();
    let starts = 0;
    const flaky = startWith<Order>((starter, options) => {
      starts++;
      if (starts === 2 || starts === 3) return { error: "not yet" };
      return { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) };
    });
    const supervisor = await start(world, [child("a", flaky)], { intensity: 3 });
    await world.end(supervisor, "a", "any");
    expect(starts).toBe(4);
    expect((await whichChildren(world.node, supervisor))[0]).toMatchObject({
      status: "running",
      incarnation: 4,
      restarts: 1,
    });
  });

  test("on restart, for ever: the intensity is exceeded", async () => {
    const world = createWorld();
    let starts = 0;
    const once = startWith<Order>((starter, options) =>
      starts++ === 0
        ? { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) }
        : { error: "never again" },
    );
    const supervisor = await start(world, [world.worker("a"), child("b", once)], { intensity: 3 });
    const ended = world.node.whenExited(supervisor);
    await world.end(supervisor, "b", "any");
    expect(await ended).toBe("shutdown");
    expect(starts).toBe(4);
    expect(world.news()).toEqual(["+a", "-a shutdown"]);
  });

  test("on restart: the order to end goes before the next attempt", async () => {
    const world = createWorld();
    let starts = 0;
    const failsLater = startWith<Order>(async (starter, options) => {
      if (starts++ === 0)
        return { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) };
      await new Promise<void>((resolve) => void world.clock.set(resolve, 10));
      return { error: "never again" };
    });
    const supervisor = await start(world, [child("a", failsLater)]);
    await world.end(supervisor, "a", "any");
    expect(starts).toBe(2);
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(10);
    expect(await ended).toBe("shutdown");
    expect(starts).toBe(2);
  });

  test("a child may decide not to run", async () => {
    const world = createWorld();
    const unwilling = startWith(() => "ignore");
    const supervisor = await start(world, [
      child("a", unwilling),
      child({ id: "b", restart: "temporary" }, unwilling),
      world.worker("c"),
    ]);
    expect(await whichChildren(world.node, supervisor)).toMatchObject([
      { id: "a", status: "stopped", pid: undefined },
      { id: "c", status: "running" },
    ]);
  });
});

describe("a definition by a function", () => {
  test("is asked each time the supervisor starts, with the arguments of its child", async () => {
    const world = createWorld();
    const asked: number[] = [];
    const inner = defineSupervisor((count: number) => {
      asked.push(count);
      return { intensity: 0, children: [..."abc"].slice(0, count).map((id) => world.worker(id)) };
    });
    const outer = await start(world, [child("inner", inner, 2)]);
    const [info] = await whichChildren(world.node, outer);
    await world.end(info?.pid as SupervisorPid, "a", "any");
    expect(asked).toEqual([2, 2]);
    expect(world.news()).toEqual(["+a", "+b", "-a any", "-b shutdown", "+a", "+b"]);
  });

  test("takes the arguments of startSupervisor", async () => {
    const world = createWorld();
    const tree = defineSupervisor((id: string) => ({ children: [world.worker(id)] }));
    expect(await ids(world, await startSupervisor(world.node, tree, {}, "x"))).toBe("x");
  });

  test("that throws, or returns a wrong spec, is a start that fails", async () => {
    const { node } = createWorld();
    const throws = defineSupervisor(() => {
      throw boom;
    });
    await expect(startSupervisor(node, throws)).rejects.toMatchObject({ reason: { error: boom } });
    const wrong = defineSupervisor(() => ({ children: [{ id: "" }] }) as never);
    await expect(startSupervisor(node, wrong)).rejects.toThrow(/children\[0\]\.id must be/);
  });

  test("that says ignore starts no supervisor", async () => {
    const world = createWorld();
    const off = defineSupervisor(() => "ignore");
    const supervisor = await start(world, [child("off", off)]);
    expect((await whichChildren(world.node, supervisor))[0]).toMatchObject({ pid: undefined });
    await expect(startSupervisor(world.node, off)).rejects.toMatchObject({ reason: "ignore" });
    expect(world.node.processes()).toEqual([supervisor]);
  });
});

describe("what a supervisor refuses", () => {
  test("a wrong spec, where it is defined", () => {
    expect(() => defineSupervisor({ children: [{ id: "a" } as never] })).toThrow(
      InvalidChildSpecError,
    );
  });

  test("options it does not know, before anything is started", async () => {
    const { node } = createWorld();
    const tree = defineSupervisor({ children: [] });
    await expect(startSupervisor(node, tree, { nmae: 1 } as never)).rejects.toThrow(
      "startSupervisor: options must be made of name, label, reportTo",
    );
    await expect(startSupervisor(node, tree, { reportTo: "me" } as never)).rejects.toThrow(
      "startSupervisor: options.reportTo must be a pid",
    );
    expect(node.counts.processes).toBe(0);
  });

  test("a name that somebody holds", async () => {
    const { node } = createWorld();
    const App = name<SupervisorMessage>("app");
    const tree = defineSupervisor({ children: [] });
    const first = await startSupervisor(node, tree, { name: App });
    await expect(startSupervisor(node, tree, { name: App })).rejects.toMatchObject({
      name: "StartError",
      reason: { alreadyStarted: first },
    });
    expect(node.whereis(App)).toBe(first);
  });

  test("to start on a node that stops", async () => {
    const { node } = createWorld();
    await node.stop();
    await expect(startSupervisor(node, defineSupervisor({ children: [] }))).rejects.toThrow(
      NodeStoppedError,
    );
  });
});

describe("reports", () => {
  test("tell what a supervisor and those below it do, and why", async () => {
    const world = createWorld();
    const reports: SupervisorReported[] = [];
    const reportTo = world.node.spawn<SupervisorReported>(async (self) => {
      for (;;) reports.push(await self.receive());
    });
    const stubborn = world.worker({ id: "b", shutdown: 10 }, "ignores");
    const inner = defineSupervisor({
      strategy: "rest_for_one",
      children: [world.worker("a"), stubborn],
    });
    const tree = defineSupervisor({ children: [child("inner", inner)] });
    const supervisor = await startSupervisor(world.node, tree, { reportTo });
    const below = (await whichChildren(world.node, supervisor))[0]?.pid as SupervisorPid;
    await world.end(below, "a", "any");
    await world.clock.advance(10);
    await world.end(below, "a", "any");
    await world.clock.advance(10);
    const said = reports
      .filter((one) => one.supervisor === below)
      .map(({ report }) => `${report.type} ${report.id}`);
    expect(said).toEqual([
      "childStarted a",
      "childStarted b",
      "childTerminated a",
      "shutdownFailed b",
      "childStarted a",
      "childStarted b",
      "childTerminated a",
      "intensityExceeded a",
      "shutdownFailed b",
    ]);
    expect(reports.at(-1)).toMatchObject({
      supervisor,
      report: { type: "childStarted", id: "inner", incarnation: 2, restarts: 1 },
    });
  });

  // OTP: `supervisor:do_start_child/2` reports progress before the next child is started.
  test("tell of a child that runs while others have to start yet", async () => {
    const world = createWorld();
    const told: string[] = [];
    const reportTo = world.node.spawn<SupervisorReported>(async (self) => {
      for (;;) {
        const { report } = await self.receive();
        told.push(`${report.type} ${report.id}`);
      }
    });
    const slow = startWith(async () => {
      await new Promise<void>((resolve) => world.clock.set(resolve, 50));
      return "ignore" as const;
    });
    const tree = defineSupervisor({ children: [world.worker("a"), child("b", slow)] });
    const started = startSupervisor(world.node, tree, { reportTo });
    await quiesce();
    expect(told).toEqual(["childStarted a"]);
    await world.clock.advance(50);
    await started;
    expect(told).toEqual(["childStarted a"]);
  });

  // OTP: `supervisor:do_terminate/2` reports a `shutdown_error` before the next child is asked to end.
  test("tell of a child that had to be killed while others have to end yet", async () => {
    const world = createWorld();
    const reports: SupervisorReported[] = [];
    const reportTo = world.node.spawn<SupervisorReported>(async (self) => {
      for (;;) reports.push(await self.receive());
    });
    const tree = defineSupervisor({
      children: [
        world.worker({ id: "a", shutdown: 1_000 }, "ignores"),
        world.worker({ id: "b", shutdown: 10 }, "ignores"),
      ],
    });
    const supervisor = await startSupervisor(world.node, tree, { reportTo });
    world.node.exit(supervisor, "shutdown");
    await world.clock.advance(10);
    const said = (): string[] =>
      reports.slice(2).map(({ report: { type, id } }) => `${type} ${id}`);
    expect(said()).toEqual(["shutdownFailed b"]);
    await world.clock.advance(1_000);
    expect(said()).toEqual(["shutdownFailed b", "shutdownFailed a"]);
  });

  test("where messages are cloned, a reason that cannot be is told as text", async () => {
    const world = createWorld({ messages: "clone" });
    const reports: unknown[] = [];
    const reportTo = world.node.spawn<SupervisorReported>(async (self) => {
      for (;;) reports.push((await self.receive()).report);
    });
    const crashing = child("a", async (self: Self<never>) => {
      await self.sleep(1);
      throw new Error("boom", { cause: () => "no data" });
    });
    const tree = defineSupervisor({ children: [crashing] });
    const supervisor = await startSupervisor(world.node, tree, { reportTo });
    await world.clock.advance(1);
    expect((await whichChildren(world.node, supervisor))[0]?.lastExit).toBe(CRASH);
    expect(reports).toContainEqual(
      expect.objectContaining({ type: "childTerminated", reason: CRASH }),
    );
  });
});

describe("a crash", () => {
  test("is told with the child's label and its supervisor among the ancestors", async () => {
    const events: NodeEvent[] = [];
    const world = createWorld({ logger: (event) => void events.push(event) });
    const supervisor = await start(world, [world.worker({ id: "a", label: "the worker" })]);
    await world.tell(supervisor, "a", { type: "throw", error: boom });
    const crashed = events.find((event) => event.type === "crashed");
    expect(crashed?.report).toMatchObject({ label: "the worker", reason: { error: boom } });
    expect(crashed?.report.ancestors[0]).toBe(supervisor);
    expect(crashed?.watched).toBe(true);
  });
});

describe("under any schedule that keeps the order of pairs", () => {
  test("after a storm of ends each child runs once, under the strategy's rules", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const clock = createVirtualClock();
      const scheduler = createFifoScheduler({ clock, seed });
      const { node, worker, journal } = createWorld({ clock, scheduler });
      const inner = defineSupervisor({
        strategy: "one_for_all",
        intensity: 50,
        children: [worker("c"), worker("d"), worker("e")],
      });
      const tree = defineSupervisor({
        strategy: "rest_for_one",
        intensity: 50,
        children: [worker("a"), child("inner", inner), worker("b")],
      });
      const started = startSupervisor(node, tree);
      await scheduler.runAll();
      const supervisor = await started;
      for (const [index, pid] of node.processes().entries()) {
        // All but the topmost one; the inner supervisor is killed like the workers.
        if (pid !== supervisor && index % 2 === seed % 2) node.exit(pid, "kill");
      }
      await scheduler.runAll();
      const running = new Map<string, number>();
      for (const entry of journal) {
        const id = entry[1] as string;
        running.set(id, (running.get(id) ?? 0) + (entry.startsWith("+") ? 1 : -1));
      }
      const counts = Object.fromEntries(running);
      expect({ seed, ...counts }).toEqual({ seed, a: 1, b: 1, c: 1, d: 1, e: 1 });
      expect(node.counts).toMatchObject({ processes: 7, timers: 0 });
      const before = journal.length;
      node.exit(supervisor, "shutdown");
      await scheduler.runAll();
      expect(journal.slice(before)).toEqual([..."bedca"].map((id) => `-${id} shutdown`));
    }
  });
});

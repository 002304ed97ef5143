import { describe, expect, test } from "@jest/globals";
import { ServerExitError, type ExitReason } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  defineDynamicSupervisor,
  defineServer,
  defineSupervisor,
  startChild,
  startSupervisor,
  stop,
  sys,
  whichChildren,
  type DynamicSupervisorSysState,
  type SupervisorPid,
  type SupervisorSysState,
} from "@coppice/supervisor";
import { createWorld, isSettled, within, type World } from "./world.js";

function startWorkers(world: World, ids: string, intensity = 1): Promise<SupervisorPid> {
  const children = [...ids].map((id) => world.worker(id));
  return startSupervisor(world.node, defineSupervisor({ intensity, children }));
}

describe("a supervisor answers system requests", () => {
  test("getState tells its flags, the restarts that count, and its children", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "ab");
    await world.clock.advance(70);
    await world.end(supervisor, "a", "any");
    expect(await sys.getState(world.node, supervisor)).toEqual({
      strategy: "one_for_one",
      limit: { intensity: 1, periodMs: 5_000 },
      autoShutdown: "never",
      restarts: [70],
      children: await whichChildren(world.node, supervisor),
    });
  });

  test("replaceState replaces flags and restarts; the children are not to be replaced", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    await world.end(supervisor, "a", "any");
    await sys.replaceState<SupervisorSysState>(world.node, supervisor, (state) => ({
      ...state,
      restarts: [],
    }));
    await world.end(supervisor, "a", "any");
    expect(world.node.isAlive(supervisor)).toBe(true);
    const wrong = sys.replaceState<SupervisorSysState>(world.node, supervisor, (state) => ({
      ...state,
      children: [],
    }));
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(world.node.isAlive(supervisor)).toBe(true);
  });

  test("getStatus tells what it is, and its parent", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [] });
    const { pid, result } = within(world.node, (self) => startSupervisor(self, tree));
    const supervisor = await result;
    expect(await sys.getStatus(world.node, supervisor)).toMatchObject({
      pid: supervisor,
      kind: "supervisor",
      parent: pid,
      activity: "running",
      state: { strategy: "one_for_one" },
    });
  });

  test("suspended it restarts nobody and answers nothing else; resumed it does all of it", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    const a = await world.pidOf(supervisor, "a");
    world.news();
    await sys.suspend(world.node, supervisor);
    world.node.exit(a, "kill");
    const asked = whichChildren(world.node, supervisor);
    expect(await isSettled(asked)).toBe(false);
    expect(world.news()).toEqual(["-a killed"]);
    await sys.resume(world.node, supervisor);
    expect(await asked).toMatchObject([{ id: "a", restarts: 1 }]);
    expect(world.news()).toEqual(["+a"]);
  });

  test("suspended it ends with its parent all the same", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "a");
    await sys.suspend(world.node, supervisor);
    world.news();
    world.node.exit(supervisor, "shutdown");
    await quiesce();
    expect(world.news()).toEqual(["-a shutdown"]);
  });

  test.each<ExitReason>(["normal", "shutdown", { shutdown: "done" }, "any"])(
    "stop ends it with %j, its children first",
    async (reason) => {
      const world = createWorld();
      const supervisor = await startWorkers(world, "ab");
      const ended = world.node.whenExited(supervisor);
      await quiesce();
      world.news();
      await stop(world.node, supervisor, { reason });
      expect(await ended).toEqual(reason);
      expect(world.news()).toEqual(["-b shutdown", "-a shutdown"]);
    },
  );

  test("stop tells when it ended otherwise", async () => {
    const world = createWorld();
    const stubborn = world.worker({ id: "a", shutdown: "infinity" }, "ignores");
    const supervisor = await startSupervisor(
      world.node,
      defineSupervisor({ children: [stubborn] }),
    );
    await quiesce();
    const stopped = stop(world.node, supervisor).catch((error: unknown) => error);
    await quiesce();
    world.node.exit(supervisor, "kill");
    expect(await stopped).toBeInstanceOf(ServerExitError);
  });

  test("changeCode takes over a new spec: children go on, new ones wait, old ones stay behind", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "ab");
    await quiesce();
    world.news();
    const children = [world.worker("c"), world.worker({ id: "b", restart: "temporary" })];
    const next = defineSupervisor({ strategy: "one_for_all", intensity: 7, children });
    await expect(sys.changeCode(world.node, supervisor, next)).rejects.toMatchObject({
      code: "NOT_SUSPENDED",
    });
    await sys.suspend(world.node, supervisor);
    const server = defineServer({ init: () => null, call: { one: () => ({ reply: 1 }) } });
    await expect(sys.changeCode(world.node, supervisor, server)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await sys.changeCode(world.node, supervisor, next);
    await sys.resume(world.node, supervisor);
    expect(world.news()).toEqual([]);
    expect(await sys.getState(world.node, supervisor)).toMatchObject({
      strategy: "one_for_all",
      limit: { intensity: 7 },
      children: [
        { id: "c", status: "stopped" },
        { id: "b", status: "running" },
        { id: "a", status: "running" },
      ],
    });
    await world.end(supervisor, "b", "any");
    expect((await whichChildren(world.node, supervisor)).map(({ id }) => id)).toEqual(["c", "a"]);
  });

  test("where messages are cloned, too", async () => {
    const world = createWorld({ messages: "clone" });
    const supervisor = await startSupervisor(world.node, defineSupervisor({ children: [] }));
    const idle = child("idle", async (self) => void (await self.receive()));
    expect(await startChild(world.node, supervisor, idle)).toMatchObject({ ok: true });
    expect(await sys.getState(world.node, supervisor)).toMatchObject({
      children: [{ id: "idle" }],
    });
    await stop(world.node, supervisor);
  });
});

describe("a dynamic supervisor answers system requests", () => {
  const session = async (self: { receive(): Promise<unknown> }): Promise<void> =>
    void (await self.receive());
  const sessions = defineDynamicSupervisor({ child: childTemplate("session", session) });

  test("getState and replaceState: the limit of children can be changed while it runs", async () => {
    const { node } = createWorld();
    const supervisor = await startSupervisor(node, sessions);
    await startChild(node, supervisor, []);
    await sys.replaceState<DynamicSupervisorSysState>(node, supervisor, (state) => ({
      ...state,
      maxChildren: 1,
    }));
    expect(await startChild(node, supervisor, [])).toEqual({ ok: false, error: "max_children" });
    expect(await sys.getState(node, supervisor)).toMatchObject({
      maxChildren: 1,
      children: [{ id: "session" }],
    });
  });

  test("changeCode: the next children are made by the new template, and stop by its shutdown", async () => {
    const world = createWorld();
    const supervisor = await startSupervisor(world.node, sessions);
    await sys.suspend(world.node, supervisor);
    const next = defineDynamicSupervisor({ child: childTemplate("other", session) });
    await sys.changeCode(world.node, supervisor, next);
    await sys.resume(world.node, supervisor);
    await startChild(world.node, supervisor, []);
    expect(await whichChildren(world.node, supervisor)).toMatchObject([{ id: "other" }]);
    await stop(world.node, supervisor);
    expect(world.node.counts.processes).toBe(0);
  });
});

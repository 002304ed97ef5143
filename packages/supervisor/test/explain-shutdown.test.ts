import { describe, expect, test } from "@jest/globals";
import type { Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  defineDynamicSupervisor,
  defineServer,
  defineSupervisor,
  explainShutdown,
  startChild,
  startSupervisor,
  type ServerSelf,
  type ShutdownExplanation,
} from "@coppice/supervisor";
import { createWorld, within, type World } from "./world.js";

/** Has `explainShutdown` say what it has to say, without waiting for those who do not answer. */
async function explain(
  world: World,
  pid: Parameters<typeof explainShutdown>[1],
): Promise<ShutdownExplanation> {
  const explained = explainShutdown(world.node, pid, { timeoutMs: 5 });
  await quiesce();
  await world.clock.advance(5);
  return explained;
}

describe("what holds a tree open", () => {
  test("is nothing while it is not being stopped, and nothing when it has ended", async () => {
    const world = createWorld();
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const app = await startSupervisor(world.node, tree, { label: "app" });
    expect(await explain(world, app)).toEqual({
      state: "open",
      holders: [],
      text: "app is not being stopped",
    });
    world.node.exit(app, "shutdown");
    await quiesce();
    expect(await explain(world, app)).toMatchObject({ state: "ended", holders: [] });
  });

  test("is the innermost process that is waited for, with what it does and when it is killed", async () => {
    const world = createWorld();
    const { worker } = world;
    const pool = defineSupervisor({
      children: [worker("one"), worker({ id: "two", shutdown: 5_000 }, "ignores")],
    });
    const tree = defineSupervisor({ children: [worker("log"), child("pool", pool)] });
    const app = await startSupervisor(world.node, tree, { label: "app" });
    world.node.exit(app, "shutdown");
    await world.clock.advance(1_200);
    const { state, holders, text } = await explain(world, app);
    expect(state).toBe("held");
    expect(holders).toMatchObject([
      {
        path: "app/pool/two",
        waitsFor: "its end",
        forMs: 1_200,
        killInMs: 3_800,
        status: "receiving",
        trapsExits: true,
        mailboxSize: 0,
      },
    ]);
    const pid = String(holders[0]?.pid);
    expect(text).toBe(
      `app waits for app/pool/two ${pid} and its end; for 1200 ms by now; it traps exits, was asked to end, and goes on waiting for messages; it is killed in 3800 ms`,
    );
  });

  test("may be code that unwinds, or waits for something foreign", async () => {
    const world = createWorld();
    const hanging = child({ id: "a", shutdown: "infinity" }, async (self: Self<unknown>) => {
      try {
        await self.receive();
      } finally {
        await new Promise(() => undefined);
      }
    });
    const app = await startSupervisor(world.node, defineSupervisor({ children: [hanging] }));
    await quiesce();
    world.node.exit(app, "shutdown");
    await quiesce();
    const { holders, text } = await explain(world, app);
    expect(holders).toMatchObject([{ status: "exiting", killInMs: undefined }]);
    expect(text).toContain("its code unwinds");
  });

  test("may be a child that has not started: its supervisor cannot be asked", async () => {
    const world = createWorld();
    const slow = defineServer({
      init: async (self: ServerSelf) => {
        await self.sleep(60_000);
        return null;
      },
    });
    const app = await startSupervisor(world.node, defineSupervisor({ children: [] }), {
      label: "app",
    });
    startChild(world.node, app, child("slow", slow)).catch(() => undefined);
    await quiesce();
    world.node.exit(app, "shutdown");
    const { holders, text } = await explain(world, app);
    expect(holders).toMatchObject([{ path: "app/slow", waitsFor: "its start", forMs: undefined }]);
    expect(text).toContain("app waits for app/slow");
    expect(text).toContain("its code waits for a reply or a time");
  });

  test("may be many children of a dynamic supervisor: those that are left", async () => {
    const world = createWorld();
    const work = async (self: Self<never>, ms: number): Promise<void> => {
      self.trapExits((exit) => exit as never);
      await self.receive();
      await self.sleep(ms);
    };
    const definition = defineDynamicSupervisor({ child: childTemplate("one", work) });
    const app = await startSupervisor(world.node, definition, { label: "app" });
    for (let ms = 100; ms <= 1_500; ms += 100) await startChild(world.node, app, [ms]);
    await quiesce();
    world.node.exit(app, "shutdown");
    await world.clock.advance(250);
    const { holders, text } = await explain(world, app);
    expect(holders).toHaveLength(13);
    expect(text.split("\n")).toHaveLength(11);
    expect(text).toMatch(/and for 3 more$/);
  });

  test("can be asked by a process, too", async () => {
    const world = createWorld();
    const app = await startSupervisor(world.node, defineSupervisor({ children: [] }));
    const { result } = within(world.node, (self) => explainShutdown(self, app));
    expect(await result).toMatchObject({ state: "open" });
  });
});

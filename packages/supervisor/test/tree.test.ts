import { describe, expect, test } from "@jest/globals";
import { name, NoProcessError, type Self } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  defineDynamicSupervisor,
  defineSupervisor,
  renderTree,
  startChild,
  startSupervisor,
  startWith,
  supervisionTree,
  terminateChild,
  type SupervisorMessage,
  type SupervisorPid,
} from "@coppice/supervisor";
import { createWorld, type World } from "./world.js";

async function startApp(world: World): Promise<SupervisorPid> {
  const { node, worker } = world;
  const pool = defineSupervisor({
    strategy: "one_for_all",
    intensity: 9,
    children: [worker("one"), worker({ id: "two", shutdown: 100 }, "ignores")],
  });
  const app = defineSupervisor({
    children: [worker("log"), child({ id: "pool", label: "the pool" }, pool), worker("web")],
  });
  return startSupervisor(node, app, { label: "app" });
}

const rendered = async ({ node }: World, supervisor: SupervisorPid): Promise<string> =>
  renderTree(await supervisionTree(node, supervisor));

describe("a supervision tree", () => {
  test("shows supervisors with all below them, in start order", async () => {
    const world = createWorld();
    const app = await startApp(world);
    const tree = await supervisionTree(world.node, app);
    expect(tree).toMatchObject({
      id: "app",
      pid: app,
      type: "supervisor",
      state: "running",
      strategy: "one_for_one",
      children: [
        { id: "log", type: "worker", state: "running", restarts: 0, incarnation: 1, children: [] },
        {
          id: "pool",
          label: "the pool",
          strategy: "one_for_all",
          children: [{ id: "one" }, { id: "two" }],
        },
        { id: "web", label: "web", mailboxSize: 0 },
      ],
    });
    expect(renderTree(tree)).toBe(
      [
        "app <demo.1> one_for_one",
        "├─ log <demo.2>",
        "├─ pool <demo.3> one_for_all",
        "│  ├─ one <demo.4>",
        "│  └─ two <demo.5>",
        "└─ web <demo.6>",
      ].join("\n"),
    );
  });

  test("tells restarts, the last exit, messages that wait, and what is stopped", async () => {
    const world = createWorld();
    const app = await startApp(world);
    await world.tell(app, "web", { type: "throw", error: new Error("boom") });
    await terminateChild(world.node, app, "log");
    await world.tell(app, "web", { type: "hang" });
    world.node.send(await world.pidOf(app, "web"), { type: "hang" });
    const tree = await supervisionTree(world.node, app);
    expect(tree.children[2]).toMatchObject({ restarts: 1, incarnation: 2, mailboxSize: 1 });
    const lines = renderTree(tree).split("\n");
    expect(lines[1]).toBe("├─ log – [stopped] last exit: shutdown");
    expect(lines.at(-1)).toBe("└─ web <demo.7> 1 restart last exit: Error: boom mailbox: 1");
  });

  test("can be looked at while a supervisor stops a child, and says whom it waits for", async () => {
    const world = createWorld();
    const app = await startApp(world);
    const pool = (await supervisionTree(world.node, app)).children[1]?.pid as SupervisorPid;
    await world.end(pool, "one", "any");
    expect(await rendered(world, app)).toBe(
      [
        "app <demo.1> one_for_one",
        "├─ log <demo.2>",
        "├─ pool <demo.3> one_for_all [stopping two]",
        "│  ├─ one – [restarting] last exit: any",
        "│  └─ two <demo.5>",
        "└─ web <demo.6>",
      ].join("\n"),
    );
    await world.clock.advance(100);
    expect((await rendered(world, app)).split("\n").slice(2, 5)).toEqual([
      "├─ pool <demo.3> one_for_all",
      "│  ├─ one <demo.7> 1 restart last exit: any",
      "│  └─ two <demo.8> 1 restart last exit: killed",
    ]);
  });

  test("shows a supervisor that waits for a start function as busy", async () => {
    const world = createWorld();
    const never = startWith(() => new Promise<never>(() => undefined));
    const inner = defineSupervisor({ children: [child("slow", never)] });
    const app = await startSupervisor(world.node, defineSupervisor({ children: [] }));
    void startSupervisor(world.node, inner).catch(() => undefined);
    await quiesce();
    const [, busy] = world.node.processes() as SupervisorPid[];
    const looked = supervisionTree(world.node, busy as SupervisorPid, { timeoutMs: 50 });
    await world.clock.advance(50);
    expect(await looked).toMatchObject({ state: "busy", children: [] });
    expect((await supervisionTree(world.node, app)).state).toBe("running");
  });

  test("shows a child that unwinds as exiting", async () => {
    const world = createWorld();
    const app = await startApp(world);
    const web = await world.pidOf(app, "web");
    await world.tell(app, "web", { type: "hang" });
    world.node.exit(web, "any");
    expect((await rendered(world, app)).split("\n").at(-1)).toBe("└─ web <demo.6> [exiting]");
  });

  test("shows a supervisor that ends while it is asked as exiting", async () => {
    const world = createWorld();
    const app = await startApp(world);
    const looked = supervisionTree(world.node, app);
    const pool = (await supervisionTree(world.node, app)).children[1]?.pid as SupervisorPid;
    expect((await looked).children).toHaveLength(3);
    const again = supervisionTree(world.node, pool);
    world.node.exit(pool, "kill");
    expect(await again).toMatchObject({ state: "exiting", strategy: undefined, children: [] });
  });

  test("is called by the name of its topmost supervisor, if that has one", async () => {
    const world = createWorld();
    const App = name<SupervisorMessage>("App");
    const app = await startSupervisor(world.node, defineSupervisor({ children: [] }), {
      name: App,
    });
    expect(await supervisionTree(world.node, app)).toMatchObject({ id: "App", name: "App" });
  });

  test("of a process that is not there cannot be shown", async () => {
    const world = createWorld();
    const app = await startApp(world);
    world.node.exit(app, "kill");
    await expect(supervisionTree(world.node, app)).rejects.toThrow(NoProcessError);
  });

  test("shows how long a restart is delayed, and whatever else is to be said", async () => {
    const world = createWorld();
    const delayed = world.worker({ id: "a", backoff: { initialMs: 100, jitter: 0 } });
    const tree = defineSupervisor({ children: [delayed, world.worker("b")] });
    const app = await startSupervisor(world.node, tree, { label: "app" });
    await world.end(app, "a", "any");
    await world.clock.advance(30);
    const seen = await supervisionTree(world.node, app);
    expect(renderTree(seen, { describe: ({ id }) => (id === "b" ? "(busy)" : undefined) })).toBe(
      [
        "app <demo.1> one_for_one",
        "├─ a – [restarting in 70 ms] last exit: any",
        "└─ b <demo.3> (busy)",
      ].join("\n"),
    );
  });

  test("of a dynamic supervisor shows its children, and counts those that are too many", async () => {
    const world = createWorld();
    const idle = async (self: Self<unknown>): Promise<void> => void (await self.receive());
    const definition = defineDynamicSupervisor({ child: childTemplate("one", idle) });
    const app = await startSupervisor(world.node, definition, { label: "app" });
    for (let count = 0; count < 5; count++) await startChild(world.node, app, []);
    expect(() => renderTree({} as never, { maxChild: 2 } as never)).toThrow(
      "renderTree: options must be made of describe, maxChildren",
    );
    expect(() => renderTree({} as never, { maxChildren: -1 })).toThrow(
      "renderTree: options.maxChildren",
    );
    expect(renderTree(await supervisionTree(world.node, app), { maxChildren: 2 })).toBe(
      [
        "app <demo.1> simple_one_for_one",
        "├─ one <demo.2>",
        "├─ one <demo.3>",
        "└─ … and 3 more",
      ].join("\n"),
    );
  });
});

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InvalidArgumentError, type ExitReason } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  childTemplate,
  defineDynamicSupervisor,
  definePartitionSupervisor,
  defineSupervisor,
  plan,
  startSupervisor,
  supervisionTree,
  type Backoff,
  type PlannedEvent,
  type Restart,
  type Strategy,
  type SupervisionTree,
  type SupervisorDefinition,
} from "@coppice/supervisor";
import { boom, createWorld, type World } from "./world.js";

const idle = async (): Promise<void> => undefined;
const leaves = (ids: string): ReturnType<typeof child>[] => [...ids].map((id) => child(id, idle));

const shop = defineSupervisor({
  strategy: "rest_for_one",
  intensity: 2,
  children: [
    child("db", idle),
    child("workers", defineSupervisor({ strategy: "one_for_all", children: leaves("ab") })),
    child({ id: "web", backoff: { initialMs: 100, jitter: 0.5 } }, idle),
  ],
});

const linesOf = (events: PlannedEvent | PlannedEvent[]): string[] =>
  plan(shop, events).text.split("\n");

describe("a plan", () => {
  test("tells what would stop and start when a child ends, in order, with all below", () => {
    expect(linesOf({ type: "exit", path: "db" })).toEqual([
      "stop web",
      "stop workers/b",
      "stop workers/a",
      "stop workers",
      "start db",
      "start workers",
      "start workers/a",
      "start workers/b",
      "start web",
    ]);
  });

  test("follows a failure up the tree when a supervisor below gives up", () => {
    const again = { type: "exit", path: "workers/a" } as const;
    expect(linesOf([again, again])).toEqual([
      "stop workers/b",
      "start workers/a",
      "start workers/b",
      "workers gives up",
      "stop workers/b",
      "stop web",
      "start workers",
      "start workers/a",
      "start workers/b",
      "start web",
    ]);
  });

  test("of a child that waits for its start, and is stopped meanwhile, tells no start", () => {
    expect(
      linesOf([
        { type: "exit", path: "web" },
        { type: "terminateChild", path: "web", afterMs: 10 },
        { type: "exit", path: "workers/a", afterMs: 1_000 },
      ]),
    ).toEqual([
      "wait 50 to 100 ms to start web",
      "stop workers/b",
      "start workers/a",
      "start workers/b",
    ]);
  });

  test.each(["brutal_kill", 1_000] as const)(
    "of a supervisor that is stopped with shutdown %j tells no start of what waits below it",
    (shutdown) => {
      const slow = child({ id: "slow", backoff: { initialMs: 100, jitter: 0 } }, idle);
      const below = defineSupervisor({ children: [slow] });
      const tree = defineSupervisor({
        strategy: "one_for_all",
        children: [child("db", idle), child({ id: "below", shutdown }, below)],
      });
      const { text } = plan(tree, [
        { type: "exit", path: "below/slow" },
        { type: "exit", path: "db", afterMs: 10 },
      ]);
      expect(text.split("\n")).toEqual([
        "wait 100 ms to start below/slow",
        "stop below",
        "start db",
        "start below",
        "start below/slow",
      ]);
    },
  );

  test("tells delays, and what happens when they are over", () => {
    expect(linesOf({ type: "exit", path: "web" })).toEqual([
      "wait 50 to 100 ms to start web",
      "start web",
    ]);
    const merged: PlannedEvent[] = [
      { type: "exit", path: "web" },
      { type: "exit", path: "db", afterMs: 40 },
    ];
    expect(linesOf(merged)).toEqual([
      "wait 50 to 100 ms to start web",
      "stop workers/b",
      "stop workers/a",
      "stop workers",
      "wait 60 ms to start db, workers, web",
      "start db",
      "start workers",
      "start workers/a",
      "start workers/b",
      "start web",
    ]);
  });

  test("knows orderly ends, requests, and the end of all", () => {
    const quiet = defineSupervisor({
      autoShutdown: "any_significant",
      children: [
        child("a", idle),
        child({ id: "b", restart: "transient" }, idle),
        child({ id: "c", restart: "temporary", significant: true }, idle),
      ],
    });
    const textOf = (...events: PlannedEvent[]): string => plan(quiet, events).text;
    expect(textOf({ type: "exit", path: "b", reason: "normal" })).toBe("");
    expect(textOf({ type: "terminateChild", path: "a" }, { type: "restartChild", path: "a" })).toBe(
      "stop a\nstart a",
    );
    expect(textOf({ type: "stop" })).toBe("stop c\nstop b\nstop a\nstop the topmost supervisor");
    expect(textOf({ type: "exit", path: "c" })).toBe(
      "the topmost supervisor shuts down\nstop b\nstop a\nstop the topmost supervisor",
    );
  });

  test("knows partitions, and of a dynamic supervisor itself only", () => {
    const tree = defineSupervisor({
      children: [
        child("parts", definePartitionSupervisor({ partitions: 2, child: child("p", idle) })),
        child("any", defineDynamicSupervisor({ child: childTemplate("one", idle) })),
      ],
    });
    expect(plan(tree, { type: "exit", path: "parts/1" }).text).toBe("start parts/1");
    expect(plan(tree, { type: "exit", path: "any" }).text).toBe("start any");
  });

  test.each<[unknown, unknown]>([
    [shop, { type: "exit", path: "cache" }],
    [shop, { type: "exit", path: "workers/c" }],
    [shop, { type: "exit", path: "db/a" }],
    [shop, { type: "exit" }],
    [shop, { type: "exit", path: "db", afterMs: -1 }],
    [shop, { type: "explode", path: "db" }],
    [{}, { type: "stop" }],
    [defineSupervisor(() => "ignore"), { type: "stop" }],
    [defineDynamicSupervisor({ child: childTemplate("one", idle) }), { type: "stop" }],
  ])("refuses what it cannot play (case %#)", (tree, event) => {
    expect(() => plan(tree as never, event as PlannedEvent)).toThrow(InvalidArgumentError);
  });
});

// ── the plan is what happens ────────────────────────────────────────────────────────────────────

interface Leaf {
  readonly restart: Restart;
  readonly backoff: boolean;
}
interface Branch {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly children: readonly (Leaf | Branch)[];
}

const leaf = fc.record({
  restart: fc.constantFrom<Restart>("permanent", "transient", "temporary"),
  backoff: fc.boolean(),
});
const { branch } = fc.letrec<{ branch: Branch }>((tie) => ({
  branch: fc.record({
    strategy: fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one"),
    intensity: fc.nat(3),
    children: fc.array(fc.oneof({ depthSize: "small", maxDepth: 2 }, leaf, tie("branch")), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
}));

const backoff: Backoff = { initialMs: 10, factor: 1, jitter: 0 };

/** The tree of these, with workers that write down their paths. */
function build(
  world: World,
  { strategy, intensity, children }: Branch,
  path: string,
): SupervisorDefinition {
  return defineSupervisor({
    strategy,
    intensity,
    children: children.map((below, index) => {
      const id = String(index);
      const at = path === "" ? id : `${path}/${id}`;
      if ("children" in below) return child(id, build(world, below, at));
      const options = { id, restart: below.restart, ...(below.backoff && { backoff }) };
      return child(options, world.work, at, "ends");
    }),
  });
}

/** Workers that run, by path. */
function workersOf(tree: SupervisionTree, path = ""): { path: string; pid: never }[] {
  return tree.children.flatMap((below) => {
    const at = path === "" ? below.id : `${path}/${below.id}`;
    if (below.type === "supervisor") return workersOf(below, at);
    return below.state === "running" ? [{ path: at, pid: below.pid as never }] : [];
  });
}

function isWorker(tree: Branch | Leaf, path: string): boolean {
  if (path === "") return false;
  let at: Branch | Leaf | undefined = tree;
  for (const step of path.split("/")) {
    at = at !== undefined && "children" in at ? at.children[Number(step)] : undefined;
  }
  return at !== undefined && !("children" in at);
}

/** What a plan says of workers, as they write it down themselves. */
function plannedOf(
  definition: SupervisorDefinition,
  tree: Branch,
  events: PlannedEvent[],
): string[] {
  return plan(definition, events).steps.flatMap((step) => {
    if (step.type !== "start" && step.type !== "stop") return [];
    if (!isWorker(tree, step.path)) return [];
    return [`${step.type === "start" ? "+" : "-"}${step.path}`];
  });
}

const reasons = fc.constantFrom<ExitReason>("normal", "shutdown", { shutdown: 1 }, "any", {
  error: boom,
});
const ends = fc.array(fc.tuple(fc.nat(), reasons), { minLength: 1, maxLength: 5 });

test("the plan of events is what happens when they do", async () => {
  await fc.assert(
    fc.asyncProperty(branch, ends, async (tree, choices) => {
      const world = createWorld();
      const definition = build(world, tree, "");
      const supervisor = await startSupervisor(world.node, definition);
      await quiesce();
      world.news();
      const played: PlannedEvent[] = [];
      const done: string[] = [];
      for (const [choice, reason] of choices) {
        if (!world.node.isAlive(supervisor)) break;
        const workers = workersOf(await supervisionTree(world.node, supervisor));
        const chosen = workers[choice % Math.max(1, workers.length)];
        if (chosen === undefined) break;
        const { path, pid } = chosen;
        world.node.send(pid, { type: "exit", reason } as never);
        played.push({ type: "exit", path, reason, afterMs: 10 });
        // A delay is over when the next event comes.
        await world.clock.advance(10);
        const entries = world.news().map((entry) => entry.replace(/ .*$/, ""));
        // Its own end is no part of what follows from it.
        done.push(...entries.slice(1));
        expect(entries[0]).toBe(`-${path}`);
        expect(done).toEqual(plannedOf(definition, tree, played));
      }
      await world.node.stop();
    }),
    { numRuns: 200 },
  );
});

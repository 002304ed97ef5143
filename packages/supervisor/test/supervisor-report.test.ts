import { describe, expect, test } from "@jest/globals";
import { formatFailure, type NodeEvent } from "@coppice/core";
import { quiesce } from "@coppice/testkit";
import {
  child,
  defineSupervisor,
  formatSupervisorReport,
  startSupervisor,
  startWith,
  type SupervisorReport,
  type SupervisorReported,
} from "@coppice/supervisor";
import { boom, createWorld, type World } from "./world.js";

/** What the default logger would print. */
function logging(): { readonly logger: (event: NodeEvent) => void; readonly printed: string[] } {
  const printed: string[] = [];
  return { printed, logger: (event) => void printed.push(...[formatFailure(event) ?? []].flat()) };
}

const reportsOf = ({ node }: World): SupervisorReported[] => {
  const reports: SupervisorReported[] = [];
  node.events.subscribe((event) => {
    if (event.type === "report") reports.push(event.report.data as SupervisorReported);
  });
  return reports;
};

describe("the crash of a supervised child", () => {
  test("is printed once: who, where, why, and what was done about it", async () => {
    const { logger, printed } = logging();
    const world = createWorld({ logger });
    const pool = defineSupervisor({ children: [world.worker("w1")] });
    const shop = defineSupervisor({ children: [child("pool", pool)] });
    const supervisor = await startSupervisor(world.node, shop, { label: "shop" });
    const inner = await world.pidOf(supervisor, "pool");
    const pid = String(await world.pidOf(inner as never, "w1"));
    await world.tell(inner as never, "w1", { type: "throw", error: boom });
    expect(printed).toHaveLength(1);
    const [head, ...stack] = (printed[0] as string).split("\n");
    expect(head).toBe(`child shop/pool/w1 ${pid} ended: Error: boom; it is restarted`);
    expect(stack[0]).toBe("  Error: boom");
    expect(stack.length).toBeGreaterThan(1);
    await world.tell(inner as never, "w1", { type: "throw", error: boom });
    expect(printed.slice(1).map((text) => text.split("\n")[0])).toEqual([
      expect.stringMatching(
        /^child shop\/pool\/w1 <demo\.\d+> ended: Error: boom; its supervisor gives up$/,
      ),
      "supervisor shop/pool gives up: child shop/pool/w1 needed more than 1 restart in 5000 ms",
      expect.stringMatching(/^child shop\/pool <demo\.\d+> ended: shutdown; it is restarted$/),
    ]);
  });

  test("comes with the path in its crash report, too", async () => {
    const events: NodeEvent[] = [];
    const world = createWorld({ logger: (event) => void events.push(event) });
    const supervisor = await startSupervisor(
      world.node,
      defineSupervisor({ children: [world.worker("a")] }),
      { label: "app" },
    );
    await world.tell(supervisor, "a", { type: "throw", error: boom });
    const crashed = events.find(({ type }) => type === "crashed");
    expect(crashed).toMatchObject({
      watched: true,
      report: { path: "app/a", reason: { error: boom } },
    });
  });

  test("is left to who gets the reports, if anybody does; the node's events tell it all the same", async () => {
    const { logger, printed } = logging();
    const world = createWorld({ logger });
    const events = reportsOf(world);
    const told: SupervisorReported[] = [];
    const reportTo = world.node.spawn<SupervisorReported>(async (self) => {
      for (;;) told.push(await self.receive());
    });
    const tree = defineSupervisor({ children: [world.worker("a")] });
    const supervisor = await startSupervisor(world.node, tree, { reportTo });
    await world.tell(supervisor, "a", { type: "throw", error: boom });
    expect(printed).toEqual([]);
    expect(told.map(({ report }) => report.type)).toEqual([
      "childStarted",
      "childTerminated",
      "childStarted",
    ]);
    expect(events).toEqual(told);
  });
});

describe("a report tells what follows", () => {
  const consequencesOf = (reports: readonly SupervisorReported[]): string[] =>
    reports.flatMap(({ report }) =>
      "consequence" in report ? [`${report.type} ${report.id} ${report.consequence.type}`] : [],
    );

  test("restart, restart later, give up, shut down, or nothing", async () => {
    const world = createWorld();
    const reports = reportsOf(world);
    const { worker } = world;
    const children = [
      worker("a"),
      worker({ id: "b", backoff: { initialMs: 10, jitter: 0 } }),
      worker({ id: "c", restart: "temporary" }),
    ];
    const tree = defineSupervisor({ intensity: 2, children });
    const supervisor = await startSupervisor(world.node, tree);
    for (const id of ["a", "b", "c", "a"]) await world.end(supervisor, id, "any");
    expect(consequencesOf(reports)).toEqual([
      "childTerminated a restart",
      "childTerminated b restartLater",
      "childTerminated c none",
      "childTerminated a giveUp",
    ]);
    const later = reports.find(({ report }) => "consequence" in report && report.id === "b");
    expect(later?.report).toMatchObject({ consequence: { minMs: 10, maxMs: 10 } });
  });

  test("auto shutdown, of a significant child", async () => {
    const world = createWorld();
    const reports = reportsOf(world);
    const significant = world.worker({ id: "a", restart: "temporary", significant: true });
    const tree = defineSupervisor({ autoShutdown: "any_significant", children: [significant] });
    const supervisor = await startSupervisor(world.node, tree);
    await world.end(supervisor, "a", "any");
    expect(consequencesOf(reports)).toEqual(["childTerminated a autoShutdown"]);
  });

  test("of a start that failed: the supervisor does not start, or tries again", async () => {
    const world = createWorld();
    const reports = reportsOf(world);
    let starts = 0;
    const failing = startWith((starter, options) => {
      if (++starts !== 2) return { error: "no" };
      return { pid: starter.spawnOpt(options, async (self) => void (await self.receive())) };
    });
    const tree = defineSupervisor({ children: [child("a", failing)] });
    await startSupervisor(world.node, tree).catch(() => undefined);
    const supervisor = await startSupervisor(world.node, tree);
    world.node.exit(await world.pidOf(supervisor, "a"), "kill");
    await quiesce();
    expect(consequencesOf(reports)).toEqual([
      "startFailed a startFails",
      "childTerminated a restart",
      "startFailed a restart",
    ]);
  });
});

describe("a report in words", () => {
  test.each<[SupervisorReport, string]>([
    [
      { type: "childStarted", id: "a", pid: "P" as never, incarnation: 1, restarts: 0 },
      "child app/a started as P",
    ],
    [
      { type: "childStarted", id: "a", pid: "P" as never, incarnation: 4, restarts: 2 },
      "child app/a started as P (start 4)",
    ],
    [
      { type: "startFailed", id: "a", reason: "no", consequence: { type: "startFails" } },
      "child app/a did not start: no; its supervisor does not start",
    ],
    [
      {
        type: "childTerminated",
        id: "a",
        pid: "P" as never,
        reason: "any",
        consequence: { type: "restartLater", minMs: 99.6, maxMs: 200 },
      },
      "child app/a P ended: any; it is restarted in 100 to 200 ms",
    ],
    [
      { type: "shutdownFailed", id: "a", pid: "P" as never, reason: "killed" },
      "child app/a P was stopped, but ended otherwise: killed",
    ],
    [
      { type: "shutdownFailed", id: "a", pid: "P" as never, reason: "killed", count: 3 },
      "3 app/a were stopped, but ended otherwise: killed",
    ],
    [
      { type: "intensityExceeded", id: "a", intensity: 3, periodMs: 1_000 },
      "supervisor app gives up: child app/a needed more than 3 restarts in 1000 ms",
    ],
  ])("%j", (report, text) => {
    const reported = {
      type: "supervisorReport",
      supervisor: "S" as never,
      path: "app",
      report,
    } as const;
    expect(formatSupervisorReport(reported)).toBe(text);
  });
});

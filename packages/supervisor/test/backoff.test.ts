import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  defineSupervisor,
  deleteChild,
  InvalidChildSpecError,
  restartChild,
  startChild,
  startSupervisor,
  terminateChild,
  whichChildren,
  type Backoff,
  type ChildInfo,
  type Strategy,
  type SupervisorPid,
  type SupervisorSpec,
} from "@coppice/supervisor";
import { checkBackoff, chooseDelay, delayAfter, failuresBefore } from "../src/backoff.js";
import { createWorld, isSettled, type World } from "./world.js";

const refuse = (field: string, expected: string, received: unknown): never => {
  throw new InvalidChildSpecError(field, expected, received, "invalid_backoff");
};
const checked = (backoff: Backoff) => checkBackoff(backoff, refuse);

/** A sure delay of so many ms. */
const after = (ms: number): Backoff => ({ initialMs: ms, factor: 1, jitter: 0 });

/** Children of these ids; those in `delays` have that backoff. */
async function startWorkers(
  world: World,
  ids: string,
  delays: Readonly<Record<string, Backoff>>,
  flags: Omit<SupervisorSpec, "children"> = {},
): Promise<SupervisorPid> {
  const children = [...ids].map((id) => world.worker({ id, backoff: delays[id] }));
  const definition = defineSupervisor({ intensity: 100, ...flags, children });
  const supervisor = await startSupervisor(world.node, definition);
  world.news();
  return supervisor;
}

async function infoOf({ node }: World, supervisor: SupervisorPid, id: string): Promise<ChildInfo> {
  const children = await whichChildren(node, supervisor);
  return children.find((one) => one.id === id) as ChildInfo;
}

describe("a backoff", () => {
  test("has defaults for all it leaves out", () => {
    expect(checked({})).toEqual({
      initialMs: 200,
      maxMs: 30_000,
      factor: 2,
      jitter: 0.5,
      resetAfterMs: 30_000,
    });
    expect(checked({ initialMs: 60_000 })).toMatchObject({ maxMs: 60_000, resetAfterMs: 60_000 });
  });

  test.each<[string, unknown]>([
    ["", null],
    ["", "long"],
    ["initialMs", { initialMs: -1 }],
    ["initialMs", { initialMs: Infinity }],
    ["initialMs", { initialMs: "1" }],
    ["maxMs", { initialMs: 10, maxMs: 9 }],
    ["maxMs", { maxMs: NaN }],
    ["factor", { factor: 0.9 }],
    ["jitter", { jitter: 1.1 }],
    ["jitter", { jitter: -0.1 }],
    ["resetAfterMs", { resetAfterMs: -1 }],
    ["maxRetries", { maxRetries: 3 }],
  ])("with a wrong field %j is refused: %j", (field, wrong) => {
    let refused: unknown;
    try {
      checked(wrong as Backoff);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ path: field, rule: "invalid_backoff" });
  });

  test("grows by its factor up to its maximum, from so many failures on", () => {
    const backoff = checked({ initialMs: 100, maxMs: 1_000, factor: 3, jitter: 0.5 });
    const delays = [0, 1, 2, 3, 2_000].map((failures) => delayAfter(backoff, failures));
    expect(delays).toEqual([
      { minMs: 50, maxMs: 100 },
      { minMs: 150, maxMs: 300 },
      { minMs: 450, maxMs: 900 },
      { minMs: 500, maxMs: 1_000 },
      { minMs: 500, maxMs: 1_000 },
    ]);
    expect(delayAfter(checked({ initialMs: 0 }), 2_000)).toEqual({ minMs: 0, maxMs: 0 });
  });

  test("begins anew for a child that ran for resetAfterMs", () => {
    const backoff = checked({ resetAfterMs: 500 });
    expect(failuresBefore(backoff, 7, 499)).toBe(7);
    expect(failuresBefore(backoff, 7, 500)).toBe(0);
  });

  test("chooses within its bounds, never beyond the maximum", () => {
    fc.assert(
      fc.property(
        fc.record({
          initialMs: fc.nat(10_000),
          factor: fc.double({ min: 1, max: 10, noNaN: true }),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.nat(60),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (options, failures, random) => {
          const backoff = checked({ ...options, maxMs: 20_000 });
          const delay = delayAfter(backoff, failures);
          const chosen = chooseDelay(delay, random);
          expect(chosen).toBeGreaterThanOrEqual(delay.minMs - 1e-6);
          expect(chosen).toBeLessThanOrEqual(delay.maxMs);
          expect(delay.maxMs).toBeLessThanOrEqual(20_000);
        },
      ),
    );
  });
});

describe("a restart that a backoff delays", () => {
  test("comes when its time is over, and shows meanwhile how long it takes yet", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "ab", { a: after(100) });
    await world.end(supervisor, "a", "any");
    await world.clock.advance(30);
    expect(await infoOf(world, supervisor, "a")).toMatchObject({
      status: "restarting",
      pid: undefined,
      restartInMs: 70,
      lastExit: "any",
    });
    await world.clock.advance(69);
    expect(world.news()).toEqual(["-a any"]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["+a"]);
    expect(await infoOf(world, supervisor, "a")).toMatchObject({
      status: "running",
      restarts: 1,
      incarnation: 2,
      restartInMs: undefined,
    });
  });

  test("takes longer after each failure, and begins anew when the child has run long enough", async () => {
    const world = createWorld();
    const backoff = { initialMs: 100, maxMs: 350, factor: 2, jitter: 0, resetAfterMs: 1_000 };
    const supervisor = await startWorkers(world, "a", { a: backoff });
    const delays: (number | undefined)[] = [];
    for (const ranMs of [0, 0, 999, 0, 1_000, 0]) {
      await world.clock.advance(ranMs);
      await world.end(supervisor, "a", "any");
      const { restartInMs } = await infoOf(world, supervisor, "a");
      delays.push(restartInMs);
      await world.clock.advance(restartInMs as number);
    }
    expect(delays).toEqual([100, 200, 350, 350, 100, 200]);
  });

  test("takes its jitter from the node's randomness", async () => {
    const random = { next: () => 0.25 };
    const world = createWorld({ random });
    const backoff = { initialMs: 100, factor: 1, jitter: 0.4 };
    const supervisor = await startWorkers(world, "a", { a: backoff });
    await world.end(supervisor, "a", "any");
    expect((await infoOf(world, supervisor, "a")).restartInMs).toBe(90);
  });

  test("leaves the others alone under one_for_one, and they their own delays", async () => {
    const world = createWorld();
    const supervisor = await startWorkers(world, "abc", { a: after(100), b: after(50) });
    await world.end(supervisor, "a", "any");
    await world.end(supervisor, "b", "any");
    await world.end(supervisor, "c", "any");
    expect(world.news()).toEqual(["-a any", "-b any", "-c any", "+c"]);
    await world.clock.advance(50);
    expect(world.news()).toEqual(["+b"]);
    await world.clock.advance(50);
    expect(world.news()).toEqual(["+a"]);
  });

  test.each<[Strategy, string[], string[]]>([
    ["rest_for_one", ["-d shutdown", "-c shutdown"], ["+b", "+c", "+d"]],
    ["one_for_all", ["-d shutdown", "-c shutdown", "-a shutdown"], ["+a", "+b", "+c", "+d"]],
  ])("under %s stops siblings at once; all wait together and start in order", async (...row) => {
    const [strategy, stops, starts] = row;
    const world = createWorld();
    const supervisor = await startWorkers(world, "abcd", { b: after(100) }, { strategy });
    await world.end(supervisor, "b", "any");
    expect(world.news()).toEqual(["-b any", ...stops]);
    await world.clock.advance(99);
    expect(world.news()).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(starts);
  });

  test.each<[number, number]>([
    [300, 300],
    [20, 100],
  ])(
    "merges with that of a sibling before it: %d ms more and 50 gone of 150, start after %d",
    async (delay, startAfter) => {
      const world = createWorld();
      const delays = { a: after(delay), c: after(150) };
      const supervisor = await startWorkers(world, "abcd", delays, { strategy: "rest_for_one" });
      await world.end(supervisor, "c", "any");
      await world.clock.advance(50);
      await world.end(supervisor, "a", "any");
      expect(world.news()).toEqual(["-c any", "-d shutdown", "-a any", "-b shutdown"]);
      expect(world.node.counts.timers).toBe(1);
      await world.clock.advance(startAfter - 1);
      expect(world.news()).toEqual([]);
      await world.clock.advance(1);
      expect(world.news()).toEqual(["+a", "+b", "+c", "+d"]);
    },
  );

  test("merges also when the sibling before it has no delay of its own", async () => {
    const world = createWorld();
    const strategy = "rest_for_one";
    const supervisor = await startWorkers(world, "abc", { b: after(100) }, { strategy });
    await world.end(supervisor, "b", "any");
    await world.clock.advance(40);
    await world.end(supervisor, "a", "any");
    await world.clock.advance(59);
    expect(world.news().filter((entry) => entry.startsWith("+"))).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["+a", "+b", "+c"]);
  });

  test("counts for the intensity when the child fails, not when it is over", async () => {
    const world = createWorld();
    const flags = { intensity: 1, periodMs: 1_000 };
    const supervisor = await startWorkers(world, "a", { a: after(900) }, flags);
    await world.end(supervisor, "a", "any");
    await world.clock.advance(900);
    const ended = world.node.whenExited(supervisor);
    await world.end(supervisor, "a", "any");
    expect(await isSettled(ended)).toBe(true);
    expect(await ended).toBe("shutdown");
  });

  test("longer than the period never exceeds the intensity", async () => {
    const world = createWorld();
    const flags = { intensity: 1, periodMs: 1_000 };
    const supervisor = await startWorkers(world, "a", { a: after(1_001) }, flags);
    for (let round = 0; round < 5; round++) {
      await world.end(supervisor, "a", "any");
      await world.clock.advance(1_001);
    }
    expect((await infoOf(world, supervisor, "a")).restarts).toBe(5);
  });
});

describe("by hand, while a restart is delayed", () => {
  async function withWaiting(
    world: World,
    strategy: Strategy = "one_for_one",
  ): Promise<SupervisorPid> {
    const supervisor = await startWorkers(world, "abc", { b: after(100) }, { strategy });
    await world.end(supervisor, "b", "any");
    world.news();
    return supervisor;
  }

  test("a child is not deleted, and not restarted", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world);
    const refused = { ok: false, error: "restarting" };
    expect(await deleteChild(world.node, supervisor, "b")).toEqual(refused);
    expect(await restartChild(world.node, supervisor, "b")).toEqual(refused);
    const again = world.worker("b");
    expect(await startChild(world.node, supervisor, again)).toEqual({
      ok: false,
      error: "already_present",
    });
  });

  test("a child that is terminated stays so, and its timer is gone", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world);
    expect(await terminateChild(world.node, supervisor, "b")).toEqual({ ok: true });
    expect(world.node.counts.timers).toBe(0);
    await world.clock.advance(1_000);
    expect(world.news()).toEqual([]);
    expect(await infoOf(world, supervisor, "b")).toMatchObject({ status: "stopped" });
    expect(await restartChild(world.node, supervisor, "b")).toMatchObject({ ok: true });
  });

  test("one that is terminated leaves its group, which starts without it", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world, "one_for_all");
    await terminateChild(world.node, supervisor, "b");
    await world.clock.advance(100);
    expect(world.news()).toEqual(["+a", "+c"]);
  });

  test("one that is terminated and restarted runs at once, and the group leaves it alone", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world, "one_for_all");
    await terminateChild(world.node, supervisor, "b");
    await restartChild(world.node, supervisor, "b");
    await world.clock.advance(100);
    expect(world.news()).toEqual(["+b", "+a", "+c"]);
  });

  test("one that runs again and fails takes those that wait still into its own wait", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world, "one_for_all");
    await terminateChild(world.node, supervisor, "b");
    await restartChild(world.node, supervisor, "b");
    await world.clock.advance(60);
    await world.end(supervisor, "b", "any");
    world.news();
    await world.clock.advance(99);
    expect(world.news()).toEqual([]);
    await world.clock.advance(1);
    expect(world.news()).toEqual(["+a", "+b", "+c"]);
  });

  test("a child that is added runs at once", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world, "one_for_all");
    await startChild(world.node, supervisor, world.worker("d"));
    await world.clock.advance(100);
    expect(world.news()).toEqual(["+d", "+a", "+b", "+c"]);
  });

  test("the supervisor ends at once, and nothing is left of the wait", async () => {
    const world = createWorld();
    const supervisor = await withWaiting(world);
    const ended = world.node.whenExited(supervisor);
    world.node.exit(supervisor, "shutdown");
    expect(await ended).toBe("shutdown");
    expect(world.news()).toEqual(["-c shutdown", "-a shutdown"]);
    expect(world.node.counts).toMatchObject({ processes: 0, timers: 0 });
  });
});

import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, KeySpace, type Pid } from "@coppice/core";
import {
  dependent,
  explore,
  FIFO,
  inMacrotask,
  runProgram,
  runProgramAsync,
  type Exploration,
  type ExploreOptions,
  type Program,
  type Reads,
  type Simulation,
} from "@coppice/testkit";
import { countAll } from "./all-orders.js";

interface Lamps {
  readonly lit: Set<string>;
  readonly pids: Readonly<Record<"a" | "b", Pid<string>>>;
}

/**
 * Two lamps that have nothing to do with each other. `b` hears of it over a relay: oldest first or newest
 * first, one is off again before the other is on.
 */
function lamps(look: (sim: Simulation, lamps: Lamps) => void): Program {
  return (sim) => {
    const node = sim.node();
    const lit = new Set<string>();
    const lamp = (key: string): Pid<string> =>
      node.spawnOpt<string>({ key }, async (self) => {
        for (;;) {
          if ((await self.receive()) === "on") lit.add(key);
          else lit.delete(key);
        }
      });
    const [a, b] = [lamp("a"), lamp("b")];
    const relay = node.spawnOpt<string>({ key: "relay" }, async (self) => {
      for (let i = 0; i < 3; i++) {
        const message = await self.receive();
        if (i > 0) self.send(b, message);
      }
    });
    node.spawnOpt<never>({ key: "switch" }, (self) => {
      for (const message of ["on", "off"]) self.send(a, message);
      for (const message of ["wait", "on", "off"]) self.send(relay, message);
    });
    look(sim, { lit, pids: { a, b } });
  };
}

const both = ({ lit }: Lamps): boolean => lit.size === 2;
const notBoth =
  (reads?: (lamps: Lamps) => Reads) =>
  (sim: Simulation, all: Lamps): void =>
    sim.always("not both", () => !both(all), { reads: reads?.(all) });

function exploring(program: Program, options: ExploreOptions = {}): Promise<Exploration> {
  return inMacrotask(() => explore(program, { strategies: [], ...options }));
}

describe("what is looked at between steps", () => {
  test("may be seen in one order of independent steps alone, and an exploration sees it", async () => {
    // One class of schedules, as nothing races; the oldest-first one shows nothing.
    const one = await exploring(lamps(() => undefined));
    expect(one.statement).toMatchObject({ kind: "exhaustive", classes: 1 });
    expect((await runProgramAsync(lamps(notBoth()), FIFO)).violations).toEqual([]);
    const { failures } = await exploring(lamps(notBoth()));
    expect(failures.map(({ violations }) => violations[0]?.check)).toEqual(["not both"]);
  });

  test("is looked at in every order, when nobody knows what it is", async () => {
    const program = lamps((sim, { lit }) => sim.always("no third", () => lit.size < 3));
    const truth = await inMacrotask(() => {
      const keySpace = new KeySpace({ interns: true });
      return countAll((strategy) => runProgram(program, strategy, { keySpace }), 10_000);
    });
    expect(truth?.classes).toBe(1);
    expect((await exploring(program)).statement.text).toBe(
      `exhaustive: 1 of 1 inequivalent schedule (${truth?.orders} orders, profile pairFifo, faults 0, timers 0, 0 violations)`,
    );
  });

  test("and if that is too much, nobody says it was exhaustive", async () => {
    const program = lamps((sim, { lit }) => {
      sim.always("no third", () => lit.size < 3);
      sim.observe(() => undefined);
    });
    const { statement } = await exploring(program, { dporRuns: 5 });
    expect(statement.text).toMatch(
      /^bounded\("no third", an observer looked at in some orders of each\): 1 inequivalent schedule in 8 runs/,
    );
  });

  test("counts among all schedules that fail those classes that do", async () => {
    const { statement, failing } = await exploring(lamps(notBoth()), { all: true });
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 1, violations: 1 });
    expect(failing).toBeGreaterThan(1);
  });

  test("makes the order of those changes count that it looks at, when it says at what", async () => {
    const { statement } = await exploring(lamps(notBoth(({ pids }) => [pids.a, pids.b])), {
      all: true,
    });
    // Two of one lamp and two of the other, in any order; it passes when one is off before the other is on.
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 6, violations: 4 });
  });

  test("costs nothing when it is one process, or what each does by itself", async () => {
    for (const reads of [[], ["mailbox:n/a"]]) {
      const program = lamps((sim, { lit }) => sim.always("a", () => lit.size < 3, { reads }));
      const { statement } = await exploring(program);
      expect(statement).toMatchObject({ kind: "exhaustive", classes: 1 });
    }
    const program = lamps((sim, all) =>
      sim.always("a", () => all.lit.size < 3, { reads: [all.pids.a] }),
    );
    expect((await exploring(program)).statement.classes).toBe(1);
  });

  test("is seen when it should be sometimes, and looked for no longer than that", async () => {
    const program = lamps((sim, all) => sim.sometimes("both", () => both(all)));
    const { statement, coverage, runs } = await exploring(program);
    expect(coverage.seen).toEqual(["both"]);
    expect(statement).toMatchObject({ kind: "exhaustive", classes: 1 });
    expect(runs).toBeLessThan(30);
  });

  test("can be what is shared, or on a disk", async () => {
    const program =
      (focused: boolean): Program =>
      (sim) => {
        const node = sim.node();
        const table = sim.shared("table", 0);
        const disk = sim.durable("n", "log", 0);
        const reads = focused ? [table, disk] : [table];
        sim.always("the disk is not ahead", () => disk.read() <= table.now, { reads });
        node.spawnOpt<never>({ key: "t" }, async (self) => void (await table.write(self, () => 1)));
        node.spawnOpt<never>({ key: "d" }, async (self) => {
          await self.yield();
          disk.write(1);
        });
      };
    expect((await exploring(program(true), { all: true })).statement).toMatchObject({
      classes: 2,
      violations: 1,
    });
    expect((await exploring(program(false), { all: true })).statement.classes).toBe(1);
  });

  test("can be what a fault waits for", async () => {
    const strikes = (reads?: (all: Lamps) => Reads): Program =>
      lamps((sim, all) => {
        sim.fault("strike", () => sim.fail("struck", "both were lit"), {
          when: () => both(all),
          reads: reads?.(all),
        });
      });
    for (const program of [strikes(), strikes(({ pids }) => [pids.a, pids.b])]) {
      const { failures } = await exploring(program);
      expect(failures.map(({ violations }) => violations[0]?.check)).toEqual(["struck"]);
    }
    const { statement } = await exploring(strikes(), { dporRuns: 2 });
    expect(statement.bounds).toEqual(["what strike waits for looked at in some orders of each"]);
  });

  test("has to be something", async () => {
    const program = lamps((sim) => sim.always("x", () => true, { reads: [7 as never] }));
    await expect(runProgramAsync(program, FIFO)).rejects.toThrow(InvalidArgumentError);
    await expect(runProgramAsync(program, FIFO)).rejects.toThrow('always "x": options.reads');
  });
});

test("what code does to the world by itself depends on all that happens", async () => {
  const { steps } = await runProgramAsync((sim) => {
    const node = sim.node();
    sim.node("other");
    for (const key of ["p", "q"]) {
      const pid = node.spawnOpt<string>({ key }, async (self) => {
        await self.receive();
        if (key === "p") sim.pause("other");
      });
      node.send(pid, "go");
    }
  }, FIFO);
  const [p, q] = steps;
  expect(p !== undefined && q !== undefined && dependent(p, q)).toBe(true);
});

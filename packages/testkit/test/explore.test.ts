import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, KeySpace } from "@coppice/core";
import {
  CommutativityError,
  DelayBounded,
  drawFaults,
  explore,
  exploreRuns,
  inMacrotask,
  messageKindOf,
  NotInMacrotaskError,
  runProgram,
  strategyOfPlan,
  withFaults,
  type Exploration,
  type ExploreOptions,
  type Program,
  type Run,
  type SamplePlan,
  type SimulationOptions,
  type Strategy,
  type Transition,
} from "@coppice/testkit";
import { boundedBuffer, cacheFill, lostWakeUp, readersAndWriter } from "./counted-programs.js";
import { runToy } from "./toy-kernel.js";
import { fanIn, readModifyWrite } from "./programs.js";

function exploring(
  program: Program,
  options: ExploreOptions & { readonly simulation?: SimulationOptions } = {},
): Promise<Exploration> {
  return inMacrotask(() => explore(program, options));
}

describe("exploration", () => {
  test("stops at the first violation and says so", async () => {
    const { runs, failures, statement } = await exploring(cacheFill);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      strategy: "dpor",
      violations: [{ check: "nothing stale is kept" }],
    });
    expect(failures[0]?.index).toBe(runs - 1);
    expect(statement.kind).toBe("bounded");
    expect(statement.bounds).toContain("stopped at the first violation");
  });

  test("finds what fails in the order of sending with its first run", async () => {
    const { runs, failures } = await exploring(lostWakeUp);
    expect(runs).toBe(1);
    expect(failures[0]).toMatchObject({ strategy: "fifo", index: 0, seed: undefined });
  });

  test("goes on after a violation when it is to count", async () => {
    const { statement, failing, failures } = await exploring(boundedBuffer, { all: true });
    expect(statement.text).toBe(
      "exhaustive: 30 of 30 inequivalent schedules (profile pairFifo, faults 0, timers 0, 2 violations)",
    );
    expect(failures).toHaveLength(failing);
  });

  test("samples when there are too many classes, and names the cap", async () => {
    const { statement, runs, coverage } = await exploring(fanIn(4, 3), {
      runs: 1_000,
      dporRuns: 200,
    });
    expect(runs).toBe(1_000);
    expect(statement.text).toMatch(
      /^bounded\(cap 200\): [\d,]+ inequivalent schedules in 1,000 runs/,
    );
    expect(coverage.unseenMass).toBeGreaterThan(0.5);
  });

  test("takes turns with samples before it goes through many classes, and is exhaustive all the same", async () => {
    const { failures, statement, runs } = await exploring(readModifyWrite(4), { all: true });
    const early = failures.filter(({ index }) => index < 200);
    const sampled = early.filter(({ plan }) => plan !== undefined).map(({ index }) => index);
    expect(sampled.filter((index) => index < 160).length).toBeGreaterThan(40);
    expect(Math.min(...sampled)).toBeGreaterThanOrEqual(32);
    // From there on one of eight.
    expect(sampled.filter((index) => index >= 160)).toEqual([160, 168, 176, 184, 192]);
    expect(statement).toMatchObject({ kind: "bounded", bounds: ["cap 2000"] });
    expect(runs).toBe(10_000);
    const three = await exploring(readModifyWrite(3), { all: true });
    expect(three.statement).toMatchObject({ kind: "exhaustive", classes: 90, violations: 84 });
  });

  test("takes turns with samples again when half of the time is over, however many runs source-DPOR may take", async () => {
    const keySpace = new KeySpace({ interns: true });
    let nowMs = 0;
    const run = (strategy: Strategy): Run => {
      nowMs++;
      return runProgram(failing, strategy, { keySpace });
    };
    const failing: Program = (sim) => {
      sim.finally("never", () => false);
      return fanIn(5, 3)(sim);
    };
    const circumstances = {
      profile: "pairFifo",
      bounds: [],
      dpor: true,
      nowMs: () => nowMs,
    } as const;
    const { failures } = await inMacrotask(() =>
      exploreRuns(run, { ms: 600, dporRuns: Infinity, all: true }, circumstances),
    );
    const samplesFrom = (from: number, until: number): number =>
      failures.slice(from, until).filter(({ plan }) => plan !== undefined).length;
    expect(failures).toHaveLength(600);
    expect(samplesFrom(160, 300)).toBe(18);
    expect(samplesFrom(300, 600)).toBe(150);
  });

  test("is not exhaustive when runs are cut off", async () => {
    const { statement } = await exploring(fanIn(3, 1), { runs: 50, simulation: { stepLimit: 2 } });
    expect(statement.kind).toBe("bounded");
    expect(statement.text).toContain("cut off at the step limit");
  });

  test("is not exhaustive when clocks are bounded or time has a horizon", async () => {
    for (const simulation of [{ clock: { maxLatencyMs: 5 } }, { horizonMs: 10 }] as const) {
      const { statement } = await exploring(fanIn(2, 1), { runs: 30, simulation });
      expect(statement.kind).toBe("bounded");
    }
  });

  test("is not exhaustive when a plan says when faults happen", async () => {
    const program: Program = (sim) => {
      sim.faults.declare("strike", () => undefined);
      return fanIn(2, 1)(sim);
    };
    const plan = [{ fault: "strike", at: { step: 1 } }];
    const { statement } = await exploring(program, { runs: 30, simulation: { plan } });
    expect(statement.bounds).toContain("planned faults");
  });

  test("ends in time", async () => {
    const startMs = performance.now();
    const { statement, runs } = await exploring(fanIn(5, 3), { ms: 200, dporRuns: Infinity });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(runs).toBeGreaterThan(3);
    expect(statement.text).toContain("200 ms");
  });

  test("is the same for the same seed", async () => {
    const once = await exploring(fanIn(4, 3), { runs: 200, dporRuns: 0, seed: 7 });
    const again = await exploring(fanIn(4, 3), { runs: 200, dporRuns: 0, seed: 7 });
    const other = await exploring(fanIn(4, 3), { runs: 200, dporRuns: 0, seed: 8 });
    expect(again.coverage).toEqual(once.coverage);
    expect(other.coverage).not.toEqual(once.coverage);
  });

  test("gives a plan with what it has drawn, and the plan makes the same run", async () => {
    const { failures } = await exploring(cacheFill, { dporRuns: 0, all: true, runs: 400 });
    const drawn = failures.filter(({ plan }) => plan !== undefined);
    expect(new Set(drawn.map(({ strategy }) => strategy)).size).toBe(5);
    await inMacrotask(() => {
      for (const { run, plan } of drawn.slice(0, 30)) {
        const copy = JSON.parse(JSON.stringify(plan)) as SamplePlan;
        expect(runProgram(cacheFill, strategyOfPlan(copy)).hash()).toBe(run.hash());
      }
    });
  });

  test("tries out whether kinds that are said to commute do", async () => {
    const commutes = [["get", "set"]] as const;
    await expect(exploring(readModifyWrite(3), { all: true, commutes })).rejects.toThrow(
      CommutativityError,
    );
    const { statement } = await exploring(readersAndWriter(4), { commutes: [["read", "read"]] });
    expect(statement.classes).toBe(16);
  });

  test("refuses what it does not know", async () => {
    await expect(exploring(fanIn(2, 1), { rans: 3 } as never)).rejects.toThrow(
      InvalidArgumentError,
    );
    await expect(exploring(fanIn(2, 1), { runs: -1 })).rejects.toThrow("a number of at least 0");
    const text = { runs: "5" as never };
    await expect(exploring(fanIn(2, 1), text)).rejects.toThrow('at least 0, but is "5"');
    await expect(exploring(fanIn(2, 1), { strategies: ["pct9"] as never })).rejects.toThrow(
      "walk, pct2",
    );
    expect(() => explore(fanIn(2, 1))).toThrow(NotInMacrotaskError);
  });
});

describe("coverage", () => {
  test("counts races seen in both orders, and names those that were not", async () => {
    const { coverage } = await exploring(readersAndWriter(1), { dporRuns: 0, runs: 200 });
    expect(coverage).toMatchObject({ classes: 2, races: { seen: 1, bothOrders: 1, oneOrder: [] } });
    const once = await exploring(readersAndWriter(1), { dporRuns: 0, runs: 1 });
    expect(once.coverage.races).toEqual({
      seen: 1,
      bothOrders: 0,
      oneOrder: ["n/store: write before read"],
    });
  });

  test("knows that nothing is unseen after all classes, and of nothing before a sample", async () => {
    expect((await exploring(fanIn(3, 1))).coverage.unseenMass).toBe(0);
    expect((await exploring(fanIn(3, 1), { runs: 3 })).coverage.unseenMass).toBe(1);
  });

  test("tells how many messages waited for each process at the most", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const picky = node.spawnOpt<string>({ key: "picky" }, async (self) => {
        await self.receive((message) => message === "last");
        for (;;) await self.receive();
      });
      const quick = node.spawnOpt<string>({ key: "quick" }, async (self) => {
        for (;;) await self.receive();
      });
      for (const message of ["first", "second", "last"]) {
        node.send(picky, message);
        node.send(quick, message);
      }
    };
    const { coverage } = await exploring(program);
    expect(coverage.mailboxes).toEqual({ "n/picky": 2 });
  });

  test("tells in which states which faults have struck, and which pairs are missing", async () => {
    const program =
      (isExposed: boolean): Program =>
      (sim) => {
        const node = sim.node();
        let phase = "fresh";
        const pid = node.spawnOpt<string>({ key: "p" }, async (self) => {
          await self.receive();
          phase = "greeted";
          await self.sleep(10);
          phase = "rested";
        });
        if (isExposed) sim.state("phase", () => phase);
        sim.faults.crash("p", pid);
        sim.fault("nudge:it", () => {}, { when: () => phase === "fresh", reads: [] });
        node.send(pid, "hello");
      };
    const exposed = await exploring(program(true));
    expect(exposed.coverage.faults).toEqual({
      kinds: 2,
      states: 2,
      seen: 3,
      missing: ['nudge in phase "greeted"'],
    });
    const { faults } = (await exploring(program(false))).coverage;
    // What strikes nobody in particular finds nobody in a state.
    expect(faults).toEqual({ kinds: 1, states: 2, seen: 2, missing: [] });
  });

  test("tells the depth up to which bugs were found by the bound of PCT", async () => {
    const options = { dporRuns: 0, strategies: ["pct2"] } as const;
    const { coverage } = await exploring(fanIn(2, 2), { ...options, runs: 13 });
    // n = 2 channels, k = 4 steps: (1 − 1/8)^m ≤ 0.05 from m = 23 on, (1 − 1/2)^m from m = 5 on.
    expect(coverage.pctDepth).toBe(1);
    expect((await exploring(fanIn(2, 2), { ...options, runs: 30 })).coverage.pctDepth).toBe(2);
  });

  test.each([
    ["get", "get"],
    [{ type: "put", value: 1 }, "put"],
    [{ type: "call", request: { type: "put" } }, "put"],
    [{ type: "cast", request: "go" }, "go"],
    [["put", 1], "put"],
    [{ set: 1 }, "set"],
    [7, "number"],
    [null, "null"],
  ])("takes the kind of %j to be %j", (message, kind) => {
    expect(messageKindOf({ message } as unknown as Transition)).toBe(kind);
  });
});

describe("schedules with few delays", () => {
  test.each([
    [0, 1],
    [1, 1 + 2],
    [2, 6 - 1],
    [3, 6],
  ])("with at most %d delays of three equal steps are %d", async (delays, schedules) => {
    const seen = await inMacrotask(() => {
      const keySpace = new KeySpace({ interns: true });
      const bounded = new DelayBounded(delays);
      const hashes: string[] = [];
      while (!bounded.done) {
        hashes.push(runProgram(fanIn(3, 1), bounded, { keySpace }).hash());
        bounded.learn();
      }
      return hashes;
    });
    expect(seen).toHaveLength(schedules);
    expect(new Set(seen).size).toBe(schedules);
  });
});

describe("an exploration with few delays", () => {
  const options: ExploreOptions = { dporRuns: 0, strategies: [], delays: 1 };

  test("makes all schedules with so many, after what else it was asked for, and says so", async () => {
    const { runs, statement } = await exploring(fanIn(3, 1), options);
    // Three plain ones, and the three of the table above.
    expect(runs).toBe(3 + 3);
    expect(statement.bounds).toContain("all with delays ≤ 1");
  });

  test("leaves a fifth of its runs for them where it also samples", async () => {
    const { runs, statement } = await exploring(fanIn(3, 2), {
      ...options,
      strategies: ["walk"],
      runs: 100,
    });
    const only = await exploring(fanIn(3, 2), options);
    expect(runs).toBe(80 + only.runs - 3);
    expect(statement.bounds).toContain("all with delays ≤ 1");
  });

  test("does not say that it made all where it did not", async () => {
    const { runs, statement } = await exploring(fanIn(3, 1), { ...options, runs: 5 });
    expect(runs).toBe(5);
    expect(statement.bounds.join()).not.toContain("delays");
  });
});

describe("a fault plan", () => {
  const choice = { faults: ["crash:a", "crash:b", "disk:a"], keys: ["k1", "k2", "k3"] };
  const plans = Array.from({ length: 3_000 }, (_, seed) =>
    drawFaults({ ...choice, seed, budget: 2 }),
  );

  test("draws number, kind and moment alike", () => {
    for (const many of [0, 1, 2]) {
      const share = plans.filter((plan) => plan.length === many).length / plans.length;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.05);
    }
    const all = plans.flat();
    for (const moment of [undefined, "k1", "k2", "k3"]) {
      const share = all.filter(({ after }) => after === moment).length / all.length;
      expect(Math.abs(share - 1 / 4)).toBeLessThan(0.05);
    }
    const disks = all.filter(({ fault }) => fault === "disk:a").length / all.length;
    expect(Math.abs(disks - 1 / 2)).toBeLessThan(0.05);
  });

  test("lets what befalls one message befall it as soon as it is there", () => {
    const faults = ["drop:a→b#1", "duplicate:a→b#1"];
    const drawn = Array.from({ length: 100 }, (_, seed) =>
      drawFaults({ ...choice, faults, seed, budget: 1 }),
    ).flat();
    expect(new Set(drawn.map(({ fault }) => fault))).toEqual(new Set(faults));
    expect(drawn.every(({ after }) => after === undefined)).toBe(true);
  });

  test("leaves out a kind altogether in many runs", () => {
    const pairs = plans.filter((plan) => plan.length === 2);
    const mixed = pairs.filter(([one, other]) => one?.fault[0] !== other?.fault[0]).length;
    // With both kinds in all plans it would be half of them.
    expect(mixed / pairs.length).toBeLessThan(1 / 3);
  });

  test("mends in most plans what it breaks, which counts for no fault", () => {
    const faults = ["down:n", "downKeeping:n", "partition:a|b", "heal:a|b", "crash:a"];
    const drawn = Array.from({ length: 3_000 }, (_, seed) =>
      drawFaults({ ...choice, faults, seed, budget: 1 }),
    );
    const namesOf = (plan: (typeof drawn)[number]): string => plan.map(({ fault }) => fault).join();
    const count = (name: string): number => drawn.filter((plan) => namesOf(plan) === name).length;
    expect(new Set(drawn.map(namesOf))).toEqual(
      new Set([
        "",
        "down:n",
        "down:n,up:n",
        "downKeeping:n",
        "downKeeping:n,up:n",
        "partition:a|b",
        "partition:a|b,heal:a|b",
        "crash:a",
      ]),
    );
    expect(
      Math.abs(drawn.filter(({ length }) => length === 0).length / 3_000 - 1 / 2),
    ).toBeLessThan(0.05);
    const share = count("down:n,up:n") / (count("down:n") + count("down:n,up:n"));
    expect(Math.abs(share - 3 / 4)).toBeLessThan(0.08);
    const moments = new Set(drawn.flat().map(({ fault, after }) => `${fault} ${after}`));
    expect(moments).toContain("up:n k3");
    expect(moments).toContain("up:n undefined");
  });

  test("lets each clock run one way or the other in half of the plans, whatever the budget of faults is", () => {
    const faults = ["fast:a", "lagging:a", "fast:b", "lagging:b", "late:a→b#1"];
    const drawn = Array.from({ length: 3_000 }, (_, seed) =>
      drawFaults({ ...choice, faults, seed, budget: 0 }).map(({ fault }) => fault),
    );
    const share = (names: string): number =>
      drawn.filter((plan) => plan.join() === names).length / drawn.length;
    for (const both of ["fast:a,lagging:b", "lagging:a,lagging:b", "fast:a", "lagging:b"]) {
      expect(Math.abs(share(both) - 1 / 18)).toBeLessThan(0.02);
    }
    expect(Math.abs(share("") - 10 / 18)).toBeLessThan(0.05);
    const late = Array.from({ length: 300 }, (_, seed) =>
      drawFaults({ ...choice, faults, seed, budget: 2 }),
    );
    expect(late.flat().some(({ fault }) => fault === "late:a→b#1")).toBe(true);
  });

  test("brings up again what is down, also where nothing else than its fall was possible before", async () => {
    const program: Program = (sim) => {
      let lives = 0;
      sim.boot("n", (node) => {
        lives++;
        node.spawnOpt<never>({ key: "p" }, (self) => self.yield());
      });
      sim.faults.nodeDown("n");
      sim.sometimes("it lives again", () => lives === 2, { reads: [] });
    };
    const { coverage } = await exploring(program, { dporRuns: 0, runs: 50 });
    expect(coverage.seen).toEqual(["it lives again"]);
  });

  test("lets a fault happen right after its moment, and no other", () => {
    const fifo: Strategy = { pick: (enabled) => enabled.find(({ kind }) => kind !== "fault") };
    const run = (after: string | undefined): string =>
      runToy(
        (toy) => {
          toy.spawn("sink", function* (self) {
            for (;;) yield self.receive();
          });
          toy.spawn("source", function* (self) {
            for (const m of ["a", "b"]) self.send("sink", m);
            yield self.receive();
          });
          toy.fault("crash", "sink", () => undefined);
          toy.budget(1);
        },
        withFaults(fifo, [{ fault: "f:crash", after }]),
      ).hash();
    expect(run(undefined)).toBe("f:crash source→sink#1 source→sink#2");
    expect(run("source→sink#1")).toBe("source→sink#1 f:crash source→sink#2");
    expect(run("source→sink#9")).toBe("source→sink#1 source→sink#2");
  });
});

test("under datagram the order of what one process sends to another is explored as well", async () => {
  const simulation = { profile: "datagram" } as const;
  const { statement } = await exploring(fanIn(1, 3), { simulation });
  expect(statement).toMatchObject({ kind: "exhaustive", classes: 6 });
  // A copy has a key of its own: what is sent after it keeps its number.
  const keys = new Set<string>();
  const copied: Program = (sim) => {
    sim.faults.duplicate();
    sim.observe(({ transition }) => void keys.add(transition.key.replace(/^[^#]*/, "")), {
      reads: [],
    });
    return fanIn(1, 2)(sim);
  };
  const { bounds } = (await exploring(copied, { simulation, all: true })).statement;
  expect(bounds).toEqual(["faults ≤ 1"]);
  expect([...keys].toSorted()).toEqual(["#1", "#1#1", "#1~2", "#2", "#2#1", "#2~2"]);
});

import { describe, expect, test } from "@jest/globals";
import { KeySpace } from "@coppice/core";
import {
  drawChanges,
  FIFO,
  inMacrotask,
  parseSchedule,
  partialOrderSampling,
  pct,
  runProgram,
  strategyOf,
  strategyOfPlan,
  surw,
  traceClass,
  walk,
  type Program,
  type Run,
  type SamplePlan,
  type Strategy,
} from "@coppice/testkit";
import { cacheFill } from "./counted-programs.js";
import { fanIn, readModifyWrite } from "./programs.js";

/** Runs a program under many strategies that share a key space. */
function runs(program: Program, strategies: readonly Strategy[]): Promise<Run[]> {
  return inMacrotask(() => {
    const keySpace = new KeySpace({ interns: true });
    return strategies.map((strategy) => runProgram(program, strategy, { keySpace }));
  });
}

const seeds = (many: number): number[] => Array.from({ length: many }, (_, seed) => seed);

function countBy<T>(items: readonly T[], key: (item: T) => unknown): number[] {
  const counts = new Map<unknown, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts.values()];
}

/** Pearson's statistic against equal shares, over its degrees of freedom: near 1 when they are equal. */
function unevenness(counts: readonly number[], cells: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / cells;
  const squares = counts.map((count) => (count - expected) ** 2 / expected);
  const missing = (cells - counts.length) * expected;
  return (squares.reduce((sum, square) => sum + square, 0) + missing) / (cells - 1);
}

describe("a walk", () => {
  test("takes each order of equal steps equally often", async () => {
    const made = await runs(fanIn(4, 1), seeds(4_800).map(walk));
    expect(
      unevenness(
        countBy(made, (run) => run.hash()),
        24,
      ),
    ).toBeLessThan(1.9);
  });

  test("takes what it may at each step with equal chances, also when channels differ in length", async () => {
    // One of three channels is done after one step: 1/3 for its message to come first, 2/3 · 1/3 for second, ….
    const program: Program = (sim) => {
      const node = sim.node();
      const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) await self.receive();
      });
      const send = (key: string, many: number): void => {
        node.spawnOpt<never>({ key }, (self) => {
          for (let m = 0; m < many; m++) self.send(sink, key);
        });
      };
      send("one", 1);
      send("many", 6);
      send("more", 6);
    };
    const made = await runs(program, seeds(6_000).map(walk));
    const places = made.map(({ steps }) =>
      steps.findIndex((step) => step.transition.key.startsWith("n/one")),
    );
    for (const place of [0, 1, 2]) {
      const share = places.filter((at) => at === place).length / made.length;
      expect(Math.abs(share - (1 / 3) * (2 / 3) ** place)).toBeLessThan(0.02);
    }
  });

  test("lets a timer fire with a quarter of the weight of a message", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) await self.receive();
      });
      node.sendAfter(sink, 10, "tick");
      node.spawnOpt<never>({ key: "source" }, (self) => self.send(sink, "m"));
    };
    const made = await runs(program, seeds(4_000).map(walk));
    const early =
      made.filter(({ steps }) => steps[0]?.transition.kind === "timer").length / made.length;
    expect(Math.abs(early - 0.2)).toBeLessThan(0.02);
  });
});

describe("SURW", () => {
  test("takes each order of arrivals equally often when it knows how long channels are", async () => {
    const lengths = new Map([
      ["n/s1→n/sink", 2],
      ["n/s2→n/sink", 2],
      ["n/s3→n/sink", 2],
    ]);
    const plans = seeds(9_000).map((seed) => surw({ seed, process: "n/sink", lengths }));
    const made = await runs(fanIn(3, 2), plans);
    expect(unevenness(countBy(made, traceClass), 90)).toBeLessThan(1.5);
  });
});

describe("PCT", () => {
  /** Two processes of steps that matter to nobody, with one that does among them. */
  function figure(first: readonly string[], second: readonly string[]): Program {
    return (sim) => {
      const node = sim.node();
      const x = sim.shared<number | null>("x", first.includes("set") ? null : 1);
      const body =
        (steps: readonly string[]) =>
        async (self: Parameters<typeof x.read>[0] & { yield(): Promise<void> }) => {
          for (const step of steps) {
            if (step === "set") await x.write(self, () => 1);
            else if (step === "clear") await x.write(self, () => null);
            else if (step === "use")
              await x.read(self, (value) => value === null && sim.fail("not null", "it is null"));
            else if (step === "check") {
              // What is checked here is used in the next step.
              if ((await x.read(self, (value) => value)) === null) return;
            } else await self.yield();
          }
        };
      node.spawnOpt<never>({ key: "first" }, body(first));
      node.spawnOpt<never>({ key: "second" }, body(second));
    };
  }

  const idle = (steps: number): string[] => Array.from({ length: steps }, () => "idle");

  /** The lower end of the interval that holds the chance with 99 % confidence (normal, one-sided). */
  function atMost(hits: number, tries: number): number {
    const share = hits / tries;
    return share + 2.326 * Math.sqrt((share * (1 - share)) / tries);
  }

  test("finds a bug of depth 1 with a chance of at least 1/2 (99 % confidence)", async () => {
    const program = figure([...idle(5), "set", ...idle(5)], [...idle(5), "use", ...idle(5)]);
    const made = await runs(
      program,
      seeds(2_000).map((seed) => pct({ seed, depth: 1, changes: [] })),
    );
    const hits = made.filter(({ violations }) => violations.length > 0).length;
    expect(atMost(hits, made.length)).toBeGreaterThanOrEqual(1 / 2);
  });

  test("finds a bug of depth 2 with a chance of at least 1/(n·k) = 1/40 (99 % confidence)", async () => {
    const program = figure(
      [...idle(5), "clear", ...idle(4)],
      [...idle(4), "check", "use", ...idle(4)],
    );
    const [oldest] = await runs(program, [FIFO]);
    expect(oldest?.steps).toHaveLength(20);
    const keys = (oldest as Run).steps.map(({ transition }) => transition.keyHash);
    const strategies = seeds(8_000).map((seed) =>
      pct({ seed, depth: 2, changes: drawChanges(seed, 2, keys) }),
    );
    const made = await runs(program, strategies);
    const hits = made.filter(({ violations }) => violations.length > 0).length;
    expect(atMost(hits, made.length)).toBeGreaterThanOrEqual(1 / 40);
    // Above the bound, not only not below it: the interval from the other side.
    expect(hits / made.length).toBeGreaterThan(1 / 45);
  });

  test("by a token changes as often as the length in it says: a bug of depth 2 is found in a run of that length", async () => {
    const program = figure(
      [...idle(5), "clear", ...idle(4)],
      [...idle(4), "check", "use", ...idle(4)],
    );
    const found = async (length: number): Promise<number> => {
      const tokens = seeds(3_000).map((seed) => `v1:p=pairFifo;s=pct2@${seed}/${length}`);
      const made = await runs(
        program,
        tokens.map((token) => strategyOf(parseSchedule(token))),
      );
      return made.filter(({ violations }) => violations.length > 0).length;
    };
    // Drawn one by one: the one that is needed and no other comes in at least 1/e of the runs with one change.
    expect(atMost(await found(20), 3_000)).toBeGreaterThanOrEqual(1 / 40 / Math.E);
    // With no change in sight, no bug of depth 2.
    expect(await found(2 ** 32 - 1)).toBe(0);
  });
});

describe("a seed", () => {
  /** The same program, with clients of another server beside it. */
  function withNoise(program: Program, pairs: number): Program {
    return async (sim) => {
      await program(sim);
      const node = sim.node("noise");
      for (let p = 0; p < pairs; p++) {
        const server = node.spawnOpt<number>({ key: `server${p}` }, async (self) => {
          for (;;) await self.receive();
        });
        node.spawnOpt<never>({ key: `client${p}` }, async (self) => {
          for (let m = 0; m < 3; m++) {
            self.send(server, m);
            await self.yield();
          }
        });
      }
    };
  }

  const ofProgram = ({ steps }: Run): string =>
    steps
      .map(({ transition }) => transition.key)
      .filter((key) => !key.includes("noise"))
      .join(" ");

  test.each<[string, (seed: number, keys: readonly number[]) => Strategy]>([
    ["walk", walk],
    ["pos", partialOrderSampling],
    ["pct2", (seed) => pct({ seed, depth: 2 })],
    ["pct3", (seed) => pct({ seed, depth: 3 })],
    [
      "pct2 by plan",
      (seed, keys) => {
        const plan: SamplePlan = { strategy: "pct2", seed, changes: drawChanges(seed, 2, keys) };
        return strategyOfPlan(plan);
      },
    ],
    ["surw", (seed) => surw({ seed, process: "n/cache" })],
  ])("of %s makes the same of a program whatever is beside it", async (_, strategy) => {
    for (const program of [cacheFill, readModifyWrite(3)]) {
      const [oldest] = await runs(program, [FIFO]);
      const keys = (oldest as Run).steps.map(({ transition }) => transition.keyHash);
      const made = (): Strategy[] => seeds(75).map((seed) => strategy(seed, keys));
      const alone = await runs(program, made());
      const beside = await runs(withNoise(program, 4), made());
      expect(beside.map(ofProgram)).toEqual(alone.map(ofProgram));
      expect(new Set(alone.map(ofProgram)).size).toBeGreaterThan(1);
    }
  });
});

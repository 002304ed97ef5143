import { describe, expect, test } from "@jest/globals";
import {
  explain,
  inMacrotask,
  partialOrderSampling,
  runProgram,
  type Explanation,
  type Program,
  type Strategy,
} from "@coppice/testkit";
import { catalogue } from "../src/catalogue.js";

/** The program, and pairs of processes beside it that have nothing to do with it. */
function withPairs(program: Program, pairs: number): Program {
  return (sim) => {
    const returned = program(sim);
    if (pairs === 0) return returned;
    const node = sim.node("noise");
    for (let pair = 1; pair <= pairs; pair++) {
      const echo = node.spawnOpt<string>({ key: `echo${pair}` }, async (self) => {
        for (;;) await self.receive();
      });
      node.spawnOpt<never>({ key: `voice${pair}` }, async (self) => {
        for (const word of ["one", "two", "three"]) {
          self.send(echo, word);
          await self.yield();
        }
      });
    }
    return returned;
  };
}

const SEEDS = 400;
const MOST = 4;

/** No faults: whom they strike is drawn among all there are. */
const explained = ["P04", "P05", "P10", "P11", "P15", "P16", "P18", "P22", "P27", "P33", "P35"];
const entries = catalogue.filter(({ id }) => explained.includes(id));

describe("beside 4 and 8 pairs of processes", () => {
  test.each(entries.map((entry) => [entry.id, entry] as const))(
    "%s fails with the same seeds, and its explanation is the same",
    async (_, entry) => {
      await inMacrotask(() => {
        const program = entry.program("buggy");
        let compared = 0;
        for (let seed = 1; seed <= SEEDS && compared < MOST; seed++) {
          const alone = explanationOf(program, seed);
          if (alone === undefined) continue;
          compared++;
          for (const pairs of [4, 8]) {
            const beside = explanationOf(withPairs(program, pairs), seed);
            expect(beside?.constraints).toEqual(alone.constraints);
            expect(beside?.replays).toBeLessThanOrEqual(100);
          }
        }
        expect(compared).toBe(MOST);
      });
    },
    60_000,
  );
});

function explanationOf(program: Program, seed: number): Explanation | undefined {
  const run = (strategy: Strategy) => runProgram(program, strategy);
  const failing = run(partialOrderSampling(seed));
  return failing.violations.length === 0 ? undefined : explain(run, failing);
}

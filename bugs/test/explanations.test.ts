import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  EAGER,
  explain,
  FIFO,
  inMacrotask,
  LIFO,
  mix,
  runProgram,
  type Explanation,
  type Run,
  type Strategy,
} from "@coppice/testkit";
import { catalogue } from "../src/catalogue.js";
import type { Entry } from "../src/entry.js";

/** Any of what could happen, timers a quarter as often, and a fault before each of the steps in `faultsAt`. */
function walk(seed: number, faultsAt: readonly number[]): Strategy {
  let drawn = 0;
  const draw = (): number => mix(seed, drawn++) / 2 ** 32;
  return {
    pick(enabled, { step }) {
      const faults = enabled.filter(({ kind }) => kind === "fault");
      if (faults.length > 0 && faultsAt.includes(step)) {
        return faults[Math.floor(draw() * faults.length)];
      }
      const others = enabled
        .filter(({ kind }) => kind !== "fault")
        .flatMap((one) => (one.kind === "timer" ? [one] : [one, one, one, one]));
      return others[Math.floor(draw() * others.length)];
    },
  };
}

/** Up to eight failing runs, as they come. */
function failuresOf(run: (strategy: Strategy) => Run): readonly Run[] {
  const found: Run[] = [];
  for (let seed = 0; seed < 2_000 && found.length < 8; seed++) {
    const faultsAt = Array.from({ length: seed % 3 }, (_, index) => mix(seed, index + 77) % 20);
    const made = run([FIFO, LIFO, EAGER][seed] ?? walk(seed, faultsAt));
    if (made.violations.length > 0) found.push(made);
  }
  return found;
}

/** Those that chance finds in 2,000 schedules; the others need a search. */
const common = catalogue.filter(({ id }) => !["P06", "P28", "P31", "P32", "P36"].includes(id));

describe("the explanation of", () => {
  const explanations = new Map<Entry, readonly (Explanation | undefined)[]>();

  beforeAll(async () => {
    await inMacrotask(() => {
      for (const entry of common) {
        const { profile = "pairFifo" } = entry;
        const program = entry.program("buggy");
        const run = (strategy: Strategy): Run => runProgram(program, strategy, { profile });
        explanations.set(
          entry,
          failuresOf(run).map((failing) => explain(run, failing)),
        );
      }
    });
  }, 120_000);

  test.each(common.map((entry) => [entry.id, entry.title, entry] as const))(
    "%s, %s, is as short as it can be, and each of its constraints is needed",
    (_, __, entry) => {
      const found = explanations.get(entry) ?? [];
      expect(found.length).toBeGreaterThan(0);
      for (const explanation of found) {
        expect(explanation?.minimal).toBe(true);
        expect(explanation?.constraints.length).toBeLessThanOrEqual(entry.optimum.constraints);
        expect(explanation?.replays).toBeLessThanOrEqual(100);
        // There is something to compare with, unless no order makes the program pass.
        const always = explanation?.failingBases.length === 3;
        expect(explanation?.twin?.run.violations ?? []).toEqual([]);
        expect(explanation?.twin === undefined).toBe(always);
      }
    },
  );
});

import { describe, expect, test } from "@jest/globals";
import { inMacrotask } from "@coppice/testkit";
import { further } from "../src/catalogue.js";
import { falseAlarms, search } from "../src/search.js";

const SEEDS = [1, 2, 3];
const SCHEDULES = 1_000;

describe("of other kinds", () => {
  test.each(further.map((entry) => [entry.id, entry.title, entry] as const))(
    "%s, %s, is found with each seed and explained by no more than is needed",
    async (_id, _title, entry) => {
      const found = await inMacrotask(() => SEEDS.map((seed) => search(entry, seed, SCHEDULES)));
      for (const each of found) {
        expect(each?.explanation).toMatchObject({
          base: entry.optimum.base,
          minimal: true,
          hasTwin: true,
        });
        expect(each?.explanation?.constraints).toBeLessThanOrEqual(entry.optimum.constraints);
        expect(each?.explanation?.replays).toBeLessThanOrEqual(100);
      }
    },
  );

  test.each(further.map((entry) => [entry.id, entry] as const))(
    "%s does not fail where it is mended",
    async (_id, entry) => {
      expect(await inMacrotask(() => falseAlarms(entry, SCHEDULES, 1))).toBe(0);
    },
  );
});

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { affectedBy, type Strategy } from "../src/strategy.js";

const children = [..."abcd"].map((id) => ({ id }));
const affected = (strategy: Strategy, id: string): string =>
  affectedBy(strategy, children, id)
    .map((one) => one.id)
    .join("");

describe("strategy", () => {
  test.each<[Strategy, string, string]>([
    ["one_for_one", "a", "a"],
    ["one_for_one", "c", "c"],
    ["one_for_all", "a", "abcd"],
    ["one_for_all", "d", "abcd"],
    ["rest_for_one", "a", "abcd"],
    ["rest_for_one", "b", "bcd"],
    ["rest_for_one", "d", "d"],
  ])("under %s the failure of %s concerns %s", (strategy, failed, expected) => {
    expect(affected(strategy, failed)).toBe(expected);
  });

  test("whatever the strategy, the failed child is among those concerned, and they keep their order", () => {
    const strategies = fc.constantFrom<Strategy>("one_for_one", "one_for_all", "rest_for_one");
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 });
    fc.assert(
      fc.property(strategies, ids, fc.nat(), (strategy, names, at) => {
        const startOrder = names.map((id) => ({ id }));
        const failed = names[at % names.length] as string;
        const concerned = affectedBy(strategy, startOrder, failed);
        expect(concerned.map(({ id }) => id)).toContain(failed);
        expect(startOrder.filter((one) => concerned.includes(one))).toEqual(concerned);
      }),
    );
  });
});

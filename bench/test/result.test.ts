import { expect, test } from "@jest/globals";
import type { Benchmark, Contender } from "../src/benchmark.js";
import { resultOf } from "../src/result.js";

const throwing: Benchmark = {
  name: "throwing",
  unit: "balls/s",
  better: "higher",
  counts: { coppice: 10, beam: 10, nact: 5 },
};

test("a result has each contender's median, and Coppice's divided by each peer's", () => {
  const values = new Map<Contender, number[]>([
    ["coppice", [90, 60, 50]],
    ["beam", [20, 40, 30]],
    ["nact", [6, 6, 5]],
  ]);
  expect(resultOf(throwing, values)).toEqual({
    name: "throwing",
    unit: "balls/s",
    better: "higher",
    median: { coppice: 60, beam: 30, nact: 6 },
    ratio: { beam: 2, nact: 10 },
    rounds: 3,
  });
});

test("the ratio is the same way round when lower is better", () => {
  const values = new Map<Contender, number[]>([
    ["coppice", [1]],
    ["beam", [4]],
  ]);
  expect(resultOf({ ...throwing, better: "lower" }, values).ratio).toEqual({ beam: 0.25 });
});

test("a contender that was not measured is in no column", () => {
  const result = resultOf(throwing, new Map<Contender, number[]>([["coppice", [1]]]));
  expect(result.median).toEqual({ coppice: 1 });
  expect(result.ratio).toEqual({});
});

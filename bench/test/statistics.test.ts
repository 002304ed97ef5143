import { describe, expect, test } from "@jest/globals";
import { median, quantile } from "../src/statistics.js";

describe("median", () => {
  test.each<[readonly number[], number]>([
    [[7], 7],
    [[3, 1, 2], 2],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
  ])("the median of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test("it leaves the values in their order", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("nothing has no median", () => {
    expect(() => median([])).toThrow("the median of nothing");
  });
});

describe("quantile", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  test.each<[number, number]>([
    [0.01, 1],
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])("%d of 1 to 100 do not exceed %d", (share, expected) => {
    expect(quantile(hundred, share)).toBe(expected);
  });

  test("nothing has no quantile", () => {
    expect(() => quantile([], 0.5)).toThrow("a quantile of nothing");
  });
});

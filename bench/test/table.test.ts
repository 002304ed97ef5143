import { describe, expect, test } from "@jest/globals";
import type { Result } from "../src/result.js";
import { formatFigure, formatTable } from "../src/table.js";

const results: readonly Result[] = [
  {
    name: "ping-pong",
    unit: "messages/s",
    better: "higher",
    median: { coppice: 7_500_000, beam: 3_000_000, nact: 500_000 },
    ratio: { beam: 2.5, nact: 15 },
    rounds: 5,
  },
  {
    name: "idle-memory",
    unit: "bytes/process",
    better: "lower",
    median: { coppice: 1_250.9, beam: 2_650 },
    ratio: { beam: 0.47204 },
    rounds: 5,
  },
];

describe("table", () => {
  test("it has a row per benchmark and a column per contender that was measured", () => {
    expect(formatTable(results)).toBe(
      [
        "benchmark    unit           better  coppice  beam           nact",
        "ping-pong    messages/s     higher  7.5M     3M (2.50×)     500k (15.0×)",
        "idle-memory  bytes/process  lower   1251     2650 (0.472×)",
      ].join("\n"),
    );
  });

  test("it says what is aimed at, and whether it is reached", () => {
    const [pingPong, memory] = results as [Result, Result];
    const aimed = [
      { ...pingPong, target: { value: 8_000_000, ratio: { beam: 2.5, nact: 15.1, node: 3 } } },
      { ...memory, target: { value: 2_000, ratio: { beam: 0.4 } } },
    ];
    expect(
      formatTable(aimed)
        .split("\n")
        .map((line) => line.split("  ").at(-1)?.trim()),
    ).toEqual([
      "target",
      "≥ 8M: missed, ≥ 2.5× beam: met, ≥ 15.1× nact: missed",
      "≤ 2000: met, ≤ 0.4× beam: missed",
    ]);
    expect(formatTable([pingPong, { ...memory, target: { value: 1 } }]).split("\n")[1]).toMatch(
      /15\.0×\)$/,
    );
  });

  test.each<[number, string]>([
    [0, "0"],
    [0.01234, "0.0123"],
    [1.5, "1.5"],
    [1_250.9, "1251"],
    [9_999, "9999"],
    [10_000, "10k"],
    [12_345, "12.3k"],
    [999_400, "999k"],
    [999_500, "1M"],
    [4_567_890, "4.57M"],
    [123_456_789, "123M"],
  ])("%d is shown as %s", (value, shown) => {
    expect(formatFigure(value)).toBe(shown);
  });
});

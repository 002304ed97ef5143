import { describe, expect, test } from "@jest/globals";
import { DEFAULTS, parseArguments, type CommandLine } from "./cli.js";

function run(...args: string[]): CommandLine {
  const parsed = parseArguments(args, "/repository");
  if (parsed.type !== "run") throw new Error(`not a run: ${parsed.text}`);
  return parsed.commandLine;
}

describe("the command line", () => {
  test("says everything when nothing is said", () => {
    expect(run()).toEqual({ directory: "/repository", ...DEFAULTS, out: undefined });
  });

  test("takes a directory and all options", () => {
    const args = "dir --chaos 0.5 --seed 7 --workers 3 --nodes 5 --out sums".split(" ");
    expect(run(...args)).toEqual({
      directory: "dir",
      chaosPerSecond: 0.5,
      seed: 7,
      workers: 3,
      nodes: 5,
      out: "sums",
    });
  });

  test("takes no chaos at all", () => {
    expect(run("--chaos", "0").chaosPerSecond).toBe(0);
  });

  test.each([
    ["--chaos", "-1"],
    ["--chaos", "NaN"],
    ["--chaos", "Infinity"],
    ["--chaos", "1001"],
    ["--chaos", ""],
    ["--chaos"],
    ["--seed", "1.5"],
    ["--seed", "-1"],
    ["--seed", "4294967296"],
    ["--workers", "0"],
    ["--workers", "257"],
    ["--workers", "two"],
    ["--nodes", "-1"],
    ["--nodes", "17"],
    ["--out", ""],
    ["--frobnicate"],
    ["one", "two"],
    [""],
  ])("refuses %s %s and says why", (...args) => {
    const parsed = parseArguments(args, "/repository");
    expect(parsed).toMatchObject({ type: "usageError", text: expect.stringMatching(/^error: .+/) });
  });

  test("explains itself, with the exit codes", () => {
    const parsed = parseArguments(["--help"], "/repository");
    expect(parsed).toMatchObject({ type: "help", text: expect.stringContaining("Exit codes:") });
  });
});

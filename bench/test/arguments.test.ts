import { describe, expect, test } from "@jest/globals";
import { ArgumentsError, parseArguments } from "../src/arguments.js";

const known = ["ping-pong", "ring", "call"];

describe("arguments", () => {
  test("without any, all benchmarks run for five rounds", () => {
    expect(parseArguments([], known)).toEqual({ names: known, rounds: 5, jsonFile: undefined });
  });

  test("named benchmarks run in the order of the list, each once", () => {
    expect(parseArguments(["call", "ping-pong", "call"], known).names).toEqual([
      "ping-pong",
      "call",
    ]);
  });

  test("options may stand anywhere", () => {
    expect(parseArguments(["--rounds", "3", "ring", "--json=out.json"], known)).toEqual({
      names: ["ring"],
      rounds: 3,
      jsonFile: "out.json",
    });
  });

  test.each<[string, readonly string[], string]>([
    [
      "an unknown name",
      ["ping-pong", "pingpong"],
      'no benchmark is called "pingpong"; there are ping-pong, ring, call',
    ],
    [
      "an unknown option",
      ["--round", "3"],
      "Unknown option '--round'; the options are --json FILE, --rounds N",
    ],
    [
      "an option without its value",
      ["--json"],
      "Option '--json <value>' argument missing; the options are --json FILE, --rounds N",
    ],
    ["no round", ["--rounds", "0"], '--rounds takes a whole number of at least 1, not "0"'],
    ["half a round", ["--rounds", "1.5"], '--rounds takes a whole number of at least 1, not "1.5"'],
    [
      "rounds in words",
      ["--rounds", "five"],
      '--rounds takes a whole number of at least 1, not "five"',
    ],
  ])("%s is refused with what would do", (_, args, message) => {
    expect(() => parseArguments(args, known)).toThrow(new ArgumentsError(message));
  });
});

import { describe, expect, test } from "@jest/globals";
import { createNode } from "@coppice/core";
import { Directive } from "../src/directive.js";
import type { Json } from "../src/program.js";
import {
  decode,
  encode,
  matches,
  naturalOrder,
  UnboundVariableError,
  type Value,
} from "../src/term.js";

const node = createNode({ logger: false });
const p1 = node.spawn(() => undefined);
const r1 = node.sendAfter(p1, 1e9, "x");
node.cancelTimer(r1);

const read = (json: Json): Value =>
  decode(json, (variable) => (variable === "p1" ? p1 : variable === "r1" ? r1 : undefined));
const write = (value: Value): Json =>
  encode(value, (bound) => (bound === p1 ? "p1" : bound === r1 ? "r1" : undefined));

describe("terms", () => {
  test.each<[Json]>([
    ["ok"],
    [true],
    [12],
    [[]],
    [["t", ["u", 1]]],
    [{ list: [] }],
    [{ list: ["<p1>", "<r1>"] }],
    [
      {
        map: [
          [1, "b"],
          ["a", { list: [] }],
          ["b", 2],
        ],
      },
    ],
    [{ exit: ["<p1>", "boom"] }],
    [{ down: ["<r1>", "<p1>", "boom"] }],
    [["gone", "<r1>", "process", "<p1>", "boom"]],
    [{ crash: ["nocatch", "x"] }],
  ])("%j is written as it was read", (json) => {
    expect(write(read(json))).toEqual(json);
  });

  test("an EXIT and a DOWN are tuples", () => {
    expect(read({ exit: ["<p1>", "boom"] })).toEqual(["EXIT", p1, "boom"]);
    expect(read({ down: ["<r1>", "<p1>", "boom"] })).toEqual(["DOWN", r1, "process", p1, "boom"]);
  });

  test("what was monitored by name is written as the name", () => {
    const down = ["DOWN", r1, "process", ["na", "nonode@nohost"], "noproc"];
    expect(write(down)).toEqual({ down: ["<r1>", "na", "noproc"] });
    expect(write(["gone", ...down.slice(1)])).toEqual(["gone", "<r1>", "process", "na", "noproc"]);
  });

  test("a map is written in the order of its keys", () => {
    expect(
      write(
        read({
          map: [
            ["b", 1],
            ["a10", 2],
            ["a9", 3],
            [7, 4],
          ],
        }),
      ),
    ).toEqual({
      map: [
        [7, 4],
        ["a10", 2],
        ["a9", 3],
        ["b", 1],
      ],
    });
  });

  test.each<[Value, Json]>([
    [
      ["noproc", { mfa: ["gen_server", "call"] }],
      ["noproc", { mfa: ["gen_server", "call"] }],
    ],
    [{ msg: 3 }, { msg: 3 }],
    [{ gen_call: [p1, { msg: 3 }] }, { gen_call: ["<p1>", { msg: 3 }] }],
    [{ gen_cast: ["t", p1] }, { gen_cast: ["t", "<p1>"] }],
    [
      ["boom", { child: "a" }],
      ["boom", { child: "a" }],
    ],
  ])("%o is written as in a trace", (value, json) => {
    expect(write(value)).toEqual(json);
  });

  test("what a behaviour was sent is written by its step alone", () => {
    expect(write(new Directive(4, { ret: ["noreply"] }, new Map()))).toEqual({ msg: 4 });
  });

  test("who has no name is a pid or a reference", () => {
    expect(encode([p1, r1], () => undefined)).toEqual(["<pid>", "<ref>"]);
  });

  test("an unbound variable and what is no term are refused", () => {
    expect(() => read(["t", "<p9>"])).toThrow(UnboundVariableError);
    expect(() => read({ list: [], map: [] })).toThrow(TypeError);
    expect(() => read({ lists: [] })).toThrow(TypeError);
    expect(() => write({ type: "down" } as unknown as Value)).toThrow(TypeError);
  });
});

describe("matching", () => {
  test.each<[Json, Json, boolean]>([
    ["_", { list: [] }, true],
    ["a", "a", true],
    ["a", "b", false],
    [1, "1", false],
    [["t", "_"], ["t", 4], true],
    [["t", "_"], ["t", 4, 5], false],
    [["t"], { list: ["t"] }, false],
    [{ list: ["_"] }, { list: [1] }, true],
    [{ list: [] }, [], false],
    [{ map: [] }, [], false],
    [
      {
        map: [
          ["a", 1],
          [2, "_"],
        ],
      },
      {
        map: [
          [2, 3],
          ["a", 1],
        ],
      },
      true,
    ],
    [{ map: [["a", 1]] }, { map: [["a", 2]] }, false],
    ["<p1>", "<p1>", true],
    ["<p1>", "<r1>", false],
    [["t"], "<p1>", false],
    [{ exit: ["_", "_"] }, { exit: ["<p1>", "boom"] }, true],
    [{ down: ["<r1>", "na", "_"] }, { down: ["<r1>", ["na", "nonode@nohost"], "x"] }, true],
    [{ down: ["<r1>", "nb", "_"] }, { down: ["<r1>", ["na", "nonode@nohost"], "x"] }, false],
    [{ crash: "x" }, { crash: "x" }, true],
    [{ crash: "x" }, { crash: "y" }, false],
    [{ crash: "x" }, ["x", "whatever"], true],
    [{ crash: "x" }, ["x"], false],
    [["x", "_"], { crash: "x" }, true],
    [["x", "y"], { crash: "x" }, false],
  ])("%j and %j: %s", (pattern, term, expected) => {
    expect(matches(read(pattern), read(term))).toBe(expected);
  });
});

test("names are sorted by their number", () => {
  const names = ["<p10>", "nb", "<p2>", "na", "<a.10>", "<a.9>"];
  expect(names.sort(naturalOrder)).toEqual(["<a.9>", "<a.10>", "na", "nb", "<p2>", "<p10>"]);
  expect([["b", 1], ["a10"], ["a9", 2]].sort(naturalOrder)).toEqual([["a9", 2], ["a10"], ["b", 1]]);
});

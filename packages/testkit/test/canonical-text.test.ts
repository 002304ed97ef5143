import { describe, expect, test } from "@jest/globals";
import { createNode } from "@coppice/core";
import fc from "fast-check";
import { canonicalText } from "../src/canonical-text.js";

describe("the text of a value", () => {
  test.each<[string, unknown, unknown]>([
    ["the order of keys", { a: 1, b: [2] }, { b: [2], a: 1 }],
    ["the order of a set's members", new Set([{ a: 1 }, "b"]), new Set(["b", { a: 1 }])],
    [
      "the order of a map's entries",
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
      new Map([
        ["b", 2],
        ["a", 1],
      ]),
    ],
  ])("does not tell %s", (_, one, other) => {
    expect(canonicalText(one)).toBe(canonicalText(other));
  });

  test.each<[string, unknown, unknown]>([
    ["the order of a list", [1, 2], [2, 1]],
    ["a number from its digits", 1, "1"],
    ["zero from minus zero", 0, -0],
    ["undefined from nothing there", { a: undefined }, {}],
    ["undefined from null", [undefined], [null]],
    ["a big number from another", 1n, 1],
    ["one from two that are alike", new Set([{ a: 1 }]), new Set([{ a: 1 }, { a: 1 }])],
    ["a set from a list", new Set([1]), [1]],
    ["a date from another", new Date(0), new Date(1)],
    ["an error from another", new Error("a"), new TypeError("a")],
    ["bytes from others", Uint8Array.of(1, 2), Uint8Array.of(12)],
    ["strings from what they are put together of", ["a,b"], ["a", "b"]],
  ])("tells %s", (_, one, other) => {
    expect(canonicalText(one)).not.toBe(canonicalText(other));
  });

  test("is that of a structure, and of none else", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const isSame = JSON.stringify(sortKeys(one)) === JSON.stringify(sortKeys(other));
        expect(canonicalText(one) === canonicalText(other)).toBe(isSame);
        expect(canonicalText(structuredClone(one))).toBe(canonicalText(one));
      }),
    );
  });

  test("comes to an end where a value has none", () => {
    const round: { self?: unknown; list: unknown[] } = { list: [] };
    round.self = round;
    round.list.push(round.list);
    expect(canonicalText(round)).toBe("{list:[^1],self:^1}");
  });

  test("tells references apart, but not by their numbers, and pids by their places", async () => {
    const node = createNode({ name: "n" });
    const seen: string[] = [];
    const pid = node.spawnOpt<never>({ key: "p" }, (self) => {
      const [a, b, c] = [self.alias(), self.alias(), self.alias()];
      seen.push(canonicalText([a, b, a]), canonicalText([b, c, b]), canonicalText([a, a, b]));
      seen.push(canonicalText(new Set([{ of: c }, { of: a }])));
    });
    await node.whenExited(pid);
    expect(seen).toEqual([
      "[#<n/p>1,#<n/p>2,#<n/p>1]",
      "[#<n/p>1,#<n/p>2,#<n/p>1]",
      "[#<n/p>1,#<n/p>1,#<n/p>2]",
      "set({of:#<n/p>1},{of:#<n/p>2})",
    ]);
    expect(canonicalText({ pid })).toBe("{pid:<n/p>}");
    await node.stop();
  });
});

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { sorted: entries.map(([key, part]) => [key, sortKeys(part)]) };
}

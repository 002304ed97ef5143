import { describe, expect, test } from "@jest/globals";
import { isSameTerm } from "../src/same-term.js";
import { createServerWorld } from "./server-world.js";

describe("terms are the same", () => {
  test.each<[string, unknown, unknown]>([
    ["equal strings", "a", "a"],
    ["NaN", Number.NaN, Number.NaN],
    ["undefined", undefined, undefined],
    ["empty objects", {}, {}],
    ["empty arrays", [], []],
    ["nested objects", { a: [1, { b: "c" }] }, { a: [1, { b: "c" }] }],
    ["objects whose fields have another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
    ["objects without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])("when they hold the same: %s", (_what, a, b) => {
    expect(isSameTerm(a, b)).toBe(true);
    expect(isSameTerm(b, a)).toBe(true);
  });

  test("when they are the same object, whatever that is", () => {
    for (const value of [new Error("boom"), () => 0, new Map(), Symbol("s")]) {
      expect(isSameTerm(value, value)).toBe(true);
    }
  });

  test("when they hold the same pid", async () => {
    const { node } = createServerWorld();
    const pid = node.spawn<unknown>(async (self) => void (await self.receive()));
    expect(isSameTerm({ by: pid }, { by: pid })).toBe(true);
    expect(isSameTerm({ by: pid }, { by: node.pid })).toBe(false);
    await node.stop();
  });

  test("when they hold themselves in the same way", () => {
    const ring = (): unknown => {
      const term: Record<string, unknown> = { a: 1 };
      term["self"] = term;
      term["list"] = [term, { term }];
      return term;
    };
    expect(isSameTerm(ring(), ring())).toBe(true);
    const other = ring() as Record<string, unknown>;
    (other["list"] as unknown[])[1] = { term: { a: 2 } };
    expect(isSameTerm(ring(), other)).toBe(false);
  });

  test("however deep they are", () => {
    const chain = (end: unknown): unknown => {
      let term = end;
      for (let depth = 0; depth < 100_000; depth++) term = [term];
      return term;
    };
    expect(isSameTerm(chain("x"), chain("x"))).toBe(true);
    expect(isSameTerm(chain("x"), chain("y"))).toBe(false);
  });

  test("and that is found soon where parts are shared", () => {
    const shared = (): unknown => {
      let term: unknown = "x";
      for (let depth = 0; depth < 60; depth++) term = [term, term];
      return term;
    };
    expect(isSameTerm(shared(), shared())).toBe(true);
  });
});

describe("terms are not the same", () => {
  test.each<[string, unknown, unknown]>([
    ["another string", "a", "b"],
    ["a string and a number", "1", 1],
    ["0 and -0", 0, -0],
    ["null and undefined", null, undefined],
    ["null and an object", null, {}],
    ["an array and an object", [1], { 0: 1 }],
    ["arrays of another length", [1], [1, 2]],
    ["arrays of another order", [1, 2], [2, 1]],
    ["an object with a field more", { a: 1 }, { a: 1, b: 2 }],
    ["an object with a field that is undefined", { a: undefined }, {}],
    ["an object with another field", { a: undefined }, { b: undefined }],
    [
      "a field that is inherited",
      { toString: 1 },
      Object.assign(Object.create({ toString: 1 }), { b: 1 }),
    ],
    ["errors that say the same", new Error("boom"), new Error("boom")],
    ["functions", () => 0, () => 0],
    ["Maps", new Map(), new Map()],
    ["instances of classes", new (class A {})(), new (class A {})()],
    ["something deep down", { a: [1, { b: "c" }] }, { a: [1, { b: "d" }] }],
  ])("when they differ: %s", (_what, a, b) => {
    expect(isSameTerm(a, b)).toBe(false);
    expect(isSameTerm(b, a)).toBe(false);
  });
});

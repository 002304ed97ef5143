import { describe, expect, test } from "@jest/globals";
import { decideConflict, type Decision, type Standing } from "../src/conflict.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

const life = (name: string, incarnation = 1) => ({ name, incarnation });

describe("one who dialled and has proved its name", () => {
  test.each<[string, string, Standing, Decision["type"], number]>([
    ["m", "b", { type: "nothing" }, "accept", 0],
    ["m", "m", { type: "nothing" }, "refuse", CLOSE_CODES.NAME_TAKEN],
    ["a", "b", { type: "dialling" }, "refuse", CLOSE_CODES.DUPLICATE],
    ["b", "a", { type: "dialling" }, "accept", 0],
    ["a", "b", { type: "open", incarnation: 1 }, "probe", CLOSE_CODES.DUPLICATE],
    ["a", "b", { type: "open", incarnation: 2 }, "probe", CLOSE_CODES.NAME_TAKEN],
  ])("%s is dialled by %s while %j: %s", (home, peer, standing, type, code) => {
    const decision = decideConflict(life(home), life(peer), standing);
    expect(decision.type).toBe(type);
    if (decision.type !== "accept") expect(decision.code).toBe(code);
  });

  test("of two that dial each other exactly one lets the other in", () => {
    const both: Standing = { type: "dialling" };
    for (const [a, b] of [
      ["a", "b"],
      ["b", "a"],
      ["a", "aa"],
      ["é", "z"],
    ] as const) {
      const accepts = [
        decideConflict(life(a), life(b), both),
        decideConflict(life(b), life(a), both),
      ].filter(({ type }) => type === "accept");
      expect(accepts).toHaveLength(1);
    }
  });
});

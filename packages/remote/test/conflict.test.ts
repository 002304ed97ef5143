import { describe, expect, test } from "@jest/globals";
import { decideConflict, type Decision, type Standing } from "../src/conflict.js";
import type { Role } from "../src/handshake-message.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

const life = (name: string, incarnation = 1) => ({ name, incarnation });

describe("one who dialled and has proved its name", () => {
  const { DUPLICATE, NAME_TAKEN } = CLOSE_CODES;
  const open = (incarnation: number, role: Role = "node"): Standing => ({
    type: "open",
    incarnation,
    role,
  });

  test.each<[string, string, Role, Standing, Decision["type"], number]>([
    ["m", "b", "node", { type: "nothing" }, "accept", 0],
    ["m", "m", "node", { type: "nothing" }, "refuse", NAME_TAKEN],
    ["m", "m", "client", { type: "nothing" }, "refuse", NAME_TAKEN],
    ["a", "b", "node", { type: "dialling" }, "refuse", DUPLICATE],
    ["b", "a", "node", { type: "dialling" }, "accept", 0],
    ["b", "a", "client", { type: "dialling" }, "refuse", NAME_TAKEN],
    ["a", "b", "node", open(1), "probe", DUPLICATE],
    ["a", "b", "node", open(2), "probe", NAME_TAKEN],
    ["a", "b", "client", open(2), "probe", NAME_TAKEN],
    ["a", "b", "client", open(2, "client"), "probe", NAME_TAKEN],
    ["a", "b", "node", open(2, "client"), "replace", NAME_TAKEN],
  ])("%s is dialled by %s, a %s, while %j: %s", (home, peer, role, standing, type, code) => {
    const decision = decideConflict(life(home), life(peer), role, standing);
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
        decideConflict(life(a), life(b), "node", both),
        decideConflict(life(b), life(a), "node", both),
      ].filter(({ type }) => type === "accept");
      expect(accepts).toHaveLength(1);
    }
  });
});

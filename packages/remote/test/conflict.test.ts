import { describe, expect, test } from "@jest/globals";
import { decideConflict, decideRivalry, type Decision, type Standing } from "../src/conflict.js";
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

describe("a connection that is ready while a session is open", () => {
  const { DUPLICATE, NAME_TAKEN, SILENCE } = CLOSE_CODES;

  test.each<[string, string, Role, boolean, number, Role, "replace" | "refuse", number]>([
    ["a", "b", "node", true, 1, "client", "replace", NAME_TAKEN],
    ["b", "a", "node", false, 1, "client", "replace", NAME_TAKEN],
    ["b", "a", "node", true, 2, "node", "replace", SILENCE],
    ["a", "b", "node", true, 1, "node", "replace", DUPLICATE],
    ["b", "a", "node", false, 1, "node", "replace", DUPLICATE],
    ["a", "b", "node", false, 1, "node", "refuse", DUPLICATE],
    ["b", "a", "node", true, 1, "node", "refuse", DUPLICATE],
  ])(
    "of %s with %s, a %s, that we dialled: %s; open is life %d of a %s: %s",
    (home, peer, role, isDialler, incarnation, openRole, type, code) => {
      const open = { incarnation, role: openRole };
      const decision = decideRivalry(life(home), life(peer), role, isDialler, open);
      expect(decision).toMatchObject({ type, code });
    },
  );

  test.each([true, false])("is kept by both sides, or by none", (dialledByA) => {
    const open = { incarnation: 1, role: "node" } as const;
    const atA = decideRivalry(life("a"), life("b"), "node", dialledByA, open);
    const atB = decideRivalry(life("b"), life("a"), "node", !dialledByA, open);
    expect(atA.type).toBe(atB.type);
  });
});

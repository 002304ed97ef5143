import { describe, expect, test } from "@jest/globals";
import { MachineTable } from "../src/machine-table.js";
import type { Json } from "../src/program.js";
import type { Value } from "../src/term.js";
import { testPrograms } from "./corpus-programs.js";

describe("state machines", () => {
  testPrograms("gen_statem");
});

describe("a rule table", () => {
  const decode = (json: Json): Value => json as Value;
  const table = (): MachineTable =>
    new MachineTable({
      mode: "state_functions",
      rules: [
        { s: "a", e: "cast", c: "x", max: 1, ret: ["next_state", "b"] },
        { s: "a", e: "_", acts: [["timeout", "n", 50, "t"]] },
        { e: ["timeout", "n"], acts: [["next_event", ["timeout", "m"], "z"], ["postpone"]] },
      ],
    });
  const cast: { type: Value; content: Value } = { type: "cast", content: "x" };

  test("gives the first rule that fits and is not used up", () => {
    const rules = table();
    const chosen = ["a", "a", "b"].map((state) =>
      rules.rules.indexOf(rules.select(state, cast, decode) as never),
    );
    expect(chosen).toEqual([0, 1, -1]);
    const timeout = { type: ["timeout", "n"], content: "t" };
    expect(rules.select("b", timeout, decode)).toBe(rules.rules[2]);
  });

  test("tells the states it may lead to, and the names of its timeouts", () => {
    expect(table().states).toEqual(["a", "b"]);
    expect(table().timeoutNames).toEqual(["n", "m"]);
    expect(table().hasStateFunctions).toBe(true);
    expect(table().makesEnterCalls).toBe(false);
  });
});

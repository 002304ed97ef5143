import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { mutants } from "../mutant-list.mjs";
import { applyMutant } from "../mutants.mjs";
import { root } from "../workspace.mjs";

describe("mutants", () => {
  test.each(mutants)("$id, by which $what, can be put into the sources as they are", (mutant) => {
    const source = readFileSync(join(root, mutant.file), "utf8");
    expect(applyMutant(mutant, source)).not.toBe(source);
    for (const file of mutant.tests)
      expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  });

  test("are each of another kind: at least 15 of the kernel, and 15 of core", () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    for (const group of ["kernel", "core"]) {
      const those = mutants.filter((mutant) => mutant.group === group);
      expect(those.length).toBeGreaterThanOrEqual(15);
    }
  });

  test("are refused when what they replace is not there, or there twice", () => {
    const mutant = { id: "X", file: "x.ts", search: "a", replace: "b" };
    expect(applyMutant(mutant, "cac")).toBe("cbc");
    expect(() => applyMutant(mutant, "ccc")).toThrow("0 times");
    expect(() => applyMutant(mutant, "aca")).toThrow("2 times");
  });
});

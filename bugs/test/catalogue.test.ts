import { describe, expect, test } from "@jest/globals";
import { FIFO, inMacrotask, runProgram } from "@coppice/testkit";
import { catalogue, further } from "../src/catalogue.js";

describe("the catalogue under FIFO", () => {
  test.each([...catalogue, ...further].map((entry) => [entry.id, entry] as const))(
    "%s fails where its explanation is relative to LIFO, and never where it is fixed",
    async (_id, entry) => {
      const run = (variant: "buggy" | "fixed") =>
        inMacrotask(() =>
          runProgram(entry.program(variant), FIFO, { profile: entry.profile ?? "pairFifo" }),
        );
      const buggy = await run("buggy");
      expect(buggy.outcome).toBe("quiescent");
      expect(buggy.violations.length > 0).toBe(entry.optimum.base === "lifo");
      const fixed = await run("fixed");
      expect(fixed).toMatchObject({ outcome: "quiescent", violations: [] });
    },
  );
});

import { describe, expect, test } from "@jest/globals";
import { InvalidChildSpecError, type SupervisorSpec } from "@coppice/supervisor";
import { checkSupervisorSpec } from "../src/supervisor-spec.js";

describe("the spec of a supervisor", () => {
  test("by default one restart in 5 seconds is not too many, and siblings are left alone", () => {
    expect(checkSupervisorSpec({ children: [] })).toEqual({
      strategy: "one_for_one",
      limit: { intensity: 1, periodMs: 5_000 },
      autoShutdown: "never",
      children: [],
    });
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "supervisor"],
    ["no children", {}, "children"],
    ["an unknown strategy", { strategy: "two_for_two", children: [] }, "strategy"],
    ["a negative intensity", { intensity: -1, children: [] }, "intensity"],
    ["a broken intensity", { intensity: 0.5, children: [] }, "intensity"],
    ["a period of 0", { periodMs: 0, children: [] }, "periodMs"],
    ["an endless period", { periodMs: Infinity, children: [] }, "periodMs"],
    ["an unknown autoShutdown", { autoShutdown: "always", children: [] }, "autoShutdown"],
    ["an unknown field", { period: 5, children: [] }, "period"],
  ])("refuses %s", (_what, spec, path) => {
    const check = (): unknown => checkSupervisorSpec(spec as SupervisorSpec);
    expect(check).toThrow(InvalidChildSpecError);
    expect(check).toThrow(new RegExp(`^${path} must be `));
  });

  test("checks each child by its autoShutdown", () => {
    const significant = {
      id: "a",
      start: () => undefined,
      restart: "transient",
      significant: true,
    };
    const spec = { children: [significant] } as SupervisorSpec;
    expect(() => checkSupervisorSpec(spec)).toThrow(/^children\[0\]\.significant must be false/);
    expect(() => checkSupervisorSpec({ ...spec, autoShutdown: "any_significant" })).not.toThrow();
  });
});

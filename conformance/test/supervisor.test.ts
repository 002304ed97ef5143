import { describe, expect, test } from "@jest/globals";
import {
  checkChildSpecs,
  defineDynamicSupervisor,
  defineSupervisor,
  InvalidChildSpecError,
} from "@coppice/supervisor";
import { termOfFailure, termOfInvalidChild } from "../src/failure.js";
import type { Op, Program, TraceEntry } from "../src/program.js";
import { Raised } from "../src/raised.js";
import { replay } from "../src/replay.js";
import { childOfTerm } from "../src/supervisor-spec-json.js";
import type { Value } from "../src/term.js";
import { testPrograms } from "./corpus-programs.js";

describe("supervisors", () => {
  testPrograms("supervisor");
});

describe("a replay of supervisors", () => {
  const start: Op = {
    by: "p1",
    op: "sup_start",
    as: "root",
    spec: {
      strategy: "one_for_all",
      children: [
        { id: "a", script: {} },
        { id: "b", script: { starts: [["ok", "hello"], "ignore"] } },
      ],
    },
  };
  const started: TraceEntry = {
    r: { ok: ["ok", "<root.1>"] },
    log: [
      ["init", "root.1"],
      ["start", "a.1", "ok"],
      ["start", "b.1", ["ok", "hello"]],
    ],
    st: { p1: { links: ["<root.1>"] } },
    tree: {
      "root.1": [
        ["b", "<b.1>"],
        ["a", "<a.1>"],
      ],
    },
  };
  const fail: Op = { by: "p2", op: "child_do", who: "<a>", do: ["error", "bang"] };
  const failed: TraceEntry = {
    r: { ok: "ok" },
    log: [
      ["exit", "a.1", { crash: "bang" }],
      ["exit", "b.1", "shutdown"],
      ["start", "a.2", "ok"],
      ["start", "b.2", "ignore"],
    ],
    tree: {
      "root.1": [
        ["b", "undefined"],
        ["a", "<a.2>"],
      ],
    },
  };
  const programOf = (entries: readonly TraceEntry[]): Program => ({
    id: "test/supervisor",
    layer: "supervisor",
    procs: 2,
    steps: [start, fail],
    trace: entries,
    racy: undefined,
    machines: {},
  });

  test("shows instances, what became of them, and the tree where it has changed", async () => {
    expect((await replay(programOf([started, failed]), "direct"))?.report).toBeUndefined();
  });

  const [first, second, ...others] = failed.log ?? [];
  test.each<[string, TraceEntry]>([
    ["another order of the log", { ...failed, log: [second ?? [], first ?? [], ...others] }],
    ["another reason", { ...failed, log: [["exit", "a.1", "bang"], second ?? [], ...others] }],
    ["no restart", { ...failed, log: [first ?? [], second ?? []] }],
    ["another tree", { ...failed, tree: { "root.1": [["a", "<a.2>"]] } }],
    ["a tree that has not changed", { r: failed.r, log: failed.log ?? [] }],
    ["the state of an instance", { ...failed, st: { "a.1": { exit: "killed" } } }],
  ])("fails where Erlang shows %s", async (_what, entry) => {
    expect((await replay(programOf([started, entry]), "direct"))?.step).toBe(1);
  });
});

describe("a specification that is none", () => {
  const start: Value = ["m", "f", { list: [] }];
  const map = (...entries: [string, Value][]): Value => ({ map: [["id", "a"], ...entries] });

  test.each<[Value, Value]>([
    ["x", ["invalid_child_spec", "x"]],
    [{ map: [["start", start]] }, "missing_id"],
    [map(), "missing_start"],
    [map(["start", ["m", "f", "x"]]), ["invalid_mfa", ["m", "f", "x"]]],
    [map(["start", start], ["restart", "never"]), ["invalid_restart_type", "never"]],
    [map(["start", start], ["shutdown", -1]), ["invalid_shutdown", -1]],
    [map(["start", start], ["type", "boss"]), ["invalid_child_type", "boss"]],
    [
      map(["start", start], ["significant", true]),
      [
        "bad_combination",
        {
          list: [
            ["restart", "permanent"],
            ["significant", true],
          ],
        },
      ],
    ],
    [
      ["a", start, "never", 5, "worker", { list: [] }],
      ["invalid_restart_type", "never"],
    ],
  ])("%j is %j in the words of OTP", (term, said) => {
    const result = checkChildSpecs([childOfTerm(term)]);
    expect(result.ok ? "ok" : termOfInvalidChild(result.error)).toEqual(said);
  });

  test("is told of where OTP asks for modules, which Coppice does not have", () => {
    const withModules = (modules: Value) => (): unknown =>
      childOfTerm(map(["start", start], ["modules", modules]));
    expect(withModules({ list: ["m"] })()).not.toHaveProperty("modules");
    expect(withModules("m")).toThrow(new Raised("error", ["invalid_modules", "m"]));
    expect(withModules({ list: [1] })).toThrow(new Raised("error", ["invalid_module", 1]));
  });

  test.each<[string, () => unknown, Value]>([
    [
      "a flag",
      () => defineSupervisor({ strategy: "two_for_two" as never, children: [] }),
      ["supervisor_data", ["invalid_strategy", "two_for_two"]],
    ],
    [
      "a period",
      () => defineSupervisor({ periodMs: -2_000, children: [] }),
      ["supervisor_data", ["invalid_period", -2]],
    ],
    [
      "a child",
      () => defineSupervisor({ children: [{ id: "a" } as never] }),
      ["start_spec", "missing_start"],
    ],
    [
      "what is no supervisor at all",
      () => defineSupervisor("junk" as never),
      ["bad_return", ["<mod>", "init", "junk"]],
    ],
    [
      "more than one template",
      () => defineDynamicSupervisor({ child: [{ id: "a" }, { id: "b" }] as never }),
      ["bad_start_spec", { list: [{ child: "a" }, { child: "b" }] }],
    ],
  ])("ends a supervisor by the fault of %s", (_what, define, term) => {
    let thrown: unknown;
    try {
      define();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InvalidChildSpecError);
    expect(termOfFailure(thrown as Error)).toEqual(term);
  });
});

import { describe, expect, test } from "@jest/globals";
import { firstDifference } from "../src/compare.js";
import type { Op, Program, TraceEntry } from "../src/program.js";

const noop: Op = { by: "p1", op: "noop" };

function recorded(trace: readonly TraceEntry[], more: Partial<Program> = {}): Program {
  const steps = trace.map(() => noop);
  return {
    id: "x",
    layer: "process",
    procs: 2,
    steps,
    trace,
    racy: undefined,
    machines: {},
    ...more,
  };
}

/** Where two traces of one entry differ; `undefined` if nowhere. */
function compare(
  expected: TraceEntry,
  got: TraceEntry,
  more?: Partial<Program>,
): number | undefined {
  return firstDifference(recorded([expected], more), [got]);
}

describe("comparing traces", () => {
  test("keys of objects have no order", () => {
    const expected = { r: "skip", st: { p1: { name: "na", trap: true }, p2: {} } };
    const got = { st: { p2: {}, p1: { trap: true, name: "na" } }, r: "skip" };
    expect(compare(expected, got)).toBeUndefined();
  });

  test("what is empty and what is absent are one", () => {
    expect(
      compare({ r: "skip" }, { r: "skip", done: [], st: {}, tree: {}, log: [] }),
    ).toBeUndefined();
  });

  test.each<[string, TraceEntry, TraceEntry]>([
    ["r", { r: { ok: 1 } }, { r: { ok: 2 } }],
    ["done", { r: 0, done: [{ step: 1, by: "p1", r: { ok: 1 } }] }, { r: 0 }],
    ["st", { r: 0, st: { p1: { mbox: ["a"] } } }, { r: 0, st: { p1: { mbox: ["b"] } } }],
    ["tree", { r: 0, tree: { "root.1": [["a", "<a.1>"]] } }, { r: 0, tree: { "root.1": [] } }],
    ["log", { r: 0, log: [["s1", "init"]] }, { r: 0 }],
    ["the order of done", done("p1", "p2"), done("p2", "p1")],
    ["the order of a tree", tree("a", "b"), tree("b", "a")],
    ["the order of a log", { r: 0, log: [["h1"], ["h2"]] }, { r: 0, log: [["h2"], ["h1"]] }],
  ])("a difference in %s is found", (_what, expected, got) => {
    expect(compare(expected, got)).toBe(0);
    expect(compare(got, expected)).toBe(0);
    expect(compare(expected, expected)).toBeUndefined();
  });

  test("the first of several differences counts, and a trace that is too short differs", () => {
    const trace = [{ r: 0 }, { r: 1 }, { r: 2 }];
    expect(firstDifference(recorded(trace), [{ r: 0 }, { r: 8 }, { r: 9 }])).toBe(1);
    expect(firstDifference(recorded(trace), [{ r: 0 }, { r: 1 }])).toBe(2);
  });

  test.each(["gen_server", "gen_statem"])(
    "the log of %s has an order per process only",
    (layer) => {
      const expected = {
        r: 0,
        log: [
          ["s1", "init"],
          ["s2", "init"],
          ["s1", "cast"],
        ],
      };
      const shuffled = {
        r: 0,
        log: [
          ["s2", "init"],
          ["s1", "init"],
          ["s1", "cast"],
        ],
      };
      const swapped = {
        r: 0,
        log: [
          ["s1", "cast"],
          ["s1", "init"],
          ["s2", "init"],
        ],
      };
      expect(compare(expected, shuffled, { layer })).toBeUndefined();
      expect(compare(expected, swapped, { layer })).toBe(0);
    },
  );
});

describe("comparing a racy step", () => {
  const racy = (entry: TraceEntry, before: TraceEntry = { r: 0 }): Program =>
    recorded([before, { ...entry, unordered: ["p1"] }, { r: "never compared" }], { racy: 1 });

  test("new messages of an unordered puppet may come in any order", () => {
    const program = racy({ r: 0, st: { p1: { mbox: ["a", "b", "b"], trap: true } } });
    const got = (mbox: string[]): TraceEntry[] => [
      { r: 0 },
      { r: 0, st: { p1: { mbox, trap: true } } },
    ];
    expect(firstDifference(program, got(["b", "a", "b"]))).toBeUndefined();
    expect(firstDifference(program, got(["a", "b"]))).toBe(1);
    expect(firstDifference(program, got(["a", "a", "b"]))).toBe(1);
  });

  test("older messages keep their order, and come first", () => {
    const old = { r: 0, st: { p1: { mbox: ["x", "y"] } } };
    const program = racy({ r: 0, st: { p1: { mbox: ["x", "y", "a", "b"] } } }, old);
    const got = (...mbox: string[]): TraceEntry[] => [old, { r: 0, st: { p1: { mbox } } }];
    expect(firstDifference(program, got("x", "y", "b", "a"))).toBeUndefined();
    expect(firstDifference(program, got("y", "x", "a", "b"))).toBe(1);
    expect(firstDifference(program, got("a", "x", "y", "b"))).toBe(1);
  });

  test("a message that a waiting recv took counts with them", () => {
    const taken = (message: string, left: string): TraceEntry => ({
      r: 0,
      done: [{ step: 0, by: "p1", r: { ok: ["msg", message] } }],
      st: { p1: { mbox: [left] } },
    });
    const program = racy(taken("a", "b"));
    expect(firstDifference(program, [{ r: 0 }, taken("b", "a")])).toBeUndefined();
    expect(firstDifference(program, [{ r: 0 }, taken("b", "b")])).toBe(1);
  });

  test("everything else of the step is compared exactly", () => {
    const state = { p1: { mbox: ["a", "b"] }, p2: { mbox: ["a", "b"] } };
    const program = racy({ r: 0, st: state });
    const got = (st: TraceEntry["st"]): TraceEntry[] => [{ r: 0 }, { r: 0, ...(st && { st }) }];
    expect(firstDifference(program, got({ ...state, p1: { mbox: ["b", "a"] } }))).toBeUndefined();
    expect(firstDifference(program, got({ ...state, p2: { mbox: ["b", "a"] } }))).toBe(1);
    expect(firstDifference(program, got({ ...state, p1: { mbox: ["b", "a"], name: "n" } }))).toBe(
      1,
    );
  });

  test("the order matters in every step before it", () => {
    const entry = { r: 0, st: { p1: { mbox: ["a", "b"] } }, unordered: ["p1"] };
    const program = recorded([entry, { r: 0 }], { racy: 1 });
    expect(firstDifference(program, [{ r: 0, st: { p1: { mbox: ["b", "a"] } } }, { r: 0 }])).toBe(
      0,
    );
  });
});

function done(...names: string[]): TraceEntry {
  return { r: 0, done: names.map((by, step) => ({ step, by, r: "died" })) };
}

function tree(...ids: string[]): TraceEntry {
  return { r: 0, tree: { "root.1": ids.map((id) => [id, `<${id}.1>`]) } };
}

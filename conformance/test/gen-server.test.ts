import { describe, expect, test } from "@jest/globals";
import { InvalidCallbackResultError } from "@coppice/supervisor";
import type { Op, Program, TraceEntry } from "../src/program.js";
import { replay } from "../src/replay.js";
import { resultOfTerm, termOfResult } from "../src/server-return.js";
import type { Value } from "../src/term.js";
import { testPrograms } from "./corpus-programs.js";

describe("servers", () => {
  testPrograms("gen_server");
});

describe("a replay of servers", () => {
  const start: Op = { by: "p1", op: "gs_start", as: "s1", how: "start", init: { state: 7 } };
  const started: TraceEntry = {
    r: { ok: ["ok", "<s1>"] },
    log: [["s1", "init"]],
    st: { s1: {} },
  };
  const programOf = (step: Op, entry: TraceEntry): Program => ({
    id: "test/server",
    layer: "gen_server",
    procs: 2,
    steps: [start, step],
    trace: [started, entry],
    racy: undefined,
    machines: {},
  });
  const call: Op = { by: "p2", op: "gs_call", to: "<s1>", d: { ret: ["reply", 1], state: 8 } };
  const called: TraceEntry = { r: { ok: 1 }, log: [["s1", "call", 1, "<p2>", 7]] };

  test.each<[string, Op, TraceEntry]>([
    ["a call", call, called],
    [
      "what the ops of a callback did, where they are to log",
      { ...call, d: { do: [{ op: "self", log: true }, { op: "noop" }] } },
      { r: { ok: "ok" }, log: [...(called.log ?? []), ["s1", "did", "self", "<s1>"]] },
    ],
    [
      "a request that waits at a puppet, with its caller",
      { ...call, to: "<p1>" },
      {
        r: "pending",
        st: { p1: { mbox: [{ gen_call: ["<p2>", { msg: 1 }] }] }, p2: { wait: true } },
      },
    ],
    [
      "a cast to a puppet",
      { by: "p2", op: "gs_cast", to: "<p1>" },
      { r: { ok: "ok" }, st: { p1: { mbox: [{ gen_cast: { msg: 1 } }] } } },
    ],
    [
      "a call that fails, with what was called",
      { ...call, to: "na" },
      { r: { raise: ["exit", ["noproc", { mfa: ["gen_server", "call"] }]] } },
    ],
    [
      "a stop of one that is not there",
      { by: "p2", op: "gs_stop", to: "na" },
      { r: { raise: ["exit", "noproc"] } },
    ],
    [
      "a thrown value as the result it is",
      { ...call, d: { do: [{ op: "throw", reason: ["reply", "x", 9] }] } },
      { r: { ok: "x" }, log: called.log ?? [] },
    ],
    [
      "a DOWN that a puppet has made, in the words of a real one",
      {
        by: "p2",
        op: "seq",
        ops: [
          { op: "monitor", target: "<p1>", as: "r1" },
          { op: "send", to: "<s1>", msg: { down: ["<r1>", "<p1>", ["shutdown", "x"]] } },
        ],
      },
      {
        r: { seq: [{ ok: "<r1>" }, { ok: "ok" }] },
        log: [["s1", "info", { down: ["<r1>", "<p1>", ["shutdown", "x"]] }, 7]],
      },
    ],
  ])("shows %s", async (_what, step, entry) => {
    expect((await replay(programOf(step, entry), "direct"))?.report).toBeUndefined();
  });

  test.each<[string, TraceEntry]>([
    ["another state", { ...called, log: [["s1", "call", 1, "<p2>", 0]] }],
    ["another caller", { ...called, log: [["s1", "call", 1, "<p1>", 7]] }],
    ["another step", { ...called, log: [["s1", "call", 0, "<p2>", 7]] }],
    ["no callback", { r: called.r }],
    ["one callback more", { ...called, log: [...(called.log ?? []), ["s1", "cast", 1, 8]] }],
    ["another reply", { ...called, r: { ok: 2 } }],
  ])("fails where Erlang shows %s", async (_what, entry) => {
    expect((await replay(programOf(call, entry), "direct"))?.step).toBe(1);
  });
});

describe("what a callback returns as a term", () => {
  test.each<[Value, unknown]>([
    [["noreply", 1], { state: 1 }],
    [["noreply", 1, 50], { state: 1, timeoutMs: 50 }],
    [["noreply", 1, "infinity"], { state: 1, timeoutMs: Infinity }],
    [["noreply", 1, "hibernate"], { state: 1 }],
    [["reply", "x", 1], { reply: "x", state: 1 }],
    [["stop", ["shutdown", "x"], 1], { stop: { shutdown: "x" }, state: 1 }],
    [["stop", "why", "x", 1], { stop: "why", reply: "x", state: 1 }],
  ])("%j is %o", (term, fields) => {
    const result = resultOfTerm(term, "call");
    expect(result).toEqual(fields);
    expect(termOfResult(result)).toBe(term);
  });

  test.each<[Value]>([
    ["junk"],
    [[]],
    [["noreply"]],
    [["reply", 1]],
    [["stop", "why"]],
    [["ok", 1]],
  ])("%j stays as it is, for the library to refuse", (term) => {
    expect(resultOfTerm(term, "call")).toBe(term);
    expect(termOfResult(term)).toBe(term);
  });

  test("is refused by init itself, where any value would be a state", () => {
    expect(() => resultOfTerm("junk", "init")).toThrow(InvalidCallbackResultError);
  });
});

import { describe, expect, test } from "@jest/globals";
import type { Op, Program, TraceEntry } from "../src/program.js";
import { replay } from "../src/replay.js";
import { testPrograms } from "./corpus-programs.js";

describe("event managers", () => {
  testPrograms("gen_event");
});

describe("a replay of event managers", () => {
  const start: Op = { by: "p1", op: "ge_start", as: "g1", how: "start" };
  const started: TraceEntry = { r: { ok: ["ok", "<g1>"] }, st: { g1: {} } };
  const add: Op = { by: "p2", op: "ge_add", to: "<g1>", h: "h1", sup: true };
  const added: TraceEntry = {
    r: { ok: "ok" },
    log: [["h1", "init"]],
    st: { g1: { links: ["<p2>"] }, p2: { links: ["<g1>"] } },
  };
  const programOf = (step: Op, entry: TraceEntry): Program => ({
    id: "test/manager",
    layer: "gen_event",
    procs: 2,
    steps: [start, add, step],
    trace: [started, added, entry],
    racy: undefined,
    machines: {},
  });
  const gone = (end: Op["op"] | object, reason: object | string): TraceEntry => ({
    r: { ok: "ok" },
    log: [
      ["h1", "event", 2, 0],
      ["h1", "terminate", end as string, 0],
    ],
    st: { p2: { links: ["<g1>"], mbox: [["gen_event_EXIT", "h1", reason as string]] } },
  });
  const notify = (ret: readonly string[]): Op => ({
    by: "p1",
    op: "ge_notify",
    to: "<g1>",
    ev: { h1: { ret } },
  });

  test.each<[string, Op, TraceEntry]>([
    [
      "a handler that exits normally has failed",
      notify(["exit", "normal"]),
      {
        ...gone(["error", ["EXIT", "normal"]], ["EXIT", "normal"]),
      },
    ],
    [
      "a handler that throws a result means it",
      notify(["throw", "remove_handler"]),
      {
        ...gone("remove_handler", "normal"),
      },
    ],
    [
      "of a call a bare remove_handler is no result",
      { by: "p1", op: "ge_call", to: "<g1>", h: "h1", d: { ret: ["bad", "remove_handler"] } },
      {
        r: { ok: ["error", "remove_handler"] },
        log: [
          ["h1", "call", 2, 0],
          ["h1", "terminate", ["error", "remove_handler"], 0],
        ],
        st: { p2: { links: ["<g1>"], mbox: [["gen_event_EXIT", "h1", "remove_handler"]] } },
      },
    ],
    [
      "what a manager would take stands in a puppet's mailbox as in Erlang",
      { by: "p2", op: "ge_sync_notify", to: "<p1>" },
      {
        r: "pending",
        st: {
          p1: { mbox: [["<p2>", ["<p2>", "<ref>"], ["sync_notify", { msg: 2 }]]] },
          p2: { links: ["<g1>"], wait: true },
        },
      },
    ],
    [
      "an event to a puppet stands there, too",
      { by: "p2", op: "ge_notify", to: "<p1>" },
      { r: { ok: "ok" }, st: { p1: { mbox: [["notify", { msg: 2 }]] } } },
    ],
    [
      "a node that is not there is named",
      { by: "p1", op: "ge_which", to: ["na", "other@nohost"] },
      { r: { raise: ["exit", ["nodedown", "other@nohost"]] } },
    ],
    [
      "who asks itself is told so",
      { by: "p1", op: "ge_sync_notify", to: "<p1>" },
      { r: { raise: ["exit", "calling_self"] } },
    ],
    [
      "a status tells of no callback module",
      { by: "p1", op: "sys", f: "get_status", to: "<g1>" },
      { r: { ok: ["status", "<g1>", "gen_event", "running", "<g1>"] } },
    ],
    [
      "a state is a list of handlers",
      { by: "p1", op: "sys", f: "get_state", to: "<g1>" },
      { r: { ok: { list: [["<mod>", "h1", 0]] } } },
    ],
  ])("%s", async (_what, step, entry) => {
    expect(await replay(programOf(step, entry), "direct")).toBeUndefined();
  });

  test("finds what differs", async () => {
    const failure = await replay(programOf(notify(["ok"]), gone("stop", "normal")), "direct");
    expect(failure).toMatchObject({ step: 2 });
  });
});

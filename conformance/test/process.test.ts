import { describe, expect, test } from "@jest/globals";
import { builtInPrograms } from "../src/corpus.js";
import type { Program, TraceEntry } from "../src/program.js";
import { replay, type Failure } from "../src/replay.js";
import type { Mode } from "../src/schedule.js";

const programs = builtInPrograms("process");

/**
 * Programs whose trace has an order that Erlang does not promise, although its VM always takes it: one
 * monitors a process, then ends another that is linked to it. Should the exit get there before the
 * monitor, the DOWN says `noproc`.
 */
const LEFT_OPEN: ReadonlySet<string> = new Set(["process#511", "process#748"]);

async function failuresOf(mode: Mode): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const program of programs) {
    const failure = await replay(program, mode);
    if (failure !== undefined) failures.push(failure);
  }
  return failures;
}

describe("processes", () => {
  test("do what they do in Erlang", async () => {
    const failures = await failuresOf("direct");
    expect(failures.map(({ report }) => report)).toEqual([]);
  }, 120_000);

  test("do what they do in Erlang when each signal waits its turn", async () => {
    const failures = await failuresOf("fifo");
    expect(failures.map(({ report }) => report)).toEqual([]);
  }, 120_000);

  test.each([1, 2, 4])(
    "do what they do in Erlang in an order of their own, seed %d, but for what is left open",
    async (seed) => {
      const failures = await failuresOf(seed);
      const unexpected = failures.filter(({ program }) => !LEFT_OPEN.has(program.id));
      expect(unexpected.map(({ report }) => report)).toEqual([]);
    },
    120_000,
  );
});

describe("a replay", () => {
  const pingPong: Program = {
    id: "test/ping-pong",
    layer: "process",
    procs: 2,
    steps: [
      { by: "p1", op: "send", to: "<p2>", msg: "a" },
      { by: "p1", op: "send", to: "<p2>", msg: "b" },
      { by: "p2", op: "recv", match: "b" },
    ],
    trace: [
      { r: { ok: "ok" }, st: { p2: { mbox: ["a"] } } },
      { r: { ok: "ok" }, st: { p2: { mbox: ["a", "b"] } } },
      { r: { ok: ["msg", "b"] }, st: { p2: { mbox: ["a"] } } },
    ],
    racy: undefined,
    machines: {},
  };

  const expecting = (step: number, entry: TraceEntry): Program => ({
    ...pingPong,
    trace: pingPong.trace.with(step, entry),
  });

  test("passes when the traces are equal", async () => {
    expect(await replay(pingPong, "direct")).toBeUndefined();
  });

  test.each<[string, number, TraceEntry]>([
    ["another order", 1, { r: { ok: "ok" }, st: { p2: { mbox: ["b", "a"] } } }],
    ["another message", 0, { r: { ok: "ok" }, st: { p2: { mbox: ["c"] } } }],
    ["one message more", 0, { r: { ok: "ok" }, st: { p2: { mbox: ["a", "a"] } } }],
    ["a message that stays", 2, { r: { ok: ["msg", "b"] } }],
    ["a name", 0, { r: { ok: "ok" }, st: { p2: { mbox: ["a"], name: "na" } } }],
    ["a change of another process", 0, { r: { ok: "ok" }, st: { p1: { trap: true } } }],
    ["another result", 2, { r: { ok: ["msg", "a"] }, st: { p2: { mbox: ["a"] } } }],
    ["an exception", 0, { r: { raise: ["error", "badarg"] } }],
  ])("fails at the first step where Erlang shows %s", async (_what, step, entry) => {
    const failure = await replay(expecting(step, entry), "direct");
    expect(failure?.step).toBe(step);
    expect(failure?.report.split("\n")).toEqual([
      `test/ping-pong: step ${step} differs`,
      `  step      ${JSON.stringify(pingPong.steps[step])}`,
      `  expected  ${JSON.stringify(entry)}`,
      `  got       ${JSON.stringify(pingPong.trace[step])}`,
    ]);
  });

  test("reports what went wrong in the replay itself, with its stack", async () => {
    const nonsense = {
      ...expecting(0, { r: "died" }),
      steps: pingPong.steps.with(0, { by: "p1", op: "send", to: "<p2>", msg: { no: "term" } }),
    };
    const failure = await replay(nonsense, "direct");
    expect(failure?.step).toBeUndefined();
    expect(failure?.report).toMatch(
      /^test\/ping-pong: could not be run\nTypeError: not a term: \{"no":"term"\}\n +at /,
    );
  });
});

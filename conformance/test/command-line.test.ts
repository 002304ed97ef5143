import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { conformance } from "../src/command-line.js";

const good = {
  id: "mine/send",
  layer: "process",
  procs: 1,
  steps: [{ by: "p1", op: "send", to: "<self>", msg: "a" }],
  trace: [{ r: { ok: "ok" }, st: { p1: { mbox: ["a"] } } }],
};
const bad = { ...good, id: "mine/wrong", trace: [{ r: { ok: "ok" } }] };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "conformance-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command in the folder, where `content` is the file `programs.json`. */
async function run(
  args: string[],
  content: string | Uint8Array = "",
): Promise<{ code: number; out: string; err: string }> {
  writeFileSync(join(folder, "programs.json"), content);
  const out: string[] = [];
  const err: string[] = [];
  const output = {
    print: (line: string) => void out.push(line),
    complain: (line: string) => void err.push(line),
  };
  const code = await conformance(args, folder, output);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const passed = (count: number) => ({ code: 0, out: `${count} passed, 0 failed`, err: "" });

describe("npm run conformance", () => {
  test.each<[string, string | Uint8Array, number]>([
    ["a JSON array", JSON.stringify([good, good]), 2],
    ["a JSON array of several lines", JSON.stringify([good, good], undefined, 2), 2],
    ["JSON Lines", `${JSON.stringify(good)}\n\n${JSON.stringify(good)}\n`, 2],
    ["a gzipped file", gzipSync(JSON.stringify(good)), 1],
    ["a file with a byte order mark", `\uFEFF[${JSON.stringify(good)}]`, 1],
  ])("replays the programs of %s", async (_form, content, count) => {
    expect(await run(["process", "programs.json"], content)).toEqual(passed(count));
    expect(await run(["./programs.json"], content)).toEqual(passed(count));
  });

  test("with a layer alone it replays the corpus of that layer", async () => {
    expect(await run(["process"])).toEqual(passed(1180));
  }, 120_000);

  test.each(["direct", "fifo", "17"])("replays under the schedule %s", async (schedule) => {
    const args = ["programs.json", "--scheduler", schedule];
    expect(await run(args, JSON.stringify(good))).toEqual(passed(1));
  });

  test("a program that names no layer is of the layer that was named", async () => {
    const { layer: _, ...unlabelled } = good;
    expect(await run(["process", "programs.json"], JSON.stringify(unlabelled))).toEqual(passed(1));
  });

  test("prints each failure, then how many there were, and exits with 1", async () => {
    const lines = [good, bad, good].map((program) => JSON.stringify(program)).join("\n");
    const { code, out } = await run(["programs.json"], lines);
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      "mine/wrong: step 0 differs",
      `  step      {"by":"p1","op":"send","to":"<self>","msg":"a"}`,
      `  expected  {"r":{"ok":"ok"}}`,
      `  got       {"r":{"ok":"ok"},"st":{"p1":{"mbox":["a"]}}}`,
      "2 passed, 1 failed",
    ]);
  });

  test("explains itself", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    expect(out).toContain("npm run conformance -- [LAYER ...] [FILE ...]");
  });
});

describe("misuse exits with 2 and says what was expected", () => {
  test.each<[string[], RegExp]>([
    [["proces"], /^there is no layer "proces"; layers: process/],
    [["process", "nowhere.json"], /^nowhere\.json: cannot be read: ENOENT/],
    [["process", "--scheduler", "lifo"], /^--scheduler must be direct, fifo or a whole number/],
    [["process", "--fast"], /--fast/],
  ])("%j", async (args, message) => {
    const { code, out, err } = await run(args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(message);
  });

  const line = JSON.stringify(good);
  const without = (...keys: string[]): string =>
    JSON.stringify(Object.fromEntries(Object.entries(good).filter(([key]) => !keys.includes(key))));
  const withStep = (step: unknown): string => JSON.stringify({ ...good, steps: [step] });

  test.each<[string, string, string]>([
    ["an empty file", "", "1: there are no programs in it"],
    ["an empty array", " []\n", "1: there are no programs in it"],
    ["a broken line", `${line}\n{"id":\n`, "2: not JSON: "],
    ["a broken element", `[\n${line},\n{"id" 3}\n]`, "3: not JSON: "],
    ["a break within an element", `[\n${line},\n{"id":\n\n3 3}\n]`, "5: not JSON: "],
    ["a missing comma", `[\n${line}\n${line}]`, "3: not JSON: "],
    ["a trailing comma", `[\n${line},\n]`, "3: not JSON: "],
    ["an array that does not end", `[\n${line},\n${line}\n`, "4: the array does not end"],
    ["something after the array", `[\n${line}\n]\nx`, "4: something follows the array"],
    ["no program", `${line}\n7`, "2: a program must be an object, but is 7"],
    ["no id", without("id"), `1: "id" must be a string, but is missing`],
    ["no steps", without("steps"), `1: "steps" of mine/send must be an array, but is missing`],
    ["no trace", without("trace"), `1: "trace" of mine/send must be an array, but is missing`],
    [
      "a trace of another length",
      JSON.stringify({ ...good, trace: [] }),
      `1: "trace" of mine/send must be as long as its 1 steps, but is 0`,
    ],
    [
      "a layer that is not there",
      JSON.stringify({ ...good, layer: "gen_tcp" }),
      `1: mine/send is of a layer that was not asked for: "gen_tcp"`,
    ],
    [
      "an unknown op",
      withStep({ by: "p1", op: "sned" }),
      `1: "op" of step 0 of mine/send must be `,
    ],
    [
      "an unknown op within another",
      withStep({ by: "p1", op: "seq", ops: [{ op: "noop" }, { op: "nope" }] }),
      `1: "op" of ops[1] of step 0 of mine/send must be `,
    ],
    [
      "an op without a field that it needs",
      withStep({ by: "p1", op: "send", to: "<p1>" }),
      `1: "msg" of step 0 of mine/send must be given, but is missing`,
    ],
    ["a step by nobody", withStep({ op: "noop" }), `1: "by" of step 0 of mine/send must be a name`],
    [
      "an advance by nothing",
      withStep({ op: "advance" }),
      `1: "ms" of step 0 of mine/send must be a whole number, but is missing`,
    ],
  ])("a file with %s", async (_what, content, message) => {
    const { code, out, err } = await run(["programs.json"], content);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err.slice(0, `programs.json:${message}`.length)).toBe(`programs.json:${message}`);
  });
});

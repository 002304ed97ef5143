import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { inMacrotask } from "@coppice/testkit";

interface Failing {
  readonly program: string;
  readonly token: string;
  readonly hash: string;
}

interface Replayed {
  readonly hash: string;
  readonly fails: boolean;
}

const child = fileURLToPath(new URL("replay-child.mjs", import.meta.url));
const programs = ["two", "three", "names"];

/** Runs `replay-child.mjs` in a process of its own. */
async function ask<T>(
  question: object,
  { args = [], ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; args?: string[] } = {},
): Promise<T> {
  const { stdin, stdout, stderr } = spawn(process.execPath, [...args, child], options);
  stdin.end(JSON.stringify(question));
  const [answer, errors] = await Promise.all([text(stdout), text(stderr)]);
  if (answer === "") throw new Error(errors);
  return JSON.parse(answer) as T;
}

describe("a thousand failing schedules", () => {
  let failing: readonly Failing[];
  let folder: string;
  let expected: readonly Replayed[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "coppice-replay-"));
    const found = await Promise.all(
      programs.map((program) => ask<Failing[]>({ find: { program, count: 334 } })),
    );
    failing = found.flat();
    expected = failing.map(({ hash }) => ({ hash, fails: true }));
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  const replays = (): object => ({ replays: failing });

  test("are a thousand, of many classes, explained ones among them", () => {
    expect(failing.length).toBeGreaterThanOrEqual(1_000);
    expect(new Set(failing.map(({ program, hash }) => program + hash)).size).toBeGreaterThan(300);
    expect(failing.filter(({ token }) => token.includes("h=")).length).toBeGreaterThan(50);
  });

  test("fail the same way in a fresh process", async () => {
    expect(await ask(replays())).toEqual(expected);
  });

  test.each<[string, string, Record<string, string>]>([
    ["the South Seas", "Pacific/Kiritimati", { LANG: "en_KI.UTF-8" }],
    ["Turkey", "Europe/Istanbul", { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }],
    ["Egypt", "Africa/Cairo", { LANG: "ar_EG.UTF-8", LC_ALL: "ar_EG.UTF-8" }],
  ])(
    "fail the same way in another folder, with the time and language of %s",
    async (_, TZ, lang) => {
      const env = { ...process.env, TZ, ...lang };
      expect(await ask(replays(), { cwd: folder, env })).toEqual(expected);
    },
  );

  test("fail the same way with coverage on", async () => {
    const coverage = join(folder, "coverage");
    const env = { ...process.env, NODE_V8_COVERAGE: coverage };
    expect(await ask(replays(), { env })).toEqual(expected);
    expect(readdirSync(coverage).length).toBeGreaterThan(0);
  });

  test("fail the same way when code is not optimised, and when there is little memory", async () => {
    const args = ["--no-opt", "--max-semi-space-size=1"];
    expect(await ask(replays(), { args })).toEqual(expected);
  });

  test("fail the same way within this test", async () => {
    const here: string = "./replay-child.mjs";
    const { replay } = (await import(here)) as {
      replay: (program: string, token: string) => Replayed;
    };
    const replayed = await inMacrotask(() =>
      failing.map(({ program, token }) => replay(program, token)),
    );
    expect(replayed).toEqual(expected);
  });
});

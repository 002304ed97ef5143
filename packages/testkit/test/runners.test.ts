import { describe, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { testActors } from "@coppice/testkit";

const child = fileURLToPath(new URL("runner-child.mjs", import.meta.url));

async function shell(command: string): Promise<{ code: number; output: string }> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(COPPICE|JEST|NODE_)/.test(name)),
  );
  const running = spawn("sh", ["-c", command], { env });
  const [output, code] = await Promise.all([
    text(running.stdout),
    new Promise<number>((resolve) => void running.on("close", resolve)),
  ]);
  return { code, output };
}

describe("node:test", () => {
  test("runs tests of actors, and what a report says to paste into a shell brings the failure back", async () => {
    const { code, output } = await shell(`node --test --test-reporter=tap ${child}`);
    expect(code).toBe(1);
    expect(output).toContain("# pass 1\n# fail 1\n");
    const [, replay = ""] = /replay: (COPPICE_REPLAY=.*)/.exec(output) ?? [];
    const line = replay.replace("node --test", "node --test --test-reporter=tap");
    expect(line).toContain(
      String.raw`--test-name-pattern='what'\''s said first \(a\) is heard first'`,
    );
    const again = await shell(line);
    expect(again.code).toBe(1);
    expect(again.output).toContain("found: replay");
    const reasons = (text: string): string[] =>
      text.split("\n").filter((each) => /^\s+(✗|1\.|program:)/.test(each));
    expect(reasons(output).length).toBeGreaterThan(2);
    expect(reasons(again.output)).toEqual(reasons(output));
  });
});

test("a runner is told the name, what to run, and how long that may take", () => {
  const define = jest.fn();
  testActors.with(define)("nothing to see", [], () => undefined, { budgetMs: 100 });
  expect(define.mock.calls).toEqual([["nothing to see", expect.any(Function), 10_300]]);
});

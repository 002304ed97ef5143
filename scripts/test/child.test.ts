import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { capture } from "../child.mjs";

/** Counts the signals it gets and exits with 7 a while after the first. */
const program = `
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      signals += 1;
      setTimeout(() => {
        console.log("stopped after " + signals);
        process.exit(7);
      }, 300);
    });
  }
  setTimeout(() => {}, 60_000);
  console.log("ready");
`;

const wrapper = `
  const { run } = await import(${JSON.stringify(resolve("scripts/child.mjs"))});
  await run(process.execPath, ["--eval", ${JSON.stringify(program)}]);
  console.log("next step");
`;

describe("run", () => {
  test.each<[NodeJS.Signals, who: string, sign: 1 | -1]>([
    ["SIGINT", "us", 1],
    ["SIGTERM", "us", 1],
    ["SIGINT", "the whole process group", -1],
    ["SIGTERM", "the whole process group", -1],
  ])("%s to %s reaches the program once, and we exit as it does", async (signal, _who, sign) => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", wrapper], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stderr.resume();
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    while (!output.includes("ready")) await once(child.stdout, "data");
    process.kill(sign * (child.pid ?? Number.NaN), signal);
    // As npm does: it passes on what it gets itself.
    child.kill(signal);
    const [code] = await once(child, "close");
    expect({ code, output }).toEqual({ code: 7, output: "ready\nstopped after 1\n" });
  });
});

describe("capture", () => {
  test("gives the exit code and both outputs", async () => {
    const script = "console.log('out'); console.error('err'); process.exitCode = 3";
    const { code, output } = await capture(process.execPath, ["--eval", script]);
    expect({ code, lines: output.split("\n").toSorted() }).toEqual({
      code: 3,
      lines: ["err", "out"],
    });
  });

  test("kills what runs for too long", async () => {
    const result = await capture(process.execPath, ["--eval", "for (;;);"], { timeoutMs: 200 });
    expect(result).toMatchObject({ timedOut: true, code: 128 + 9 });
  });
});

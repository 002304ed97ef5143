import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

test("hostile bytes are refused or are what they say, also where no code may be made from strings", async () => {
  const program = join(dirname(fileURLToPath(import.meta.url)), "../tools/dist/fuzz.js");
  const options = [
    "--disallow-code-generation-from-strings",
    program,
    "--seconds",
    "2",
    "--seed",
    "7",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  const last = /(\d+) passed, 0 failed\n$/.exec(stdout);
  expect(Number(last?.[1])).toBeGreaterThan(140_000);
}, 120_000);

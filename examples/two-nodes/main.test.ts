import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

/** What `npm run example -- two-nodes` runs; `npm test` builds it first. */
const PROGRAM = fileURLToPath(new URL("../dist/two-nodes/main.js", import.meta.url));

test("two processes play ping-pong, and the end of one is told to the other", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM]);
  expect(stdout.split("\n")).toEqual([
    "1000 times: ping, pong",
    "the other process was killed: noconnection",
    "",
  ]);
  expect(stderr).toBe("");
});

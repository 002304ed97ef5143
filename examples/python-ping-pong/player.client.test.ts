import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

/** What `npm run example -- python-ping-pong` runs; `npm run clients` builds it first. */
const PROGRAM = fileURLToPath(new URL("../dist/python-ping-pong/main.js", import.meta.url));

test("Python and TypeScript call each other, and each is told of the other's end", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM]);
  expect(stdout.split("\n")).toEqual([
    "Python called 1000 times: ping, pong",
    "TypeScript called 1000 times: ping, pong",
    "TypeScript's player ended, and Python is told: the game is over",
    "Python was killed, and TypeScript is told: noconnection",
    "",
  ]);
  expect(stderr).toBe("");
});

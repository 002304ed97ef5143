/** Runs of which each step takes a turn of the event loop. What the child process imports is what was built. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { FIFO, runProgramAsync } from "@coppice/testkit";
import { runByTurns } from "../src/run-program.js";
import { readModifyWrite } from "./programs.js";

describe("a run by turns of the event loop", () => {
  test("leaves the host what that begins meanwhile", async () => {
    const once = await runProgramAsync(readModifyWrite(3), FIFO);
    let turns = 0;
    let isOver = false;
    let fired = 0;
    const host = (): void => {
      turns++;
      setTimeout(() => fired++, 0);
      if (!isOver) setImmediate(host);
    };
    host();
    const byTurns = await runByTurns(readModifyWrite(3), FIFO);
    isOver = true;
    expect(byTurns.violations).toEqual(once.violations);
    expect(byTurns.hash()).toBe(once.hash());
    expect(turns).toBeGreaterThan(byTurns.steps.length);
    await new Promise((resolve) => void setTimeout(resolve, 1));
    // The last turn may be one after all these.
    expect(fired).toBeGreaterThanOrEqual(turns - 1);
  });

  test("finds what escapes in the course of a step, also behind an await", async () => {
    const { violations } = await runByTurns((sim) => {
      sim.node().spawn(async (self) => {
        await self.sleep(10);
        await undefined;
        await import("node:fs/promises").then(({ stat }) => stat("."));
      });
    }, FIFO);
    expect(violations.map(({ check }) => check)).toContain("nothing escapes from the simulation");
  });

  test("is made where the engine lets nobody run its microtasks", async () => {
    const source = `
      import { FIFO, inMacrotask, runProgram, runProgramAsync } from "@coppice/testkit";
      const program = (sim) => {
        const node = sim.node();
        const p = node.spawnOpt({ key: "p" }, async (self) => {
          for (;;) await self.receive();
        });
        for (const key of ["a", "b"]) {
          node.spawnOpt({ key }, async (self) => {
            await self.sleep(10);
            self.send(p, key);
          });
        }
        sim.finally("never", () => false);
      };
      const { outcome, violations } = await runProgramAsync(program, FIFO);
      const error = await inMacrotask(() => runProgram(program, FIFO)).catch((reason) => reason);
      console.log(JSON.stringify([outcome, violations.map(({ check }) => check), error.message]));
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", source],
      { cwd: fileURLToPath(new URL("..", import.meta.url)) },
    );
    expect(JSON.parse(stdout)).toEqual([
      "quiescent",
      ["never"],
      expect.stringMatching(/microtasks be run.*; use runProgramAsync/),
    ]);
  });
});

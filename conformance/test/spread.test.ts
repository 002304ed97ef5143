import { describe, expect, test } from "@jest/globals";
import { builtInPrograms } from "../src/corpus.js";
import { conformance } from "../src/command-line.js";
import type { Program } from "../src/program.js";
import { canSpread } from "../src/spread.js";

const programs = builtInPrograms("process").filter(canSpread);

/** How often each op is in the programs that are spread. */
function countOps(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { steps } of programs) {
    for (const { op } of steps) counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return counts;
}

async function run(args: readonly string[]): Promise<{ code: number; out: string[] }> {
  const out: string[] = [];
  const print = (line: string): void => void out.push(line);
  const code = await conformance(args, ".", { print, complain: print });
  return { code, out };
}

describe("programs on two nodes", () => {
  test("do what they did in Erlang on one", async () => {
    const { code, out } = await run(["process", "--nodes", "2"]);
    expect([code, out]).toEqual([0, [`${programs.length} passed, 0 failed`]]);
  }, 120_000);

  test("are many, and use all that crosses nodes", () => {
    expect(programs.length).toBeGreaterThan(350);
    const counts = countOps();
    for (const op of ["send", "link", "unlink", "monitor", "demonitor", "exit2", "alias", "recv"]) {
      expect([op, (counts.get(op) ?? 0) >= 20]).toEqual([op, true]);
    }
    // Those of two processes and more, which are on both nodes.
    expect(programs.filter(({ procs }) => procs > 1).length).toBeGreaterThan(350);
  });

  test.each<[string, object]>([
    ["asks for what belongs to a node", { steps: [{ by: "p1", op: "whereis", name: "n" }] }],
    [
      "does so in the body of a process",
      { steps: [{ by: "p1", op: "spawn", as: "x", body: [{ op: "info", pid: "<p1>" }] }] },
    ],
    [
      "reads a timer for another",
      {
        steps: [
          { by: "p1", op: "send_after", as: "r", ms: 1, to: "<p2>", msg: "m" },
          { by: "p1", op: "read_timer", ref: "<r>" },
        ],
      },
    ],
    ["reads a timer of another", { steps: [{ by: "p1", op: "read_timer", ref: "<r>" }] }],
    ["is of another layer", { layer: "gen_server", steps: [] }],
  ])("are not those where one %s", (_, program) => {
    const whole = { id: "x", layer: "process", procs: 2, trace: [], ...program };
    expect(canSpread(whole as unknown as Program)).toBe(false);
  });

  test("go with the direct scheduler alone", async () => {
    const { code, out } = await run(["process", "--nodes", "2", "--scheduler", "fifo"]);
    expect([code, out[0]]).toEqual([2, expect.stringContaining("--nodes 2 goes with")]);
    expect((await run(["--nodes", "3"])).code).toBe(2);
  });
});

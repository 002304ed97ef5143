import { describe, expect, test } from "@jest/globals";
import { createNode, type Pid } from "@coppice/core";
import { createVirtualClock, quiesce } from "@coppice/testkit";
import { builtInPrograms } from "../src/corpus.js";
import { conformance } from "../src/command-line.js";
import type { Program } from "../src/program.js";
import { replay } from "../src/replay.js";
import { canSpread, connectNodes } from "../src/spread.js";

type Step = [step: object, entry: object];

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

  test.each(["fifo", "7"])(
    "do so where no more is promised than the order of each pair: %s",
    async (scheduler) => {
      const { code, out } = await run(["process", "--nodes", "2", "--scheduler", scheduler]);
      expect([code, out]).toEqual([0, [`${programs.length - 1} passed, 0 failed`]]);
    },
    120_000,
  );

  test("are two, no more", async () => {
    expect((await run(["--nodes", "3"])).code).toBe(2);
  });

  test("know each other's processes by what came over the wire", async () => {
    const clock = createVirtualClock();
    const [a, b] = ["a", "b"].map((name) => createNode({ name, clock, logger: false }));
    if (a === undefined || b === undefined) throw new Error("no nodes");
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) await quiesce();
    };
    const share = await connectNodes([a, b], clock, settle);
    const pid = a.spawn<unknown>(async (self) => void (await self.receive()));
    share.tell("p1", pid);
    await settle();
    const [atA, atB] = [share.at("a", "p1"), share.at("b", "p1")];
    expect([atA === pid, atB === pid, String(atB)]).toEqual([true, false, String(pid)]);
    b.send(atB as Pid<unknown>, "end");
    await settle();
    expect(a.isAlive(pid)).toBe(false);
  });
});

/** Where two nodes of OTP 25 do something else than one: what they did, and one where they refuse. */
describe("on two nodes", () => {
  test.each<[string, Step[]]>([
    [
      "a link to a dead process of the other returns true, and its end comes as a signal",
      [
        [
          { by: "p2", op: "exit", reason: "boom" },
          { r: "died", st: { p2: { exit: "boom" } } },
        ],
        [
          { by: "p1", op: "link", pid: "<p2>" },
          { r: "died", st: { p1: { exit: "noproc" } } },
        ],
      ],
    ],
    [
      "who traps exits gets that signal as a message",
      [
        [
          { by: "p2", op: "exit", reason: "boom" },
          { r: "died", st: { p2: { exit: "boom" } } },
        ],
        [
          { by: "p1", op: "trap", value: true },
          { r: { ok: false }, st: { p1: { trap: true } } },
        ],
        [
          { by: "p1", op: "link", pid: "<p2>" },
          { r: { ok: true }, st: { p1: { trap: true, mbox: [{ exit: ["<p2>", "noproc"] }] } } },
        ],
      ],
    ],
    [
      "a timer of the other is not there, neither to be read nor to be cancelled",
      [
        [
          { by: "p1", op: "send_after", as: "r1", ms: 250, to: "<self>", msg: "m" },
          { r: { ok: "<r1>" } },
        ],
        [{ by: "p2", op: "read_timer", ref: "<r1>" }, { r: { ok: false } }],
        [{ by: "p2", op: "cancel_timer", ref: "<r1>" }, { r: { ok: false } }],
        [{ by: "p1", op: "read_timer", ref: "<r1>" }, { r: { ok: 250 } }],
      ],
    ],
    [
      "a timer may be for a process of the other, which OTP refuses; that it ends is not seen",
      [
        [
          { by: "p1", op: "send_after", as: "r1", ms: 250, to: "<p2>", msg: "m" },
          { r: { ok: "<r1>" } },
        ],
        [
          { op: "advance", ms: 300 },
          { r: { ok: "ok" }, st: { p2: { mbox: ["m"] } } },
        ],
        [
          { by: "p1", op: "send_after", as: "r2", ms: 250, to: "<p2>", msg: "m" },
          { r: { ok: "<r2>" } },
        ],
        [
          { by: "p2", op: "exit", reason: "boom" },
          { r: "died", st: { p2: { exit: "boom" } } },
        ],
        [{ by: "p1", op: "read_timer", ref: "<r2>" }, { r: { ok: 250 } }],
      ],
    ],
  ])("%s", async (_, steps) => {
    const program = {
      id: "two",
      layer: "process",
      procs: 2,
      steps: steps.map(([step]) => step),
      trace: steps.map(([, entry]) => entry),
    };
    const failure = await replay(program as unknown as Program, { spread: "direct" });
    expect(failure?.report).toBe(undefined);
  });
});

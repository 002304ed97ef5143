import { describe, expect, test } from "@jest/globals";
import type { Call } from "@coppice/core";
import {
  createSchedule,
  explain,
  explore,
  formatSchedule,
  inMacrotask,
  parseSchedule,
  runProgram,
  strategyOf,
  type Bounds,
  type Exploration,
  type Program,
  type SimulationOptions,
} from "@coppice/testkit";

const FOR_MS = 100;

/**
 * A server lends something for 100 ms by its clock. A client gives it up so much earlier by its own, counted from
 * when it asked, or, which is wrong, from when it was told.
 */
function lease(from: "asked" | "told", marginMs: number): Program {
  return (sim) => {
    const server = sim
      .node("s")
      .spawnOpt<Call<"lend", boolean>>({ key: "server" }, async (self) => {
        let until = -1;
        for (;;) {
          const { from: client } = await self.receive();
          const isFree = self.now() >= until;
          if (isFree) until = self.now() + FOR_MS;
          self.reply(client, isFree);
        }
      });
    const holders = sim.shared<readonly string[]>("holders", []);
    for (const name of ["a", "b"]) {
      sim.node(name).spawnOpt<never>({ key: "client" }, async (self) => {
        for (let turn = 0; turn < 2; turn++) {
          const askedMs = self.now();
          const isMine = await self.call(server, "lend", { timeoutMs: Infinity });
          const sinceMs = from === "asked" ? askedMs : self.now();
          const leftMs = sinceMs + FOR_MS - marginMs - self.now();
          if (isMine && leftMs > 0) {
            holders.change((now) => [...now, name]);
            if (holders.now.length > 1) sim.fail("one has it", holders.now.join(" and "));
            await self.sleep(leftMs);
            holders.change((now) => now.filter((each) => each !== name));
            return;
          }
          await self.sleep(FOR_MS);
        }
      });
    }
  };
}

function search(program: Program, simulation: SimulationOptions): Promise<Exploration> {
  return inMacrotask(() => explore(program, { runs: 500, simulation }));
}

const slowest: Bounds = { maxLatencyMs: 10 };

describe("within bounds", () => {
  test("a message may take as long as it may: who counts from the answer is found out", async () => {
    const { failing, statement } = await search(lease("told", 1), { clock: slowest });
    expect(failing).toBe(1);
    expect(statement.faults).toBe(0);
    // It is this that it takes.
    const other = await search(lease("told", 1), { clock: slowest, faults: { late: 0 } });
    expect(other.failing).toBe(0);
  });

  test.each<[string, Bounds, "asked" | "told", number]>([
    ["from when it asked", slowest, "asked", 1],
    ["with the whole latency to spare", slowest, "told", 11],
    ["with the drift to spare", { ...slowest, drift: 0.05 }, "asked", 11],
    ["with what is left of the latency to spare", { minLatencyMs: 5, maxLatencyMs: 10 }, "told", 6],
    ["with the pause to spare", { ...slowest, maxPauseMs: 5 }, "asked", 6],
  ])("nobody is accused who counts %s", async (_, clock, from, marginMs) => {
    const { failing, runs } = await search(lease(from, marginMs), { clock });
    expect(failing).toBe(0);
    expect(runs).toBe(500);
  });

  test.each<[string, Bounds, number]>([
    ["a clock that is slow", { ...slowest, drift: 0.05 }, 5],
    ["a process that pauses", { ...slowest, maxPauseMs: 5 }, 4],
  ])("%s is found", async (_, clock, marginMs) => {
    expect((await search(lease("asked", marginMs), { clock })).failing).toBe(1);
  });

  test("nothing takes longer than it may, nor less", async () => {
    const tookMs = new Set<number>();
    const program: Program = (sim) => {
      const sink = sim.node("b").spawnOpt<number>({ key: "sink" }, async (self) => {
        for (;;) {
          const sentMs = await self.receive();
          tookMs.add(self.now() - sentMs);
        }
      });
      for (const key of ["x", "y", "z"]) {
        sim.node(`a${key}`).spawnOpt<never>({ key }, async (self) => {
          await self.sleep(3);
          self.send(sink, self.now());
        });
      }
    };
    await search(program, { clock: { minLatencyMs: 2, maxLatencyMs: 9 } });
    expect(Math.min(...tookMs)).toBe(2);
    expect(Math.max(...tookMs)).toBe(9);
  });

  test("it is explained, and its token replays", async () => {
    const program = lease("told", 1);
    const options: SimulationOptions = { clock: slowest };
    const { failures } = await search(program, options);
    await inMacrotask(() => {
      const why = explain((strategy) => runProgram(program, strategy, options), failures[0]!.run);
      expect(why?.base).toBe("fifo");
      expect(why?.minimal).toBe(true);
      expect(why?.constraints).toContainEqual(
        expect.objectContaining({ type: "force", key: expect.stringMatching(/^fault:late:.*#1$/) }),
      );
      const token = formatSchedule(createSchedule({ constraints: why!.constraints }));
      expect(formatSchedule(parseSchedule(token))).toBe(token);
      const again = runProgram(program, strategyOf(parseSchedule(token)), options);
      expect(again.violations.map(({ check }) => check)).toEqual(["one has it"]);
    });
  });
});

import { describe, expect, test } from "@jest/globals";
import { inMacrotask, runProgram, FIFO, type Program } from "../src/index.js";

const rejected = async (run: Promise<unknown>): Promise<unknown> => {
  try {
    await run;
  } catch (error) {
    return error;
  }
  throw new Error("it did not reject");
};

const run = (program: Program): Promise<unknown> => inMacrotask(() => runProgram(program, FIFO));

describe("the lives of nodes", () => {
  test.each([2, 8, 9, 20])("of %i nodes each keeps its own clock over its lives", async (count) => {
    const clocks: string[] = [];
    await run((sim) => {
      for (let i = 1; i <= count; i++) sim.node(`n${i}`);
      const jumps = [1, count];
      for (const i of jumps) sim.jump(`n${i}`, 100 * i);
      for (const i of jumps) {
        sim.crash(`n${i}`);
        clocks.push(`${sim.restart(`n${i}`).now()}`);
      }
    });
    expect(clocks).toEqual(["100", `${100 * count}`]);
  });

  test.each([1, 8, 9, 20])("with %i others a name is taken while its node is up", async (count) => {
    const error = await rejected(
      run((sim) => {
        for (let i = 0; i <= count; i++) sim.node(`n${i}`);
        sim.node("n0");
      }),
    );
    expect(error).toMatchObject({ name: "InvalidArgumentError" });
  });

  test("another life of a node is another node, and draws other numbers", async () => {
    const seen: unknown[] = [];
    await run((sim) => {
      const first = sim.node("a");
      sim.crash("a");
      const second = sim.restart("a");
      seen.push(first === second, first.incarnation === second.incarnation);
    });
    expect(seen).toEqual([false, false]);
  });

  test("what each run of a program could see of its node is as in the first", async () => {
    const seen = new Set<string>();
    const program: Program = (sim) => {
      const node = sim.node();
      const told: string[] = [];
      node.events.subscribe(({ type }) => told.push(type));
      const pid = node.spawnOpt<string>(
        { key: "echo" },
        async (self) => void (await self.receive()),
      );
      node.send(pid, "hello");
      const { incarnation, counts } = node;
      sim.finally("what was seen is noted", () => {
        const random = sim.node("b").incarnation;
        const facts = { pid: String(pid), incarnation, counts, told, now: node.now(), random };
        seen.add(JSON.stringify(facts));
        return true;
      });
    };
    for (let i = 0; i < 3; i++) await run(program);
    expect(seen.size).toBe(1);
    expect([...seen][0]).toContain('"told":["spawned","exited"]');
  });
});

import { describe, expect, test } from "@jest/globals";
import { explore, inMacrotask, UnsteadyRunError, type Program } from "@coppice/testkit";
import { fanIn, readModifyWrite } from "./programs.js";

/** A program that is another once it has run `often`. */
function leaking(often: number, fails: boolean): Program {
  let runs = 0;
  return (sim) => {
    runs++;
    const node = sim.node();
    const sink = node.spawnOpt<number>({ key: "sink" }, async (self) => {
      for (;;) await self.receive();
    });
    for (let s = 0; s < 5; s++) {
      node.spawnOpt<never>({ key: `s${s}` }, (self) => {
        self.send(sink, 1);
        if (runs > often) self.send(sink, 2);
      });
    }
    if (fails) sim.finally("it has run", () => runs !== 1);
  };
}

describe("an exploration", () => {
  test("finds state that outlives a run, where no run fails", async () => {
    const found = inMacrotask(() =>
      explore(leaking(150, false), { dporRuns: 0, strategies: ["walk"], runs: 400 }),
    );
    await expect(found).rejects.toThrow(UnsteadyRunError);
    await expect(found).rejects.toThrow("took another course the second time");
  });

  test("finds it however few runs there are", async () => {
    const found = inMacrotask(() => explore(leaking(1, false), { dporRuns: 0, runs: 2 }));
    await expect(found).rejects.toThrow(UnsteadyRunError);
  });

  test("finds that what failed does not fail again", async () => {
    const found = inMacrotask(() => explore(leaking(Infinity, true), { runs: 50 }));
    await expect(found).rejects.toThrow('first "it has run", then no violation');
  });

  test("lets pass runs in which something happens that no strategy picks", async () => {
    const program: Program = (sim) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const sink = b.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) await self.receive();
      });
      for (const key of ["x", "y"]) {
        a.spawnOpt<never>({ key }, async (self) => {
          self.send(sink, key);
          await self.sleep(10);
          self.send(sink, key);
        });
      }
      sim.faults.partition(["a"], ["b"]);
      sim.finally("it comes to rest", () => false);
    };
    const { failures, failing } = await inMacrotask(() => explore(program, { all: true }));
    const healed = failures.some(({ run }) =>
      run.steps.slice(0, -1).some(({ transition }) => transition.key === "fault:relief#1"),
    );
    expect(healed).toBe(true);
    expect(failing).toBeGreaterThan(100);
  });

  test("lets pass what is steady, and counts no run twice", async () => {
    const { runs } = await inMacrotask(() => explore(fanIn(5, 1), { runs: 1_000, all: true }));
    const { failing } = await inMacrotask(() => explore(readModifyWrite(3), { all: true }));
    expect(runs).toBeGreaterThanOrEqual(120);
    expect(failing).toBeGreaterThan(0);
  });
});

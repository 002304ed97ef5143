import { describe, expect, test } from "@jest/globals";
import type { Pid } from "@coppice/core";
import {
  explain,
  explore,
  inMacrotask,
  runProgram,
  type Exploration,
  type Explanation,
  type ExploreOptions,
  type Program,
} from "@coppice/testkit";

/** Each takes one message, and all write into one variable that the simulation knows nothing of. */
function writers(bad: RegExp): Program {
  return (sim) => {
    const node = sim.node();
    let log = "";
    const all = ["a", "b", "c", "d"].map((key) =>
      node.spawnOpt<number>({ key }, async (self) => {
        await self.receive();
        log += key;
        if (bad.test(log)) sim.fail("in order", log);
      }),
    );
    for (const each of all) node.send(each, 1);
  };
}

/** The same by timers. */
function ticks(bad: RegExp): Program {
  return (sim) => {
    let log = "";
    for (const key of ["a", "b", "c", "d"]) {
      sim.node(key).spawnOpt<never>({ key }, async (self) => {
        await self.sleep(5);
        log += key;
        if (bad.test(log)) sim.fail("in order", log);
      });
    }
  };
}

async function search(
  program: Program,
  options: ExploreOptions = {},
): Promise<{ readonly exploration: Exploration; readonly why: Explanation | undefined }> {
  return inMacrotask(() => {
    const exploration = explore(program, options);
    const [failure] = exploration.failures;
    const why = failure && explain((strategy) => runProgram(program, strategy), failure.run);
    return { exploration, why };
  });
}

describe("what is shared in a closure", () => {
  test("fails in an order of steps that nobody takes for dependent, and then nothing was exhaustive", async () => {
    const { exploration } = await search(writers(/^b/));
    expect(exploration.failing).toBe(1);
    expect(exploration.failures[0]?.strategy).toBe("walk");
    expect(exploration.statement.kind).toBe("bounded");
    expect(exploration.statement.bounds).toContain(
      "something is shared that the simulation does not see",
    );
    // The looks are no runs.
    expect(exploration.runs).toBe((await search(writers(/^x/))).exploration.runs);
  });

  test("is not looked for where nobody wants samples", async () => {
    const { exploration } = await search(writers(/^b/), { strategies: [] });
    expect(exploration.statement.text).toBe(
      "exhaustive: 1 of 1 inequivalent schedule (profile pairFifo, faults 0, timers 0, 0 violations)",
    );
  });

  test("that decides whom a message goes to is found out, although nothing fails, and then samples go on", async () => {
    const handover: Program = (sim) => {
      const node = sim.node();
      const [old, next] = ["old", "new"].map((key) =>
        node.spawnOpt<string>({ key }, async (self) => {
          for (;;) await self.receive();
        }),
      ) as [Pid<string>, Pid<string>];
      let home = old;
      node.spawnOpt<never>({ key: "router" }, async (self) => {
        await self.yield();
        home = next;
        self.send(old, "moved");
      });
      node.spawnOpt<never>({ key: "client" }, async (self) => {
        await self.yield();
        self.send(home, "hello");
      });
    };
    const { exploration } = await search(handover, { runs: 200 });
    expect(exploration.failing).toBe(0);
    expect(exploration.runs).toBe(200);
    expect(exploration.statement.bounds).toEqual([
      "something is shared that the simulation does not see",
    ]);
  });

  test("that decides how runs of one class end is found out where all are counted", async () => {
    const { exploration } = await search(writers(/^[cd]/), { all: true, runs: 50 });
    expect(exploration.failing).toBeGreaterThan(0);
    expect(exploration.statement.bounds).toEqual([
      "something is shared that the simulation does not see",
    ]);
    expect(exploration.statement.violations).toBe(exploration.failing);
  });

  test("is no reason to doubt what passes", async () => {
    const { exploration } = await search(writers(/^x/));
    expect(exploration.statement.kind).toBe("exhaustive");
  });

  test.each<[string, Program, string[]]>([
    ["messages", writers(/^b/), ["n→n/a#1 after n→n/b#1"]],
    ["messages in a row", writers(/^cd/), ["n→n/a#1 after n→n/d#1", "n→n/b#1 after n→n/d#1"]],
    [
      "timers",
      ticks(/^d/),
      ["timer:a/a#1", "timer:b/b#1", "timer:c/c#1"].map((key) => `${key} after timer:d/d#1`),
    ],
  ])(
    "is explained, of %s, by what had to wait until after the violation",
    async (_, program, texts) => {
      const { why } = await search(program);
      expect(why?.base).toBe("fifo");
      expect(why?.minimal).toBe(true);
      const constraints = why?.constraints ?? [];
      expect(
        constraints.map(
          (each) => `${each.key} after ${each.type === "hold" ? each.until : each.after}`,
        ),
      ).toEqual(texts);
    },
  );
});

import { describe, expect, test } from "@jest/globals";
import { name, type Down, type Node, type Pid, type Self } from "@coppice/core";
import {
  dependent,
  FIFO,
  runProgramAsync,
  type Program,
  type Simulation,
  type Step,
} from "@coppice/testkit";

/** What each step of a run used, by its key. */
async function footprints(program: Program): Promise<Record<string, string[]>> {
  const run = await runProgramAsync(program, FIFO);
  return Object.fromEntries(
    run.steps.map(({ transition, accesses }) => [
      transition.key,
      accesses.map(({ object, mode }) => `${mode} ${object}`).sort(),
    ]),
  );
}

/** A process under the key `actor` that does it when it is sent something. */
function acting(
  act: (self: Self<unknown>, other: Pid<unknown>, sim: Simulation) => unknown,
): Program {
  return (sim) => {
    const node = sim.node();
    const other = idle(node, "other");
    const actor = node.spawnOpt<unknown>({ key: "actor" }, async (self) => {
      await self.receive();
      await act(self, other, sim);
      for (;;) await self.receive();
    });
    node.send(actor, "go");
  };
}

function idle(node: Node, key: string): Pid<unknown> {
  return node.spawnOpt<unknown>({ key }, async (self) => {
    for (;;) await self.receive();
  });
}

const go = "n→n/actor#1";

describe("the footprint of a step", () => {
  const Server = name<unknown>("server");

  test.each<[string, Parameters<typeof acting>[0], string, string[]]>([
    ["a message: the mailbox", () => undefined, go, ["write mailbox:n/actor"]],
    [
      "isAlive",
      (self, other) => self.isAlive(other),
      go,
      ["read alive:n/other", "write exits:n/actor→n/other", "write mailbox:n/actor"],
    ],
    ["a name", (self) => self.whereis(Server), go, ["read name:server@n", "write mailbox:n/actor"]],
    ["a look at the clock", (self) => self.now(), go, ["read clock", "write mailbox:n/actor"]],
    [
      "a monitor: whether its target lives, and not its mailbox",
      (self, other) => self.monitor(other, () => null),
      "n/actor→n/other#1",
      ["read alive:n/other"],
    ],
    [
      "an exit signal that ends a process: its life, and that it was on its way",
      (self, other) => self.exit(other, "kill"),
      "n/actor→n/other#1",
      ["read exits:n/actor→n/other", "write alive:n/other", "write mailbox:n/other"],
    ],
    [
      "a timer: time, who is sent its message and has to be there, and whose timers those were",
      (self, other) => self.sendAfter(other, 10, "x"),
      "timer:n/actor#1",
      [
        "read alive:n/other",
        "write clock",
        "write mailbox:n/actor",
        "write mailbox:n/other",
        "write timers",
        "write timers:n/actor",
      ],
    ],
    [
      "what is shared",
      async (self, _other, sim) => {
        await sim.shared("table", 0).write(self, (n) => n + 1);
      },
      "resume:n/actor#1",
      ["write mailbox:n/actor", "write shared:table"],
    ],
    [
      "a look at what is shared",
      async (self, _other, sim) => {
        await sim.shared("table", 0).read(self, (n) => n);
      },
      "resume:n/actor#1",
      ["read shared:table", "write mailbox:n/actor"],
    ],
    [
      "a disk",
      (_self, _other, sim) => sim.durable("n", "log", 0).write(1),
      go,
      ["read disks:n", "write disk:n/log", "write mailbox:n/actor"],
    ],
  ])("of %s", async (_what, act, key, expected) => {
    expect((await footprints(acting(act)))[key]).toEqual(expected);
  });
});

describe("two steps", () => {
  /** Are the steps with these keys dependent, in a run of the program? */
  async function areDependent(program: Program, a: string, b: string): Promise<boolean> {
    const { steps } = await runProgramAsync(program, FIFO);
    const find = (key: string): Step => {
      const step = steps.find(({ transition }) => transition.key === key);
      if (step === undefined) {
        throw new Error(
          `no ${key} among ${steps.map(({ transition }) => transition.key).join(", ")}`,
        );
      }
      return step;
    };
    expect(dependent(find(a), find(b))).toBe(dependent(find(b), find(a)));
    return dependent(find(a), find(b));
  }

  const watchers =
    (kill: boolean): Program =>
    (sim) => {
      const node = sim.node();
      const target = idle(node, "target");
      for (const key of ["a", "b"]) {
        node.spawnOpt<Down>({ key }, async (self) => {
          self.monitor(target);
          await self.receive();
        });
      }
      node.spawnOpt<never>({ key: "talker" }, (self) => self.send(target, "x"));
      if (kill) node.spawnOpt<never>({ key: "killer" }, (self) => self.exit(target, "kill"));
    };

  test("are dependent when they reach the same process, independent when they do not", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const [p, q] = [idle(node, "p"), idle(node, "q")];
      for (const key of ["a", "b"]) {
        node.spawnOpt<never>({ key }, (self) => {
          self.send(p, 1);
          self.send(q, 1);
        });
      }
    };
    expect(await areDependent(program, "n/a→n/p#1", "n/b→n/p#1")).toBe(true);
    expect(await areDependent(program, "n/a→n/p#1", "n/b→n/q#1")).toBe(false);
  });

  test("a monitor goes with messages to its target and with other monitors, not with its end", async () => {
    expect(await areDependent(watchers(false), "n/a→n/target#1", "n/talker→n/target#1")).toBe(
      false,
    );
    expect(await areDependent(watchers(false), "n/a→n/target#1", "n/b→n/target#1")).toBe(false);
    expect(await areDependent(watchers(true), "n/a→n/target#1", "n/killer→n/target#1")).toBe(true);
  });

  test("timers are dependent when their deadlines differ", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      for (const [key, ms] of [
        ["a", 10],
        ["b", 10],
        ["c", 20],
      ] as const) {
        node.spawnOpt<never>({ key }, (self) => self.sleep(ms));
      }
    };
    expect(await areDependent(program, "timer:n/a#1", "timer:n/b#1")).toBe(false);
    expect(await areDependent(program, "timer:n/b#1", "timer:n/c#1")).toBe(true);
  });

  test("that look at the same are independent, and dependent when one changes it", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const table = sim.shared("table", 0);
      for (const key of ["r1", "r2"]) {
        node.spawnOpt<never>({ key }, async (self) => void (await table.read(self, (n) => n)));
      }
      node.spawnOpt<never>({ key: "w" }, async (self) => void (await table.write(self, () => 1)));
    };
    expect(await areDependent(program, "resume:n/r1#1", "resume:n/r2#1")).toBe(false);
    expect(await areDependent(program, "resume:n/r1#1", "resume:n/w#1")).toBe(true);
  });

  test("are dependent when one of them is a fault of which nobody knows what it changes", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const p = idle(node, "p");
      node.send(p, 1);
      sim.fault("break:all", () => undefined);
    };
    const { steps } = await runProgramAsync(program, {
      pick: (enabled) => enabled.at(-1),
    });
    const [a, b] = steps as [Step, Step];
    expect(a.transition.key).toBe("fault:break:all#1");
    expect(dependent(a, b)).toBe(true);
  });
});

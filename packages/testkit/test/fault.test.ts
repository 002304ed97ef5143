import { describe, expect, test } from "@jest/globals";
import type { Call, Down, ExitReason, Pid } from "@coppice/core";
import {
  FIFO,
  runProgramAsync,
  type Program,
  type Run,
  type SimulationOptions,
} from "@coppice/testkit";
import { runAll } from "./programs.js";

function keysOf({ steps }: Run): string[] {
  return steps.map(({ transition }) => transition.key);
}

/** What `note` was called with in the runs of a program, each once. */
async function outcomes(
  program: (...args: [...Parameters<Program>, (what: unknown) => void]) => void,
  options: SimulationOptions = {},
): Promise<{ seen: string[]; runs: Run[] }> {
  const seen = new Set<string>();
  const runs = await runAll((sim) => {
    const noted: unknown[] = [];
    program(sim, (what) => noted.push(what));
    sim.finally("noted", () => seen.add(noted.join(" ")) !== undefined);
  }, options);
  return { seen: [...seen].sort(), runs };
}

describe("a crash of a process", () => {
  const program: Parameters<typeof outcomes>[0] = (sim, note) => {
    const node = sim.node();
    const server = node.spawnOpt<Call<"x", "y">>({ key: "server" }, async (self) => {
      try {
        for (;;) self.reply((await self.receive()).from, "y");
      } finally {
        note("unwound");
      }
    });
    node.spawnOpt<never>({ key: "client" }, async (self) => {
      for (let n = 0; n < 2; n++) {
        note(
          await self.call(server, "x", { timeoutMs: Infinity }).catch((error: Error) => error.name),
        );
      }
    });
    sim.faults.crash("server", server);
  };

  test("can happen between any two transitions, and nothing of it unwinds in time", async () => {
    const { seen, runs } = await outcomes(program);
    // It is killed: what its code still does has no effect, but it is run.
    const answers = new Set(seen.map((line) => line.replace(/ ?unwound ?/, " ").trim()));
    expect(answers).toEqual(new Set(["y y", "y NoProcessError", "NoProcessError NoProcessError"]));
    const crashes = new Set(
      runs.map((run) => keysOf(run).indexOf("fault:crash:server#1")).filter((at) => at !== -1),
    );
    expect([...crashes].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  test("happens at most as often as the budget of its kind says", async () => {
    const { seen } = await outcomes(program, { faults: { crash: 0 } });
    expect(seen).toEqual(["y y"]);
  });

  test("happens when a plan says: at a step, after a key, or when something holds", async () => {
    const at = async (plan: SimulationOptions["plan"]): Promise<number> => {
      const run = await runProgramAsync((sim) => program(sim, () => undefined), FIFO, {
        plan: plan ?? [],
      });
      return keysOf(run).indexOf("fault:crash:server#1");
    };
    const fault = "crash:server";
    expect(await at([])).toBe(-1);
    expect(await at([{ fault, at: { step: 2 } }])).toBe(2);
    expect(await at([{ fault, at: { after: "n/client→n/server#1" } }])).toBe(1);
    expect(await at([{ fault, at: { when: () => true } }])).toBe(0);
  });

  test("of any process is a fault of each of them", async () => {
    const { runs } = await outcomes((sim) => {
      const node = sim.node();
      const [a, b] = ["a", "b"].map((key) =>
        node.spawnOpt<string>({ key }, async (self) => void (await self.receive())),
      ) as [Pid<string>, Pid<string>];
      node.send(a, "x");
      sim.faults.crashAny({ except: [b] });
    });
    expect(runs.map((run) => keysOf(run).join(" ")).sort()).toEqual([
      "fault:crash:n/a#1 n→n/a#1",
      "n→n/a#1",
    ]);
  });
});

describe("a node whose power is cut", () => {
  const program: Parameters<typeof outcomes>[0] = (sim, note) => {
    const a = sim.node("a");
    const b = sim.boot("b", (node) => {
      const disk = sim.durable(node, "count", 0, { torn: () => -1 });
      node.spawnOpt<"inc">({ key: "counter" }, async (self) => {
        let count = disk.read();
        note(`starts at ${count}`);
        for (;;) {
          await self.receive();
          disk.write(++count);
          if (count === 1) disk.sync();
        }
      });
    });
    const [counter] = b.node.processes() as [Pid<"inc">];
    a.spawnOpt<{ reason: ExitReason }>({ key: "watcher" }, async (self) => {
      self.monitor(counter, ({ reason }: Down) => ({ reason }));
      for (let n = 0; n < 2; n++) self.send(counter, "inc");
      note((await self.receive()).reason);
    });
    sim.faults.nodeDown("b");
  };

  test("loses what it had not synced, keeps it or tears it, and tells others noconnection", async () => {
    const { seen, runs } = await outcomes(program);
    const last = new Set(seen.map((line) => line.split(" starts at ").slice(1).join(" then ")));
    expect(runs.every(({ outcome }) => outcome === "quiescent")).toBe(true);
    expect(seen.some((line) => line.includes("noconnection"))).toBe(true);
    const restarts = new Set(
      seen.flatMap((line) => [...line.matchAll(/starts at (-?\d+)/g)].map(([, n]) => n)),
    );
    expect([...restarts].sort()).toEqual(["-1", "0", "1", "2"]);
    expect(last.size).toBeGreaterThan(3);
  });

  test("lives again under keys of its own, and its old pids reach nobody", async () => {
    const { runs } = await outcomes(program);
    const keys = new Set(runs.flatMap(keysOf));
    expect(keys).toContain("start:b.2/counter");
    expect(keys).toContain("fault:down:b#1");
    expect(keys).toContain("fault:up:b#1");
    for (const run of runs) {
      const down = keysOf(run).indexOf("fault:down:b#1");
      if (down === -1) continue;
      // What was sent to the life before is gone with it.
      expect(
        keysOf(run)
          .slice(down)
          .filter((key) => /→b\/counter#/.test(key)),
      ).toEqual([]);
    }
  });
});

describe("a node that is paused", () => {
  test("does nothing until it is resumed, and is resumed when nothing else can happen", async () => {
    const { seen, runs } = await outcomes((sim, note) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const slow = a.spawnOpt<string>({ key: "p" }, async (self) => note(await self.receive()));
      const fast = b.spawnOpt<string>({ key: "p" }, async (self) => note(await self.receive()));
      a.send(slow, "slow");
      b.send(fast, "fast");
      sim.faults.pause("a");
    });
    expect(seen).toEqual(["fast slow", "slow fast"]);
    expect(runs.some((run) => keysOf(run).includes("fault:relief#1"))).toBe(true);
    for (const run of runs) {
      const keys = keysOf(run);
      const [paused, resumed] = [
        keys.indexOf("fault:pause:a#1"),
        keys.findIndex((key) => key.startsWith("fault:resume:a") || key.startsWith("fault:relief")),
      ];
      if (paused === -1) continue;
      expect(keys.slice(paused, resumed)).not.toContain("a→a/p#1");
    }
  });
});

describe("a partition", () => {
  const program =
    (oneWay: boolean): Parameters<typeof outcomes>[0] =>
    (sim, note) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const sink = b.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) note(await self.receive());
      });
      const back = a.spawnOpt<string>({ key: "back" }, async (self) => note(await self.receive()));
      b.spawnOpt<never>({ key: "talker" }, (self) => self.send(back, "back"));
      a.spawnOpt<{ reason: ExitReason }>({ key: "source" }, async (self) => {
        self.monitor(sink, ({ reason }: Down) => ({ reason }));
        self.send(sink, "there");
        note((await self.receive()).reason);
      });
      sim.partition(["a"], ["b"], { oneWay });
    };

  test("holds back what is on its way until it is healed", async () => {
    const { seen, runs } = await outcomes(program(false));
    expect(seen).toEqual(["back there", "there back"]);
    for (const run of runs) expect(keysOf(run)[0]).toBe("fault:relief#1");
  });

  test("one way lets the other way be", async () => {
    const { seen } = await outcomes(program(true));
    expect(seen).toEqual(["back there"]);
  });

  test("with erlDist loses the connection: those who watch are told, and messages are lost", async () => {
    const { seen } = await outcomes(program(false), { profile: "erlDist" });
    // What had been sent before may arrive before the loss is noticed, once the network is whole again.
    expect(seen).toContain("noconnection");
    expect(seen.every((line) => line.includes("noconnection"))).toBe(true);
  });

  test("with datagram loses what is sent, and nobody is told", async () => {
    const { seen } = await outcomes(program(false), { profile: "datagram" });
    expect(seen).toEqual([""]);
  });
});

describe("a fault that may be mended", () => {
  test.each(["pause", "partition"] as const)(
    "can be at any time, as a step of its own: %s",
    async (fault) => {
      const { seen, runs } = await outcomes((sim, note) => {
        const [a, b, c] = [sim.node("a"), sim.node("b"), sim.node("c")];
        const sink = b.spawnOpt<string>({ key: "sink" }, async (self) => {
          for (;;) note(await self.receive());
        });
        a.spawnOpt<never>({ key: "source" }, (self) => self.send(sink, "there"));
        // Else it would be mended at once, as nothing else could happen.
        const other = c.spawnOpt<string>({ key: "p" }, async (self) => note(await self.receive()));
        c.send(other, "here");
        if (fault === "pause") sim.faults.pause(b);
        else sim.faults.partition([a], [b]);
      });
      expect(seen).toEqual(["here there", "there here"]);
      const [breaks, mends] =
        fault === "pause" ? ["pause:b", "resume:b"] : ["partition:a|b", "heal:a|b"];
      const mended = runs.filter((run) => keysOf(run).includes(`fault:${mends}#1`));
      expect(mended.length).toBeGreaterThan(0);
      for (const run of mended) {
        const keys = keysOf(run);
        expect(keys.indexOf(`fault:${breaks}#1`)).toBeLessThan(keys.indexOf(`fault:${mends}#1`));
        expect(keys.indexOf(`fault:${breaks}#1`)).not.toBe(-1);
      }
    },
  );
});

describe("what the code of a program mends", () => {
  const isRelief = (key: string): boolean => key.startsWith("fault:relief");

  test("goes on from there: a node that it resumes", async () => {
    const { seen, runs } = await outcomes((sim, note) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const paused = a.spawnOpt<string>({ key: "p" }, async (self) => note(await self.receive()));
      a.send(paused, "goes on");
      b.spawnOpt<never>({ key: "q" }, async (self) => {
        await self.yield();
        note("resumes");
        sim.resume(a);
      });
      sim.pause("a");
    });
    expect(seen).toEqual(["resumes goes on"]);
    // Else it would have been resumed, in the end, because nothing else could happen.
    expect(runs.flatMap(keysOf).filter(isRelief)).toEqual([]);
  });

  test("goes on from there: a network that it heals", async () => {
    const { seen, runs } = await outcomes((sim, note) => {
      const [a, b] = [sim.node("a"), sim.node("b")];
      const sink = b.spawnOpt<string>({ key: "sink" }, async (self) => note(await self.receive()));
      a.spawnOpt<never>({ key: "source" }, async (self) => {
        self.send(sink, "arrives");
        await self.yield();
        note("heals");
        sim.heal();
      });
      sim.partition(["a"], ["b"]);
    });
    expect(seen).toEqual(["heals arrives"]);
    expect(runs.flatMap(keysOf).filter(isRelief)).toEqual([]);
  });
});

describe("other faults", () => {
  test("a clock that jumps makes timers due, or late", async () => {
    const { seen } = await outcomes((sim, note) => {
      const node = sim.node();
      node.spawn<never>(async (self) => {
        await self.sleep(100);
        note(`${self.now()} at ${sim.nowMs}`);
      });
      sim.faults.clockJump("n", 60);
    });
    expect(seen).toEqual(["100 at 100", "100 at 40"]);
  });

  test("a disk error is thrown at the next write", async () => {
    const { seen } = await outcomes((sim, note) => {
      const node = sim.node();
      const disk = sim.durable(node, "x", 0);
      const pid = node.spawn<number>(async (self) => {
        for (;;) {
          const n = await self.receive();
          try {
            disk.write(n);
            note(n);
          } catch (error) {
            note((error as Error).name);
          }
        }
      });
      for (const n of [1, 2]) node.send(pid, n);
      sim.faults.diskError(node);
    });
    expect(seen).toEqual(["1 2", "1 DiskError", "DiskError 2"].sort());
  });

  test("one of the program's own happens at any time, and uses what it says", async () => {
    const { seen, runs } = await outcomes((sim, note) => {
      const node = sim.node();
      let broken = false;
      const pid = node.spawn<string>(async (self) => {
        await self.receive();
        note(broken);
      });
      node.send(pid, "x");
      sim.fault("break:it", () => (broken = true), { uses: ["shared:it"] });
    });
    expect(seen).toEqual(["false", "true"]);
    const step = runs
      .flatMap(({ steps }) => steps)
      .find(({ transition }) => transition.kind === "fault");
    expect(step?.accesses.map(({ object, mode }) => `${mode} ${object}`)).toEqual([
      "write shared:it",
    ]);
  });
});

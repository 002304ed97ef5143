import { describe, expect, test } from "@jest/globals";
import type { Down, ExitReason } from "@coppice/core";
import {
  FIFO,
  LIFO,
  runProgramAsync,
  seeded,
  type ClockMode,
  type Program,
  type Run,
  type Strategy,
} from "@coppice/testkit";
import { runAll } from "./programs.js";

function keysOf({ steps }: Run): string[] {
  return steps.map(({ transition }) => transition.key);
}

/** A timer at 10 against a message that is on its way: who was first, over all runs. */
async function race(clock: ClockMode, latency = 0): Promise<string[]> {
  const seen = new Set<string>();
  await runAll(
    (sim) => {
      const node = sim.node();
      const log: string[] = [];
      const pid = node.spawnOpt<string>({ key: "p" }, async (self) => {
        for (let n = 0; n < 2; n++) log.push(await self.receive());
      });
      if (latency === 0) node.send(pid, "message");
      else node.sendAfter(pid, latency, "message");
      node.spawnOpt<never>({ key: "t" }, (self) => void self.sendAfter(pid, 10, "timer"));
      sim.finally("noted", () => seen.add(log.join(" ")) !== undefined);
    },
    { clock },
  );
  return [...seen].sort();
}

describe("timers", () => {
  test("in quiet time fire when nothing else can happen", async () => {
    expect(await race("quiet")).toEqual(["message timer"]);
  });

  test("in async time fire at any time: a message may take as long as it likes", async () => {
    expect(await race("async")).toEqual(["message timer", "timer message"]);
  });

  test("within bounds wait for messages that have to arrive before, and not for others", async () => {
    expect(await race({ maxLatencyMs: 9 })).toEqual(["message timer"]);
    expect(await race({ maxLatencyMs: 10 })).toEqual(["message timer", "timer message"]);
    expect(await race({ minLatencyMs: 11, maxLatencyMs: 20 })).toEqual(["timer message"]);
    // What could happen may be late by a pause.
    expect(await race({ maxLatencyMs: 8, maxPauseMs: 2 })).toEqual([
      "message timer",
      "timer message",
    ]);
  });

  test("that are due at the same time fire in any order; others in that of their deadlines", async () => {
    for (const clock of ["quiet", "async"] as const) {
      expect(await race(clock, 10)).toEqual(["message timer", "timer message"]);
      expect(await race(clock, 9)).toEqual(["message timer"]);
      expect(await race(clock, 11)).toEqual(["timer message"]);
    }
  });

  test("of two nodes go by clocks of their own: in async time neither waits for the other", async () => {
    const orders = async (clock: ClockMode): Promise<number> => {
      const program: Program = (sim) => {
        for (const [name, ms] of [
          ["a", 10],
          ["b", 20],
        ] as const) {
          sim.node(name).spawn<never>((self) => self.sleep(ms));
        }
      };
      return (await runAll(program, { clock })).length;
    };
    expect(await orders("quiet")).toBe(1);
    expect(await orders("async")).toBe(2);
  });

  test("that are cancelled do not fire, nor do they when their time is over before", async () => {
    const run = await runProgramAsync((sim) => {
      const node = sim.node();
      node.spawn<string>(async (self) => {
        self.cancelTimer(self.sendAfter(self.pid, 5, "x"));
        await self.receive({ timeoutMs: 10 });
      });
    }, FIFO);
    expect(keysOf(run)).toEqual(["timer:n/1#2"]);
    expect(run.nowMs).toBe(10);
  });

  test("of a daemon do not keep a run going, nor do their next ticks", async () => {
    const program =
      (daemon: boolean): Program =>
      (sim) => {
        const node = sim.node();
        const pid = node.spawn<string>(async (self) => {
          for (;;) await self.receive();
        });
        const beat = (): void => void node.sendInterval(pid, 10, "beat");
        if (daemon) sim.daemon(beat);
        else beat();
        node.spawn<never>((self) => self.sleep(35));
      };
    const run = await runProgramAsync(program(true), FIFO);
    expect(run.outcome).toBe("quiescent");
    expect(keysOf(run).filter((key) => key.startsWith("timer:n#"))).toHaveLength(3);
    const endless = await runProgramAsync(program(false), FIFO, { stepLimit: 50 });
    expect(endless.outcome).toBe("stepLimit");
    const horizon = await runProgramAsync(program(false), FIFO, { horizonMs: 100 });
    expect(horizon.outcome).toBe("quiescent");
    expect(horizon.nowMs).toBe(100);
  });
});

describe("the clock of a node", () => {
  test("runs at a rate of its own within the drift that is allowed", async () => {
    const shown: number[] = [];
    const program: Program = (sim) => {
      for (const name of ["a", "b", "c"]) {
        sim.node(name).spawn<never>(async (self) => {
          await self.sleep(1_000);
          shown.push(sim.nowMs);
          expect(self.now()).toBeCloseTo(1_000, 6);
        });
      }
    };
    await runProgramAsync(program, FIFO, { clock: { maxLatencyMs: 1, drift: 0.01 } });
    expect(new Set(shown).size).toBe(3);
    for (const ms of shown) expect(Math.abs(ms - 1_000)).toBeLessThan(11);
  });
});

describe("a run without end", () => {
  test("is cut off, and when no time passes in it shows what goes round", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const echo = node.spawnOpt<{ from: never }>({ key: "b" }, async (self) => {
        for (;;) self.send((await self.receive()).from, { from: self.pid } as never);
      });
      node.spawnOpt<{ from: never }>({ key: "a" }, async (self) => {
        self.send(echo, { from: self.pid } as never);
        for (;;) self.send((await self.receive()).from, { from: self.pid } as never);
      });
    };
    const run = await runProgramAsync(program, FIFO, { stepLimit: 100 });
    expect(run.outcome).toBe("zeno");
    expect(run.steps).toHaveLength(100);
    expect(run.loop.map((key) => key.replace(/#\d+$/, "")).sort()).toEqual(["n/a→n/b", "n/b→n/a"]);
  });
});

describe("what a seed decides", () => {
  const program: Program = (sim) => {
    const node = sim.node();
    const draws: Record<string, number[]> = {};
    const ends: ExitReason[] = [];
    const worker = (key: string): void => {
      const pid = node.spawnOpt<string>({ key }, async (self) => {
        draws[key] = [self.random(), self.random()];
        await self.receive();
      });
      node.spawnOpt<Down>({ key: `${key}-watch` }, async (self) => {
        self.monitor(pid);
        self.send(pid, "end");
        ends.push((await self.receive()).reason);
      });
    };
    for (const key of ["a", "b", "c"]) worker(key);
    sim.finally("drawn", () => {
      drawn = JSON.stringify(draws);
    });
  };
  let drawn = "";

  async function traceOf(strategy: Strategy, seed: number, what = program): Promise<string> {
    const run = await runProgramAsync(what, strategy, { seed });
    return run.hash();
  }

  test("is the same each time, and what processes draw depends on no schedule", async () => {
    const once = await traceOf(seeded(1), 1);
    const first = drawn;
    expect(await traceOf(seeded(1), 1)).toBe(once);
    await traceOf(LIFO, 1);
    expect(drawn).toBe(first);
    await traceOf(seeded(1), 2);
    expect(drawn).not.toBe(first);
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) hashes.add(await traceOf(seeded(seed), 1));
    expect(hashes.size).toBeGreaterThan(15);
  });

  test("stays when a process is added that has nothing to do with it", async () => {
    const noisy: Program = async (sim) => {
      await program({
        ...sim,
        node: (...args) => {
          const node = sim.node(...args);
          const other = node.spawnOpt<number>({ key: "noise" }, async (self) => {
            for (;;) if ((await self.receive()) > 0) await self.yield();
          });
          node.spawnOpt<never>({ key: "noisy" }, async (self) => {
            for (let n = 0; n < 4; n++) self.send(other, n);
            await self.sleep(5);
          });
          return node;
        },
        finally: sim.finally.bind(sim),
      } as typeof sim);
    };
    for (let seed = 1; seed <= 20; seed++) {
      const run = async (what: Program): Promise<string> => {
        const { steps } = await runProgramAsync(what, seeded(seed));
        return steps
          .map(({ transition }) => transition.key)
          .filter((key) => !key.includes("nois"))
          .join(" ");
      };
      expect(await run(noisy)).toBe(await run(program));
    }
  });
});

import { describe, expect, test } from "@jest/globals";
import type { Call, Pid, Self } from "@coppice/core";
import {
  checkHistory,
  createHistory,
  createReach,
  explore,
  FIFO,
  formatHistory,
  inMacrotask,
  LIFO,
  register,
  runProgramAsync,
  seeded,
  UnreachedError,
  type CheckHistoryOptions,
  type History,
  type Program,
  type RegisterInput,
  type Simulation,
  type Strategy,
} from "@coppice/testkit";

type Input = RegisterInput<number>;
type Output = number | boolean | undefined;
type Cell = Call<Input, Output>;

/** Two clients of a cell: one reads and writes one more, the other too. */
const counting =
  (
    options: CheckHistoryOptions<Output>,
    lag: number,
    onHistory?: (history: History<Input, Output>) => void,
  ): Program =>
  (sim) => {
    const node = sim.node();
    const history = checkHistory(sim, register<number>(0), options);
    onHistory?.(history);
    let value = 0;
    /** Shows values as they were some writes ago. */
    const past: number[] = [0];
    const cell = node.spawn<Cell>(async (self) => {
      for (;;) {
        const { request, from } = await self.receive();
        if (request === "read") self.reply(from, past.at(-1 - lag) ?? 0);
        else if ("write" in request) {
          value = request.write;
          past.push(value);
          self.reply(from, undefined);
        }
      }
    });
    const ask = (self: Self<never>, client: string, input: Input): Promise<Output> =>
      history.call(client, input, () => self.call(cell as Pid<Cell>, input));
    for (const client of ["a", "b"]) {
      node.spawn<never>(async (self) => {
        await ask(self, client, { write: client === "a" ? 1 : 2 });
        await ask(self, client, "read");
      });
    }
  };

const messages = async (program: Program, strategy: Strategy = FIFO): Promise<string[]> =>
  (await runProgramAsync(program, strategy)).violations.map(
    ({ check, message }) => `${check}: ${message.split("\n")[0]}`,
  );

describe("histories of a simulation", () => {
  test("a cell that shows its latest value is linearizable under every schedule tried, one that is behind is not", async () => {
    for (const strategy of [FIFO, LIFO, seeded(1), seeded(2), seeded(3)]) {
      expect(await messages(counting({}, 0), strategy)).toEqual([]);
      const [violation, ...others] = await messages(counting({}, 2), strategy);
      expect(violation).toMatch(
        /^linearizable: not linearizable: no order explains [ab]: read → 0$/,
      );
      expect(others).toEqual([]);
    }
  });

  test("where only the order of each client counts, nobody may read what was before its own write", async () => {
    expect(await messages(counting({ consistency: "sequential" }, 0))).toEqual([]);
    expect(await messages(counting({ consistency: "sequential" }, 2))).toEqual([
      "sequentially consistent: not sequentially consistent: none of these can come next",
    ]);
  });

  test("a call that fails is pending when it may have taken effect, and left out when it cannot have", async () => {
    let history: History<Input, Output> | undefined;
    await runProgramAsync((sim) => {
      const node = sim.node();
      history = checkHistory(sim, register<number>(0));
      const dead = node.spawn<Cell>(async () => undefined);
      const mute = node.spawn<Cell>(async (self) => {
        for (;;) await self.receive();
      });
      node.spawn<never>(async (self) => {
        await self.sleep(1);
        for (const [client, server] of [
          ["a", dead],
          ["b", mute],
        ] as const) {
          await history
            ?.call(client, { write: 1 }, () => self.call(server, { write: 1 }, { timeoutMs: 5 }))
            .catch(() => undefined);
        }
      });
    }, FIFO);
    expect(history?.operations).toEqual([
      { client: "b", input: { write: 1 }, invokedAt: 1, returnedAt: undefined },
    ]);
  });
});

describe("exploring all schedules with a history", () => {
  type Replica = Call<Input, Output> | { readonly type: "copy"; readonly value: number };

  /** A write is answered before the copy is: who reads the copy after that may read what was before. */
  const replicated =
    (history: (sim: Simulation) => History<Input, Output>): Program =>
    (sim) => {
      const node = sim.node();
      const log = history(sim);
      const replica = (other?: Pid<Replica>) =>
        node.spawn<Replica>(async (self) => {
          for (let value = 0; ;) {
            const message = await self.receive();
            if (message.type === "copy") value = message.value;
            else if (message.request === "read") self.reply(message.from, value);
            else if ("write" in message.request) {
              value = message.request.write;
              if (other !== undefined) self.send(other, { type: "copy", value });
              self.reply(message.from, undefined);
            }
          }
        });
      const second = replica();
      const first = replica(second);
      node.spawn<never>(async (self) => {
        await log.call("a", { write: 1 }, () => self.call(first, { write: 1 }));
      });
      node.spawn<never>(async (self) => {
        await self.yield();
        await log.call("b", "read", () => self.call(second, "read"));
      });
    };

  test("finds what differs in real time alone: a read that begins after the write has returned, and misses it", async () => {
    const { failures, statement } = await inMacrotask(() =>
      explore(
        replicated((sim) => checkHistory(sim, register<number>(0))),
        { strategies: [], all: true },
      ),
    );
    expect(statement.text).toMatch(/^exhaustive/);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures[0]?.violations[0]?.message.split("\n")[0]).toBe(
      "not linearizable: no order explains b: read → 0",
    );
  });

  test("such a difference is none to sequential consistency, and the exploration has fewer schedules", async () => {
    const count = (consistency: "linearizable" | "sequential"): Promise<[number, number]> =>
      inMacrotask(() => {
        const program = replicated((sim) =>
          checkHistory(sim, register<number>(0), { consistency }),
        );
        const { runs, failing } = explore(program, { strategies: [], all: true });
        return [runs, failing];
      });
    const [linearizable, sequential] = [await count("linearizable"), await count("sequential")];
    expect(sequential[1]).toBe(0);
    expect(sequential[0]).toBeLessThan(linearizable[0]);
  });
});

describe("a history", () => {
  test("counts one position for each call and each return, and keeps what was said first", () => {
    const history = createHistory<string, number>();
    const one = history.invoke("a", "x");
    const two = history.invoke("b", "y");
    one(1);
    one(2);
    two.refused();
    two(3);
    expect(history.operations).toEqual([
      { client: "a", input: "x", output: 1, invokedAt: 0, returnedAt: 2 },
    ]);
    expect(formatHistory(history.operations)).toBe("a [0, 2] x → 1");
    history.invoke("c", "z");
    expect(formatHistory(history.operations).split("\n")[1]).toBe("c [3, …] z → ?");
  });

  test("an error may be an answer", async () => {
    const history = createHistory<string, string>({
      onError: (error) => ({ output: (error as Error).message }),
    });
    await expect(history.call("a", "x", () => Promise.reject(new Error("no")))).rejects.toThrow(
      "no",
    );
    expect(history.operations).toMatchObject([{ output: "no", returnedAt: 1 }]);
  });
});

describe("reach", () => {
  test("counts over runs what was seen, once for each run, and names what never was", async () => {
    const reach = createReach();
    const program = reach.watch((sim) => {
      const node = sim.node();
      node.spawn<never>(async (self) => self.sleep(5));
      sim.sometimes("begins", () => true);
      sim.sometimes("late", () => sim.nowMs > 100);
    });
    for (const strategy of [FIFO, LIFO]) {
      const { seen } = await runProgramAsync(program, strategy);
      expect([...seen]).toEqual(["begins"]);
    }
    expect([...reach.hits]).toEqual([
      ["begins", 2],
      ["late", 0],
    ]);
    expect(() => reach.check()).toThrow(UnreachedError);
    expect(() => reach.check()).toThrow("never seen in any run: late");
    expect(() => createReach().check()).not.toThrow();
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  name,
  type Call,
  type Handler,
  type Node,
  type Pid,
  type TimerRef,
} from "@coppice/core";
import {
  checkHistory,
  createSchedule,
  explain,
  exploreStates,
  formatSchedule,
  IncompleteStateError,
  inMacrotask,
  register,
  reportFailure,
  runProgram,
  strategyOf,
  parseSchedule,
  UnsteadyRunError,
  type ExploreStatesOptions,
  type Program,
  type Simulation,
  type SimulationOptions,
  type StateExploration,
} from "@coppice/testkit";
import { canonicalText } from "../src/canonical-text.js";
import type { KernelSimulation } from "../src/kernel-simulation.js";
import { viewOf } from "../src/state-view.js";
import { runAll } from "./programs.js";

function exploring(
  program: Program,
  options: ExploreStatesOptions = {},
): Promise<StateExploration> {
  return inMacrotask(() => exploreStates(program, options));
}

/** All states that all orders of all steps go through. */
async function statesOfAllRuns(program: Program, simulation: SimulationOptions): Promise<number> {
  const texts = new Set<string>();
  const watched: Program = (sim) => {
    const look = (): void => void texts.add(canonicalText(viewOf(sim as KernelSimulation, false)));
    program(sim);
    sim.always("a look", look);
  };
  await runAll(watched, simulation);
  return texts.size;
}

/** Takes all, and remembers in which order. */
const ear: Handler<unknown, readonly unknown[]> = {
  init: () => [],
  message: (heard, message) => [...heard, message],
};

/** Each of `senders` sends `messages` to one that remembers them. */
function telling(senders: number, messages: number): Program {
  return (sim) => {
    const node = sim.node();
    const hears = node.spawnOpt({ key: "ear" }, ear);
    for (let s = 1; s <= senders; s++) {
      node.spawnOpt<never>({ key: `s${s}` }, (self) => {
        for (let m = 1; m <= messages; m++) self.send(hears, { s, m });
      });
    }
  };
}

type Count = Call<"increment", number>;

/** Clients that call a counter, which is linked to one that watches it; and it may crash. */
const counting: Program = (sim) => {
  const node = sim.node();
  const counter = node.spawnOpt<Count, [], number>(
    { key: "counter", name: name<Count>("counter") },
    { init: () => 0, message: (n, { from }, self) => (self.reply(from, n + 1), n + 1) },
  );
  for (const key of ["a", "b"]) {
    let at = "begins";
    sim.state(key, () => at);
    node.spawnOpt<never>({ key }, async (self) => {
      at = "asks";
      try {
        at = `was told ${await self.call(counter, "increment", { timeoutMs: Infinity })}`;
      } catch {
        at = "was told nothing";
      }
    });
  }
  node.spawnOpt<unknown>(
    { key: "watcher" },
    {
      init: (self) => void self.monitor(counter, (down) => down),
      message: (_, down) => down,
    },
  );
  sim.faults.crash("counter", counter);
};

/** A timer that may fire before or after what cancels it. */
const waking: Program = (sim) => {
  const node = sim.node();
  const sleeper = node.spawnOpt<string>(
    { key: "sleeper" },
    {
      init: (self) => ({ heard: "nothing", timer: self.sendAfter(self.pid, 10, "late") }),
      message: ({ timer }: any, message, self) => {
        const left = message === "come" ? self.cancelTimer(timer) : "none";
        return { heard: `${message} ${String(left)}`, timer };
      },
    },
  );
  node.spawnOpt<never>({ key: "waker" }, (self) => self.send(sleeper, "come"));
};

/** Processes that use what is shared. */
const sharing: Program = (sim) => {
  const node = sim.node();
  const shared = sim.shared("shared", 0);
  for (const key of ["a", "b"]) {
    let at = 0;
    sim.state(key, () => at);
    node.spawnOpt<never>({ key }, async (self) => {
      const seen = await shared.read(self, (value) => value);
      at = seen + 1;
      await shared.write(self, () => seen + 1);
      at = -1;
    });
  }
};

describe("exploring states", () => {
  test.each<[string, Program, SimulationOptions]>([
    ["pairFifo, what comes in any order", telling(2, 2), {}],
    [
      "instant, what comes as it was sent",
      telling(2, 2),
      { profile: "instant", starts: "explored" },
    ],
    ["datagram, what keeps no order", telling(2, 2), { profile: "datagram" }],
    ["calls, a monitor, a name and a crash", counting, {}],
    ["timers that are cancelled", waking, {}],
    ["quiet timers", waking, { clock: "quiet" }],
    ["something that is shared", sharing, {}],
  ])(
    "visits each state that some order comes to, and no other: %s",
    async (_, program, options) => {
      const { statement } = await exploring(program, { simulation: options });
      expect(statement.states).toBe(await statesOfAllRuns(program, options));
      expect(statement.bounds).toEqual(program === counting ? ["faults ≤ 1"] : []);
    },
  );

  test("tells orders apart where they are kept, and not where they are not", async () => {
    const inTransit: Program = (sim) => {
      const node = sim.node();
      const hears = node.spawnOpt<string>({ key: "ear" }, { init: () => 0, message: () => 0 });
      const switched = node.spawnOpt<boolean>(
        { key: "switch" },
        {
          init: () => undefined,
          message: (_, isOn, self) => {
            for (const word of isOn ? ["on", "off"] : ["off", "on"]) self.send(hears, word);
          },
        },
      );
      for (const isOn of [true, false]) {
        node.spawnOpt<never>({ key: `${isOn}` }, (self) => self.send(switched, isOn));
      }
    };
    const ordered = await exploring(inTransit);
    const loose = await exploring(inTransit, { simulation: { profile: "datagram" } });
    // In order, rests are under way: of nothing; of what is sent first, three in two ways; of all, nine. Without order it
    // is any part: of nothing, 1; of one "on" and one "off", 4 in two ways; of two of each, 9.
    expect([ordered.states, loose.states]).toEqual([1 + 2 * 3 + 9, 1 + 2 * 4 + 9]);
  });

  test("comes to an end where a program has none", async () => {
    const rounds: Program = (sim) => {
      const node = sim.node();
      const ring: Pid<string>[] = [0, 1, 2, 3].map((at) =>
        node.spawnOpt<string>(
          { key: `p${at}` },
          {
            init: () => undefined,
            message: (_, ball, self) => self.send(ring[(at + 1) % 4]!, ball),
          },
        ),
      );
      node.send(ring[0]!, "ball");
      node.send(ring[2]!, "another ball");
    };
    const { statement, transitions } = await exploring(rounds);
    // Each ball is where it began or in one of four places; where both are in one, one of them is first.
    expect(statement.text).toBe(
      "exhaustive: 29 of 29 distinct states (profile pairFifo, faults 0, timers 0, 0 violations)",
    );
    expect(transitions).toBe((25 - 4) * 2 + 2 * 4);
  });

  test("comes to an end where clients call for ever, although each call has a number of its own", async () => {
    const calls: Program = (sim) => {
      const node = sim.node();
      const server = node.spawnOpt<Call<"which", boolean>, [], boolean>(
        { key: "server" },
        { init: () => false, message: (is, { from }, self) => (self.reply(from, is), !is) },
      );
      for (const key of ["a", "b"]) {
        let told: boolean | undefined;
        sim.state(key, () => told);
        node.spawnOpt<never>({ key }, async (self) => {
          for (;;) told = await self.call(server, "which", { timeoutMs: Infinity });
        });
      }
    };
    const { statement } = await exploring(calls);
    expect(statement.kind).toBe("exhaustive");
    // What was told, what is told, and what the server says next: few, if numbers do not count.
    expect(statement.states).toBeLessThan(3 ** 4 * 2);
  });

  test("looks at each state with always and sometimes, and with finally at those where nothing can happen", async () => {
    const looks = { always: 0, finally: 0 };
    const program: Program = (sim) => {
      telling(2, 1)(sim);
      sim.always("looks", () => void looks.always++);
      sim.finally("at rest", () => void looks.finally++);
      sim.sometimes("never", () => false);
      sim.sometimes("now and then", () => true);
    };
    const { states, seen, runs } = await exploring(program);
    expect(states).toBe(5);
    expect(looks.always).toBeGreaterThanOrEqual(states);
    expect(looks.finally).toBeGreaterThanOrEqual(2);
    expect(looks.finally).toBeLessThanOrEqual(runs + 1);
    expect(seen).toEqual(["now and then"]);
  });

  test("judges at rest what only a fault could change, and then lets it strike", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      let isUp = true;
      const pid = node.spawnOpt<never>({ key: "p" }, { init: () => 0, message: () => 0 });
      sim.state("up", () => isUp);
      sim.fault("cut:p", () => (isUp = false), {
        target: () => (isUp ? pid : undefined),
        reads: [],
      });
      sim.finally("it is up", () => isUp);
      sim.finally("it was up", () => !isUp);
    };
    const { states, failing, statement } = await exploring(program, { all: true });
    expect({ states, failing }).toEqual({ states: 2, failing: 2 });
    expect(statement.bounds).toEqual(["faults ≤ 1"]);
  });

  test("makes histories a part of the state", async () => {
    const clients: Program = (sim) => {
      const node = sim.node();
      const history = checkHistory(sim, register(0));
      // It forgets what it is told.
      const forgetful = node.spawnOpt<Call<any, number | undefined>>(
        { key: "forgetful" },
        {
          init: () => 0,
          message(_, { request, from }, self) {
            self.reply(from, request === "read" ? 0 : undefined);
            return 0;
          },
        },
      );
      for (const [key, request] of [
        ["reader", "read"],
        ["writer", { write: 1 }],
      ] as const) {
        let at = "begins";
        sim.state(key, () => at);
        node.spawnOpt<never>({ key }, async (self) => {
          await self.yield();
          at = "asks";
          await history.call(key, request, () =>
            self.call(forgetful, request, { timeoutMs: Infinity }),
          );
          at = "is done";
        });
      }
    };
    const { failing, failures, statement } = await exploring(clients, { all: true });
    expect(statement.kind).toBe("exhaustive");
    // The read that begins when the write has returned.
    expect(failing).toBe(1);
    expect(failures[0]?.violations[0]?.check).toBe("linearizable");
  });

  test("counts states that fail, however often the way to them failed before", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      let n = 0;
      const pid = node.spawnOpt<string>({ key: "p" }, { init: () => 0, message: () => void n++ });
      for (let m = 0; m < 6; m++) node.send(pid, "more");
      sim.state("n", () => n);
      sim.always("few", () => n < 3);
    };
    const { states, failing, failures } = await exploring(program, { all: true });
    expect({ states, failing, failures: failures.length }).toEqual({
      states: 7,
      failing: 4,
      failures: 1,
    });
    expect((await exploring(program)).statement.text).toBe(
      "bounded(stopped at the first violation): 4 distinct states in 1 run (profile pairFifo, faults 0, timers 0, 1 violation)",
    );
  });

  test("finds failures that are explained, told and replayed as others are", async () => {
    const stale: Program = (sim) => {
      const node = sim.node();
      const cache = { stored: 0, cached: 0 };
      sim.state("cache", () => cache);
      const store = node.spawnOpt<Call<any, number>>(
        { key: "store" },
        {
          init: () => 0,
          message: (_, { request, from }, self) => {
            if (request !== "get") cache.stored = request.set;
            self.reply(from, cache.stored);
            return 0;
          },
        },
      );
      const ask = (key: string, request: unknown): void => {
        let at = "begins";
        sim.state(key, () => at);
        node.spawnOpt<never>({ key }, async (self) => {
          at = "asks";
          cache.cached = await self.call(store, request, { timeoutMs: Infinity });
          at = "is done";
        });
      };
      ask("reader", "get");
      ask("writer", { set: 1 });
      sim.finally("what is cached is stored", () => cache.cached === cache.stored);
    };
    const { failures } = await exploring(stale);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.strategy).toBe("states");
    const report = await inMacrotask(() => {
      const why = explain((strategy) => runProgram(stale, strategy), failures[0]!.run);
      const token = formatSchedule(
        createSchedule({ strategy: why!.base, constraints: why!.constraints }),
      );
      return { text: reportFailure(why!).text, token };
    });
    expect(report.text).toContain(
      "1. n/store→n/reader#1 after n/store→n/writer#1  message 0 reaches n/reader after message 1",
    );
    const again = await inMacrotask(() =>
      runProgram(stale, strategyOf(parseSchedule(report.token))),
    );
    expect(again.violations[0]?.check).toBe("what is cached is stored");
  });

  test("begins again with the time in its states when somebody asks what time it is", async () => {
    const program = (asks: boolean): Program => {
      return (sim) => {
        const node = sim.node();
        let timer: TimerRef;
        const clock = node.spawnOpt<string, [], number>(
          { key: "clock" },
          {
            init: (self) => ((timer = self.sendAfter(self.pid, 10, "tick")), -1),
            message(told, word, self) {
              if (word === "cancel") self.cancelTimer(timer);
              return asks && word === "now" ? self.now() : told;
            },
          },
        );
        for (const key of ["cancel", "now"]) {
          node.spawnOpt<never>({ key }, (self) => self.send(clock, key));
        }
      };
    };
    // The timer is set, and some of both messages are under way; or it is not, for it has fired or was cancelled.
    expect((await exploring(program(false))).states).toBe(6);
    // Where it is not set, it is 0 or 10 by now, and who has asked was told 0 or 10.
    expect((await exploring(program(true))).states).toBe(10);
  });

  test("keeps apart what random numbers were drawn", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const dice = node.spawnOpt<string>(
        { key: "dice" },
        { init: () => 0, message: (_, word, self) => (word === "draw" ? (self.random(), 0) : 0) },
      );
      node.send(dice, "draw");
      node.send(dice, "draw");
    };
    expect((await exploring(program)).states).toBe(3);
  });
});

describe("a state that leaves something out", () => {
  /** What one knows that no state tells. */
  const hiding =
    (how: "hidden" | "told"): Program =>
    (sim: Simulation) => {
      const node = sim.node();
      let first: string | undefined;
      const p = node.spawnOpt<string, [], number>(
        { key: "p" },
        {
          init: () => 0,
          message(n, message, self) {
            if (message === "tell") self.send(self.pid, `first was ${first}`);
            else first ??= message;
            return n + 1;
          },
        },
      );
      for (const key of ["a", "b", "tell"]) {
        node.spawnOpt<never>({ key }, (self) => self.send(p, key));
      }
      if (how === "told") sim.state("first", () => first);
    };

  test("is found where a known state is reached by another way, and what comes of it differs", async () => {
    await expect(exploring(hiding("hidden"))).rejects.toThrow(IncompleteStateError);
    await expect(exploring(hiding("hidden"))).rejects.toThrow(/first was [ab].*sim\.state/s);
    expect((await exploring(hiding("told"))).statement.kind).toBe("exhaustive");
  });

  test("is found where what can happen differs", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      let last = "";
      const p = node.spawnOpt<string, [], number>(
        { key: "p" },
        { init: () => 0, message: (n, message) => ((last = message), n + 1) },
      );
      for (const key of ["a", "b"]) node.spawnOpt<never>({ key }, (self) => self.send(p, key));
      sim.fault("strike:p", () => undefined, { when: () => last === "a" });
    };
    await expect(exploring(program)).rejects.toThrow(/what can happen: now .*strike:p/);
  });

  test("is found where identify makes too much the same", async () => {
    const identify: ExploreStatesOptions["identify"] = ({ processes }) =>
      (processes["n/ear"]?.state as readonly unknown[]).length;
    await expect(exploring(telling(2, 2), { identify })).rejects.toThrow(IncompleteStateError);
  });

  test("is said where an observer may remember something", async () => {
    const program: Program = (sim) => {
      telling(2, 1)(sim);
      sim.observe(() => undefined);
    };
    const { statement } = await exploring(program);
    expect(statement.bounds).toEqual(["what an observer remembers is in no state"]);
  });

  test("is said where something in it shows nothing of itself", async () => {
    class Tally {
      #count = 0;
      count(): number {
        return ++this.#count;
      }
    }
    const program: Program = (sim) => {
      const node = sim.node();
      const counts: number[] = [];
      const again: Handler<"again", Tally> = {
        init: () => new Tally(),
        message(tally, message, self) {
          counts.push(tally.count());
          self.send(self.pid, message);
          return tally;
        },
      };
      node.send(node.spawnOpt({ key: "p" }, again), "again");
      sim.state("promise", () => Promise.resolve(counts.length));
      sim.always("few", () => counts.length < 5);
    };
    const { statement } = await exploring(program);
    expect(statement).toMatchObject({
      kind: "bounded",
      bounds: [
        "what is inside of Tally is in no state",
        "what is inside of Promise is in no state",
      ],
    });
  });

  test.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["a promise", () => Promise.resolve(1)],
  ])("is refused where identify returns %s, as all states would be one", async (_, identify) => {
    await expect(exploring(telling(2, 2), { identify })).rejects.toThrow(
      /what options.identify returns must be what makes a state, at once, but is /,
    );
  });

  test("is another matter than state that outlives a run", async () => {
    let runs = 0;
    const program: Program = (sim) => {
      const node = sim.node();
      const p = node.spawnOpt<number>({ key: "p" }, ear as Handler<number, unknown>);
      const n = ++runs;
      node.send(p, n);
      sim.always("few", () => n > 1);
    };
    await expect(exploring(program)).rejects.toThrow(UnsteadyRunError);
  });
});

describe("what an exploration of states says", () => {
  test("is not exhaustive where something is for states at rest, and there are none", async () => {
    const program: Program = (sim) => {
      const node = sim.node();
      const p = node.spawnOpt<string>(
        { key: "p" },
        { init: () => 0, message: (_, message, self) => self.send(self.pid, message) },
      );
      node.send(p, "round");
      sim.finally("never judged", () => false);
    };
    const { statement } = await exploring(program);
    expect(statement.bounds).toEqual(["no state at rest to be judged"]);
  });

  test("names what bounded it", async () => {
    expect((await exploring(telling(3, 2), { states: 10 })).statement).toMatchObject({
      kind: "bounded",
      states: 10,
      bounds: ["cap 10 states"],
    });
    expect((await exploring(telling(3, 2), { ms: 0 })).statement.bounds).toEqual(["0 ms"]);
    const ticking: Program = (sim) => {
      const node: Node = sim.node();
      const p = node.spawnOpt<number, [], number>(
        { key: "p" },
        { init: () => 0, message: (n) => n + 1 },
      );
      node.sendInterval(p, 10, 1);
    };
    const { statement } = await exploring(ticking, { simulation: { stepLimit: 5 } });
    expect(statement).toMatchObject({
      kind: "bounded",
      bounds: ["1 runs cut off at the step limit"],
    });
    const horizon = await exploring(ticking, { simulation: { horizonMs: 30 } });
    expect(horizon.statement).toMatchObject({ states: 4, bounds: ["horizon 30 ms"] });
  });

  test.each<[string, ExploreStatesOptions]>([
    ["states", { states: -1 }],
    ["ms", { ms: "long" as never }],
    ["all", { all: "yes" as never }],
    ["identify", { identify: "all" as never }],
    ["simulation", { simulation: null as never }],
    ["simulation.clock", { simulation: { clock: { maxLatencyMs: 10 } } }],
    ["simulation.calm", { simulation: { calm: { stormSteps: 10 } } }],
    ["nothing", { nothing: 1 } as never],
  ])("refuses %s of the wrong kind", async (option, options) => {
    const search = exploring(telling(1, 1), options);
    await expect(search).rejects.toThrow(InvalidArgumentError);
    await expect(search).rejects.toThrow(option);
  });
});

import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, TIMEOUT, type Call } from "@coppice/core";
import {
  explain,
  explore,
  FIFO,
  inMacrotask,
  reportFailure,
  runProgram,
  runProgramAsync,
  simulate,
  SourceDpor,
  type Program,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";
import { SlowNodes } from "../src/slow-nodes.js";
import { runAll } from "./programs.js";

type Server = Call<"ask", "answer">;

/** A client that gives up after 100 ms, and a server that may be slow; `note` is told how it went, and when. */
const asking =
  (note: (what: string) => void): Program =>
  (sim) => {
    const there = sim.node("there");
    const server = there.spawnOpt<Server>({ key: "server" }, async (self) => {
      for (;;) self.reply((await self.receive()).from, "answer");
    });
    sim.node("here").spawnOpt<never>({ key: "client" }, async (self) => {
      const answer = await self
        .call(server, "ask", { timeoutMs: 100 })
        .catch((error: Error) => error.name);
      note(`${answer} at ${self.now()}`);
    });
    sim.faults.slow(there, { byMs: 150, forMs: 500 });
  };

const outcomes = async (
  program: (note: (what: string) => void) => Program,
  options: SimulationOptions,
): Promise<string[]> => {
  const seen = new Set<string>();
  let noted: string[] = [];
  await runAll((sim) => {
    noted = [];
    sim.finally("noted", () => seen.add(noted.join(", ")) !== undefined);
    return program((what) => noted.push(what))(sim);
  }, options);
  return [...seen].sort();
};

describe("a node that is slow", () => {
  test("lets others run into their timeouts, where else nobody would", async () => {
    expect(await outcomes(asking, { clock: "quiet" })).toEqual([
      "CallTimeoutError at 100",
      "answer at 0",
    ]);
  });

  test("does and receives everything so much later, in virtual time", async () => {
    const program =
      (note: (what: string) => void): Program =>
      (sim) => {
        const node = sim.node();
        const pid = node.spawn<string>(async (self) => {
          note(`${await self.receive()} at ${self.now()}`);
          const timer = await self.receive({ timeoutMs: 10 });
          note(`${timer === TIMEOUT} at ${self.now()}`);
          await self.sleep(100);
          note(`awake at ${self.now()}`);
        });
        node.send(pid, "hello");
        sim.slow(node, { byMs: 50, forMs: 100 });
      };
    // The sleep ends, at 210, when the node is not slow any more.
    expect(await outcomes(program, { clock: "quiet" })).toEqual([
      "hello at 50, true at 110, awake at 210",
    ]);
    expect(await outcomes(program, {})).toEqual(["hello at 50, true at 110, awake at 210"]);
    const bounds = { minLatencyMs: 5, maxLatencyMs: 5 };
    expect(await outcomes(program, { clock: bounds })).toEqual([
      "hello at 55, true at 115, awake at 215",
    ]);
  });

  test("keeps the order of what it does, at the end of its spell, too", () => {
    const slow = new SlowNodes();
    slow.add({ node: "n", fromMs: 100, untilMs: 200, byMs: 50 });
    const times = [0, 99, 100, 150, 199, 200, 240, 250, 251];
    expect(times.map((atMs) => slow.notBeforeMs("n", atMs))).toEqual([
      150, 150, 150, 200, 249, 250, 250, 250, 251,
    ]);
    expect(slow.notBeforeMs("m", 100)).toBe(100);
    expect([249, 250].map((nowMs) => slow.isOn(nowMs))).toEqual([true, false]);
  });

  test.each<SimulationOptions>([
    { clock: "quiet" },
    { clock: "async" },
    { clock: "quiet", profile: "instant" },
    { clock: "async", profile: "erlDist" },
    { clock: "async", profile: "datagram" },
  ])("under %j an exploration sees all that can come of it", async (simulation) => {
    const all = await outcomes(asking, simulation);
    const seen = new Set<string>();
    await inMacrotask(() => {
      let noted = "";
      const program: Program = (sim) => {
        noted = "";
        sim.finally("noted", () => seen.add(noted) !== undefined);
        return asking((what) => (noted = what))(sim);
      };
      const { statement } = explore(program, { strategies: [], simulation });
      expect(statement.bounds).toEqual(["faults ≤ 1"]);
    });
    expect([...seen].sort()).toEqual(all);
  });

  test("what is sent to it has an order with all that lets time pass elsewhere", async () => {
    const seen = new Set<string>();
    const program: Program = (sim) => {
      let noted = "";
      const there = sim.node("there");
      const server = there.spawn<string>(async (self) => {
        await self.receive();
        noted = `at ${self.now()}`;
      });
      const here = sim.node("here");
      here.spawn<never>((self) => self.sleep(10));
      here.spawn<never>(async (self) => {
        await self.yield();
        self.send(server, "hello");
      });
      sim.slow(there, { byMs: 7, forMs: 100 });
      sim.finally("noted", () => seen.add(noted) !== undefined);
    };
    // Source-DPOR alone: among the plain schedules is one that shows it anyway.
    await inMacrotask(() => {
      const dpor = new SourceDpor({});
      while (!dpor.done) dpor.learn(runProgram(program, dpor));
    });
    expect([...seen].sort()).toEqual(["at 10", "at 17", "at 7"]);
  });

  test("is in plans, and in reports and tokens like other faults", async () => {
    const given = (plan: SimulationOptions["plan"]): Promise<string> => {
      let noted = "";
      const program = asking((what) => (noted = what));
      return runProgramAsync(program, FIFO, { clock: "quiet", ...(plan && { plan }) }).then(
        () => noted,
      );
    };
    expect(await given(undefined)).toBe("answer at 0");
    expect(await given([{ fault: "slow:there", at: { step: 0 } }])).toBe("CallTimeoutError at 100");

    const simulation = { clock: "quiet" } as const;
    await inMacrotask(() => {
      const program: Program = (sim) => {
        let noted = "";
        sim.finally("it is answered", () => noted.startsWith("answer"));
        return asking((what) => (noted = what))(sim);
      };
      const [failure] = explore(program, { simulation }).failures;
      const make = (strategy: Strategy) => runProgram(program, strategy, simulation);
      const why = failure && explain(make, failure.run);
      expect(why?.constraints.map(({ type, key }) => [type, key])).toEqual([
        ["force", "fault:slow:there#1"],
      ]);
      expect(why && reportFailure(why).text).toContain("slow:there strikes");
    });
  });

  test("is slow in a simulation that a test leads, and needs its time there", async () => {
    const sim = simulate();
    const node = sim.node("n");
    const got: string[] = [];
    const pid = node.spawn<string>(async (self) => {
      for (;;) got.push(`${await self.receive()} at ${self.now()}`);
    });
    await sim.settle();
    sim.slow(node, { byMs: 50, forMs: 10 });
    node.send(pid, "hello");
    await sim.settle();
    expect(got).toEqual([]);
    await sim.advance(49);
    expect(got).toEqual([]);
    await sim.advance(1);
    expect(got).toEqual(["hello at 50"]);
  });

  test("refuses to be slow by nothing, or for ever", async () => {
    for (const spell of [{ byMs: 0, forMs: 1 }, { byMs: 1, forMs: Infinity }, { byMs: 1 }]) {
      const program: Program = (sim) => sim.faults.slow(sim.node(), spell as never);
      await expect(runProgramAsync(program, FIFO)).rejects.toThrow(InvalidArgumentError);
    }
  });
});

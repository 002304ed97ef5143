import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, TIMEOUT, type Pid } from "@coppice/core";
import {
  checkLiveness,
  eventually,
  explain,
  explore,
  FIFO,
  inMacrotask,
  LIFO,
  reportFailure,
  runProgram,
  testActors,
  type DefineTest,
  type ExploreOptions,
  type LivenessOptions,
  type Program,
  type Run,
  type ScheduleFailureError,
  type SimEvent,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";

type Question = { readonly from: Pid<"answer"> };

const isAnswer = (event: SimEvent): boolean =>
  event.type === "step" && event.step.transition.message === "answer";
const answered = eventually("the client is answered", isAnswer);

/** A client that asks over a network that loses a few messages: once, or until it is answered. */
const asking =
  (asks: "once" | "again"): Program =>
  (sim) => {
    const node = sim.node();
    const server = node.spawnOpt<Question>({ key: "server" }, async (self) => {
      for (;;) self.send((await self.receive()).from, "answer");
    });
    node.spawnOpt<"answer">({ key: "client" }, async (self) => {
      do self.send(server, { from: self.pid });
      while ((await self.receive({ timeoutMs: 100 })) === TIMEOUT && asks !== "once");
    });
    sim.faults.drop({ times: 5 });
    checkLiveness(sim, [answered]);
  };

/** Two that throw a ball to each other, and each time tell how often they did. */
const playing =
  (state: (throws: number) => unknown, options: LivenessOptions = {}): Program =>
  (sim) => {
    const node = sim.node();
    let throws = 0;
    const player = (key: string, other: () => Pid<"ball">): Pid<"ball"> =>
      node.spawnOpt<"ball">({ key }, async (self) => {
        for (;;) {
          const ball = await self.receive();
          throws++;
          self.send(other(), ball);
        }
      });
    const a: Pid<"ball"> = player("a", () => b);
    const b: Pid<"ball"> = player("b", () => a);
    checkLiveness(sim, [answered], { state: () => state(throws), ...options });
    node.send(a, "ball");
  };

const simulation: SimulationOptions = { profile: "datagram", calm: { stormSteps: 20 } };

const run = (program: Program, strategy: Strategy, options: SimulationOptions): Promise<Run> =>
  inMacrotask(() => runProgram(program, strategy, options));

const messagesOf = ({ violations }: Run): string[] =>
  violations.map(({ check, message }) => `${check}: ${message}`);

describe("the calm of a simulation", () => {
  test("is said to have been cut off where it did not end within so many steps", async () => {
    const { failures, statement } = await inMacrotask(() =>
      explore(
        playing((throws) => throws),
        {
          runs: 5,
          all: true,
          simulation: { stepLimit: 100, calm: { stormSteps: 20 } },
        },
      ),
    );
    expect(failures).toEqual([]);
    expect(statement.bounds).toContain("5 runs cut off in the calm");
  });

  test("is part of every run of an exploration: what it owes there is found, and what it owes in the storm is not", async () => {
    const search = (program: Program, options: ExploreOptions = {}) =>
      inMacrotask(() => explore(program, { runs: 200, faultBudget: 5, simulation, ...options }));
    const once = await search(asking("once"));
    expect(once.failures[0]?.violations[0]?.message).toBe("it has not happened");
    const again = await search(asking("again"), { all: true });
    expect([again.failing, again.statement.bounds]).toEqual([0, ["fair after 20 steps"]]);
  });

  test("is assumed to be fair, and a report of what failed in it says so", async () => {
    const report = await inMacrotask(() => {
      const program = playing((throws) => throws);
      const make = (strategy: Strategy): Run => runProgram(program, strategy, simulation);
      const explanation = explain(make, make(FIFO));
      return explanation && reportFailure(explanation).text;
    });
    expect(report?.split("\n").slice(0, 2)).toEqual([
      "✗ the client is answered: it has not happened, for 200 events of calm",
      "assumes: from step 20 on no more faults, and what was possible first goes first",
    ]);
  });

  test("is an option of testActors, and a token replays it", async () => {
    const tests: (() => Promise<void>)[] = [];
    const define: DefineTest = (_name, body) => tests.push(body);
    const options = { ...simulation, store: false, budgetMs: 5_000 } as const;
    testActors.with(define)(
      "is won",
      [],
      playing(() => "playing"),
      options,
    );
    const error = await tests[0]?.().catch((reason: unknown) => reason as ScheduleFailureError);
    expect(error?.report.text).toContain("assumes: from step");
    process.env["COPPICE_REPLAY"] = error?.token;
    try {
      await expect(tests[0]?.()).rejects.toThrow("a lasso of 2 events");
    } finally {
      delete process.env["COPPICE_REPLAY"];
    }
  });

  test("mends what is broken, has no more faults, and begins early where nothing but faults could happen", async () => {
    const events: string[] = [];
    const program: Program = (sim) => {
      sim.boot("server", (node) => {
        node.spawnOpt<never>({ key: "s" }, async (self) => {
          await self.yield();
          events.push("lives");
        });
      });
      const node = sim.node("client");
      const slow = node.spawn<string>(async (self) => {
        for (;;) events.push(await self.receive());
      });
      sim.faults.nodeDown("server", { times: 9 });
      sim.faults.pause("client", { times: 9 });
      sim.partition(["server"], ["client"]);
      node.send(slow, "arrives");
    };
    // Breaks whatever can be broken, and nothing else.
    const breaks: Strategy = {
      pick: (enabled) => enabled.find(({ key }) => /^fault:(down|pause):/.test(key)),
    };
    const { steps, calmFrom, outcome } = await run(program, breaks, { calm: { stormSteps: 50 } });
    const keys = steps.map(({ transition }) => transition.key.replace(/#\d+$/, ""));
    expect(keys.slice(0, calmFrom)).toEqual(["fault:down:server", "fault:pause:client"]);
    expect(
      keys
        .slice(calmFrom)
        .filter((key) => key.startsWith("fault:"))
        .sort(),
    ).toEqual(["fault:relief", "fault:up:server"]);
    expect([outcome, events.sort()]).toEqual(["quiescent", ["arrives", "lives"]]);
  });

  test("what a plan has happen does not happen there", async () => {
    const program: Program = (sim) => {
      const pid = sim.node().spawn<string>(async (self) => void (await self.receive()));
      sim.faults.crash("p", pid);
      sim.node("other").send(pid, "hello");
    };
    const crashes = async (stormSteps: number): Promise<boolean> => {
      const plan = [{ fault: "crash:p", at: { step: 1 } }];
      const { steps } = await run(program, FIFO, {
        plan,
        starts: "explored",
        calm: { stormSteps },
      });
      return steps.some(({ transition }) => transition.kind === "fault");
    };
    expect([await crashes(1), await crashes(5)]).toEqual([false, true]);
  });

  test("a run that never ends is over when its monitors have had their time", async () => {
    const options = { factor: 2, atLeast: 10 };
    const { steps, outcome, violations } = await run(
      playing((throws) => throws, options),
      LIFO,
      { calm: { stormSteps: 10 } },
    );
    expect([steps.length, outcome]).toEqual([30, "stopped"]);
    expect(violations.map(({ message }) => message)).toEqual([
      "it has not happened, for 20 events of calm",
    ]);
  });

  test("the same state twice with something owed is a lasso, told with its length", async () => {
    const calm = { stormSteps: 10 };
    const round = (length: number): Promise<Run> =>
      run(
        playing((throws) => throws % length),
        LIFO,
        { calm },
      );
    expect(messagesOf(await round(1))).toEqual([
      "the client is answered: it has not happened, and a lasso of 2 events goes round for ever",
    ]);
    const six = await round(6);
    expect(messagesOf(six)[0]).toMatch(/ a lasso of 6 events /);
    // It is known as soon as the round has been made once.
    expect(six.violations[0]?.step).toBe(10 + 6);
  });

  test("what is under way, set or waiting is part of the state", async () => {
    const growing: Program = (sim) => {
      const node = sim.node();
      const never = node.spawn<string>(async (self) => {
        await self.receive((message) => message === "the right one");
      });
      node.spawn<never>(async (self) => {
        for (;;) {
          self.send(never, "another");
          await self.sleep(1);
        }
      });
      checkLiveness(sim, [answered], { state: () => 0, factor: 1, atLeast: 20 });
    };
    const { violations } = await run(growing, FIFO, { calm: { stormSteps: 10 } });
    expect(violations.map(({ message }) => message)).toEqual([
      "it has not happened, for 20 events of calm",
    ]);
  });

  test("refuses options that it does not know, and a storm that leaves no room for it", async () => {
    for (const calm of [{ stormSteps: -1 }, { stormSteps: 5, steps: 1 }, { stormSteps: 10_000 }]) {
      await expect(run(() => {}, FIFO, { calm })).rejects.toThrow(InvalidArgumentError);
    }
    await expect(
      run((sim) => void checkLiveness(sim, [], { storm: 1 } as never), FIFO, {}),
    ).rejects.toThrow(InvalidArgumentError);
  });
});

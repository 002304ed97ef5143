import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  NeverAtRestError,
  OutdatedTokenError,
  ScheduleFailureError,
  testActors,
  UnreachedError,
  type ActorBody,
  type Simulation,
  type TestActorsOptions,
  type ValuesOf,
} from "@coppice/testkit";
import { acknowledgeFirst, cacheFill, counter, crowd } from "./actor-programs.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-actors-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  jest.restoreAllMocks();
});

/** With these variables in the environment and without all others of ours. */
function withEnv(variables: Readonly<Record<string, string>>): void {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("COPPICE_") && name !== "CI"),
  );
  jest.replaceProperty(process, "env", { ...env, ...variables });
}

interface Defined {
  readonly timeoutMs: number;
  run(): Promise<void>;
  /** Runs it, and gives its failure. */
  fail(): Promise<ScheduleFailureError>;
}

function define<const A extends readonly fc.Arbitrary<unknown>[]>(
  arbitraries: A,
  body: ActorBody<ValuesOf<A>>,
  options: TestActorsOptions = {},
  variables: Readonly<Record<string, string>> = {},
): Defined {
  withEnv(variables);
  let defined: Defined | undefined;
  const define = testActors.with((_, run, timeoutMs) => {
    const fail = async (): Promise<ScheduleFailureError> => {
      const error = await run().then(
        () => new Error("it passed"),
        (reason: unknown) => reason,
      );
      if (!(error instanceof ScheduleFailureError)) throw error;
      return error;
    };
    defined = { timeoutMs, run, fail };
  });
  define("actors", arbitraries, body, { store: folder, ...options });
  return defined as unknown as Defined;
}

const increments = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 5 });
const file = (): string => join(folder, "test-actors.test.ts.json");
const token =
  "v1:p=pairFifo;h=shop/writer>shop/db#1<shop/reader>shop/db#1,shop/reader>shop/cache#2<shop/writer>shop/cache#1";

/** Two that read before either writes. */
const counter2 = (sim: Simulation): void => {
  const node = sim.node();
  const value = sim.shared("value", 0);
  for (let each = 0; each < 2; each++) {
    node.spawn(async (self) => {
      const before = await value.read(self, (now) => now);
      await value.write(self, () => before + 1);
    });
  }
  sim.finally("both count", () => value.now === 2);
};

/** How long it took is another time every time. */
function withoutTime(message: string): string {
  return message.replace(/[\d.]+ ms/, "0.4 ms");
}

describe("a test of actors", () => {
  test("fails with a report that says why and how to see it again", async () => {
    const { message, token: found } = await define([], cacheFill, { searchSeed: 1 }).fail();
    expect(found).toBe(token);
    expect(withoutTime(message)).toBe(
      `✗ the cache is empty or right: the cache has 0, the db 1
found: program 1, schedule 7 (dpor), 0.4 ms; 5 classes exist, 1 fails
fails under FIFO plus these constraints (drop any one → passes):
  1. shop/writer→shop/db#1    after shop/reader→shop/db#1     call {"set":1} reaches db after call "get"
  2. shop/reader→shop/cache#2 after shop/writer→shop/cache#1  message {"fill":0} reaches cache after message "invalidate"
  reader   cache    db    writer
     |------>|       |       |    call "get"
     |<------|       |       |    message undefined
     |-------------->|       |    call "get"
     |       |       |<------|    call {"set":1} (1)
     |<--------------|       |    message 0
     |       |       |------>|    message 1
     |       |<--------------|    message "invalidate"
     |------>|       |       |    message {"fill":0} (2)
     |       |       |       |    ✗ the cache has 0, the db 1
passes with 1 flipped: shop/reader→shop/db#1 after shop/writer→shop/db#1
replay: COPPICE_REPLAY='${token}' NODE_OPTIONS=--experimental-vm-modules npx jest packages/testkit/test/test-actors.test.ts -t actors`,
    );
  });

  test("finds by samples what source-DPOR would come to last of all, before that has had its share", async () => {
    const { message } = await define([], (sim) => {
      const node = sim.node();
      let first = 0;
      const ear = node.spawnOpt<number>({ key: "ear" }, async (self) => {
        for (;;) {
          const word = await self.receive();
          if (first === 0) first = word;
        }
      });
      for (const each of [1, 2, 3, 4, 5, 6]) {
        node.spawnOpt<never>({ key: `s${each}` }, (self) => {
          for (let time = 0; time < 2; time++) self.send(ear, each);
        });
      }
      sim.finally("the third is not the first", () => first !== 3);
    }).fail();
    const [, at, by] = /schedule (\d+) \((\w+)\)/.exec(message) ?? [];
    expect(Number(at)).toBeLessThan(160);
    expect(["walk", "pct2", "pct3", "pos", "surw"]).toContain(by);
  });

  test("shrinks what the program is made from, and its schedule", async () => {
    const { message, token: found } = await define([increments], counter).fail();
    expect(message.split("\n").slice(0, 4)).toEqual([
      "✗ no update is lost: the counter has 1, not 2",
      expect.stringMatching(
        /^found: program \d+, schedule 1 \(fifo\), [\d.]+ ms; shrunk \d+ times; 6 classes exist, 4 fail$/,
      ),
      "program: [1,1]",
      "fails under LIFO plus this constraint (drop it → passes), and under FIFO and eager timers as it is:",
    ]);
    expect(found).toBe(
      "v1:p=pairFifo;s=lifo;h=n/client2>n/counter#2<n/client1>n/counter#1;v=[[1,1]]",
    );
  });

  test("passes when nothing fails, within its budget", async () => {
    let runs = 0;
    const started = performance.now();
    const options = { budgetMs: 300, runs: 1_000_000, schedules: 10 };
    await define([fc.nat()], () => void runs++, options).run();
    expect(runs).toBeGreaterThan(10);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test("runs as many programs, each under as many schedules, as it is told to", async () => {
    const programs = new Map<number, number>();
    const body: ActorBody<[number]> = (sim, n) => {
      programs.set(n, (programs.get(n) ?? 0) + 1);
      crowd(sim, 6);
    };
    await define([fc.nat()], body, { runs: 20, schedules: 7, budgetMs: 60_000 }).run();
    const counts = [...programs.values()];
    // And the first of each once more.
    expect(counts.reduce((sum, each) => sum + each, 0)).toBe(20 * 8);
    expect(counts.every((each) => each % 8 === 0)).toBe(true);
  });

  test("tells what was done when nothing failed: all there is, or what bounded it", async () => {
    const passed: unknown[] = [];
    const options = { budgetMs: 60_000, whenPassed: (each: unknown) => void passed.push(each) };
    await define([], (sim) => crowd(sim, 3), options).run();
    await define([], (sim) => crowd(sim, 6), { ...options, schedules: 50 }).run();
    expect(passed).toEqual([
      {
        programs: 1,
        schedules: 9,
        statement:
          "exhaustive: 6 of 6 inequivalent schedules (profile pairFifo, faults 0, timers 0, 0 violations)",
      },
      { programs: 1, schedules: 50, statement: expect.stringContaining("bounded(cap 20)") },
    ]);
  });

  test("tells the states that the program exposes, before and after the step that fails", async () => {
    const { message } = await define([], (sim) => {
      const node = sim.node();
      const log: string[] = [];
      const total = sim.shared("total", 1);
      sim.shared("untouched", "as it was");
      sim.state("log", () => log);
      const adder = node.spawnOpt<number>({ key: "adder" }, async (self) => {
        for (;;) {
          const by = await self.receive();
          log.push(`by ${by}`);
          total.change((before) => before * by);
        }
      });
      for (const by of [2, 5]) {
        node.spawnOpt({ key: `by${by}` }, (self) => self.send(adder, by));
      }
      sim.always("two comes first", () => total.now !== 5, { reads: [total] });
    }).fail();
    expect(message).toContain('\nstate: total 1 → 5, log [] → ["by 5"], untouched "as it was"\n');
  });

  test("says to type what runs the tests, where that says what it is", async () => {
    const command = { COPPICE_TEST_COMMAND: "npm test --" };
    const { message } = await define([], cacheFill, { searchSeed: 1 }, command).fail();
    expect(message.split("\n").at(-1)).toBe(
      `replay: COPPICE_REPLAY='${token}' npm test -- packages/testkit/test/test-actors.test.ts -t actors`,
    );
  });

  test("tells the states at rest of what does not hold then", async () => {
    const { message } = await define([], counter2).fail();
    expect(message).toContain("\nstate at rest: value 1\n");
  });

  test("finds where a crash hurts, and says it in one line", async () => {
    const { message, token: found } = await define([], acknowledgeFirst).fail();
    expect(found).toMatch(/^v1:p=pairFifo;f=fault:crash:server#1\+\S+$/);
    expect(message.split("\n").slice(0, 4)).toEqual([
      "✗ what was acknowledged is kept: 1 acknowledged, 0 kept",
      expect.stringMatching(
        /^found: program 1, schedule \d+ \(\w+\), [\d.]+ ms; \d+ classes exist with faults ≤ 1, 2 fail$/,
      ),
      "fails under FIFO plus this constraint (drop it → passes):",
      expect.stringMatching(
        /^ {2}1\. fault:crash:server#1 right after \S+ +crash:server strikes as soon as /,
      ),
    ]);
    // Without faults there is nothing to find.
    await define([], acknowledgeFirst, { faults: { crash: 0 }, store: false }).run();
  });

  test("has the time out of its budget, which the environment may set", () => {
    expect(define([], () => undefined).timeoutMs).toBe(13_000);
    expect(define([], () => undefined, { budgetMs: 5_000 }).timeoutMs).toBe(25_000);
    const variables = { COPPICE_BUDGET: "60000" };
    expect(define([], () => undefined, { budgetMs: 5_000 }, variables).timeoutMs).toBe(190_000);
  });

  test("takes what its body throws for a violation", async () => {
    const sync = (): never => {
      throw new Error("no such luck");
    };
    const { message } = await define([], sync, { store: false }).fail();
    expect(message.split("\n")[0]).toBe("✗ the test's body threw Error: no such luck");
    const async = async (): Promise<never> => {
      await Promise.resolve();
      throw new Error("no such luck");
    };
    const later = await define([], async, { store: false }).fail();
    expect(withoutTime(later.message)).toBe(withoutTime(message));
  });

  test.each<[string, unknown]>([
    ["the test's body threw RangeError: RangeError", new RangeError()],
    ["the test's body threw a value: {}", Object.create(null)],
  ])("does so although it says little: %s", async (told, thrown) => {
    const body = (): never => {
      throw thrown;
    };
    const { message } = await define([], body, { store: false }).fail();
    expect(message.split("\n")[0]).toBe(`✗ ${told}`);
  });

  test("says so when the program does not depend on its schedule alone", async () => {
    let runs = 0;
    const unsteady: ActorBody<[]> = (sim) => {
      const node = sim.node();
      const other = node.spawnOpt<string>({ key: runs++ % 2 === 0 ? "a" : "b" }, async (self) => {
        for (;;) await self.receive();
      });
      node.send(other, "hello");
      sim.finally("never", () => false);
    };
    await expect(define([], unsteady).run()).rejects.toThrow(
      expect.objectContaining({
        code: "UNSTEADY_RUN",
        message: expect.stringMatching(
          /^the same schedule took another course the second time, at step 0: first n→n\/([ab])#1, then n→n\/(?!\1)[ab]#1; something decides that the simulation does not know of: what outlives a run, real time, real randomness$/,
        ) as unknown,
      }),
    );
  });

  test("says so too when that shows in some of its runs alone, and in none of those that follow", async () => {
    let runs = 0;
    const program = (sim: Simulation): void => {
      const isOdd = ++runs === 7;
      const node = sim.node();
      const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) await self.receive();
      });
      for (const key of ["a", "b", "c"]) {
        node.spawnOpt<never>({ key }, async (self) => {
          if (isOdd) await self.yield();
          self.send(sink, key);
        });
      }
    };
    const run = define([], program).run();
    await expect(run).rejects.toThrow("Something that is not controlled decides");
  });

  test.each<[string, number, (sim: Simulation) => void, string]>([
    [
      "rests in time",
      90_000,
      (sim) =>
        void sim.node().spawnOpt<never>({ key: "beat" }, async (self) => {
          for (;;) await self.sleep(9);
        }),
      "arm timers that are to go on for ever in `sim.daemon`, or end runs in time by the option `horizonMs`",
    ],
    [
      "rests at all",
      0,
      (sim) => {
        const node = sim.node();
        const ping = node.spawnOpt<number>({ key: "ping" }, async (self) => {
          for (;;) self.send(ping, await self.receive());
        });
        node.send(ping, 1);
      },
      "in the end it went round and round: n/ping→n/ping; if it is to go on for ever, say",
    ],
  ])(
    "does not pass when nothing %s, and something must hold at rest",
    async (_, nowMs, set, says) => {
      const program = (sim: Simulation): void => {
        set(sim);
        sim.finally("it is tidy", () => true);
      };
      const run = define([], program, { budgetMs: 200 }).run();
      await expect(run).rejects.toThrow(NeverAtRestError);
      await expect(run).rejects.toThrow(
        `no run came to rest, so nobody looked whether "it is tidy" holds there: it was cut off after 10,000 steps, at ${nowMs.toLocaleString("en")} ms`,
      );
      await expect(run).rejects.toThrow(says);
      // Who demands nothing there may go on for ever; so may who says until when.
      await define([], set, { budgetMs: 200 }).run();
    },
  );

  test("does not pass when it never sees what it should see sometimes, in any program", async () => {
    const program = (sim: Simulation, many: number): void => {
      const node = sim.node();
      const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
        for (;;) await self.receive();
      });
      for (let each = 0; each < many; each++) node.spawn((self) => self.send(sink, "x"));
      sim.sometimes("two wait", () => node.mailboxOf(sink).length > 1, { reads: [sink] });
      sim.sometimes("there are three", () => many === 3, { reads: [] });
    };
    const run = define([fc.nat(3)], program, { runs: 30 }).run();
    await expect(run).rejects.toThrow(UnreachedError);
    await expect(run).rejects.toThrow("never seen in any run: two wait");
    const seen = (sim: Simulation, many: number): void => {
      sim.node().spawn(async (self) => self.yield());
      sim.sometimes("there are three", () => many === 3, { reads: [] });
    };
    await define([fc.nat(3)], seen, { runs: 30 }).run();
  });

  test("leaves out values of which its body says by fc.pre that they make no sense", async () => {
    const program = (sim: Simulation, many: number): void => {
      fc.pre(many % 2 === 0);
      sim.finally("it is even", () => many % 2 === 0);
      sim.finally("it is small", () => many < 10);
    };
    await define([fc.nat(9)], program).run();
    const { message } = await define([fc.nat(100)], program).fail();
    expect(message).toContain("✗ it is small");
    expect(message).toMatch(/program: \d[02468]\n/);
  });

  test("has the error of the check as its cause", async () => {
    const { cause } = await define([], cacheFill).fail();
    expect(cause).toEqual(new Error("the cache has 0, the db 1"));
  });
});

describe("a replay", () => {
  test("runs exactly what the token says, and fails as it did", async () => {
    let runs = 0;
    const counted: ActorBody<[]> = (sim) => {
      runs++;
      cacheFill(sim);
    };
    const { message, token: again } = await define(
      [],
      counted,
      {},
      { COPPICE_REPLAY: token },
    ).fail();
    expect(again).toBe(token);
    expect(message).toContain("found: replay\n");
    expect(message).toContain("✗ the cache has 0, the db 1");
    runs = 0;
    await define([], counted, {}, { COPPICE_REPLAY: "v1:p=pairFifo" }).run();
    expect(runs).toBe(1);
  });

  test("passes when what it names is there and nothing fails: the bug is mended", async () => {
    const sayTwice: ActorBody<[]> = (sim) => {
      const node = sim.node();
      const ear = node.spawnOpt<string>({ key: "ear" }, async (self) => {
        const timer = self.sendAfter(self.pid, 5, "tired");
        const heard = [await self.receive(), await self.receive()];
        self.cancelTimer(timer);
        expect(heard.sort()).toEqual(["a", "b"]);
      });
      for (const key of ["a", "b"]) node.spawnOpt<never>({ key }, (self) => self.send(ear, key));
      sim.faults.crash("ear", ear);
    };
    for (const replay of [
      "v1:p=pairFifo;h=n/b>n/ear#1<n/a>n/ear#1",
      // What could have happened, and did not, is there as well; so is a timer that was cancelled.
      "v1:p=pairFifo;f=fault:crash:ear#1+n/b>n/ear#1",
      "v1:p=pairFifo;h=n/b>n/ear#1<timer:n/ear#1",
    ]) {
      await define([], sayTwice, { clock: "quiet" }, { COPPICE_REPLAY: replay }).run();
    }
  });

  test.each([
    ["v1:p=pairFifo;h=shop/owner>shop/db#1<shop/reader>shop/db#1", ["shop/owner→shop/db#1"]],
    ["v1:p=pairFifo;f=fault:crash:db#1+^", ["fault:crash:db#1"]],
    ["v1:p=pairFifo;h=a>b#1<c>d#1,c>d#1<shop/reader>shop/db#1", ["a→b#1", "c→d#1"]],
  ])("of %s, which names what did not happen, does not pass", async (replay, keys) => {
    const run = define([], cacheFill, {}, { COPPICE_REPLAY: replay }).run();
    await expect(run).rejects.toThrow(OutdatedTokenError);
    await expect(run).rejects.toMatchObject({
      code: "OUTDATED_TOKEN",
      token: replay,
      keys,
      message: expect.stringContaining(`the token names ${keys.join(", ")}, which did not happen;`),
    });
  });

  test("that fails fails as it does, whatever its token names beside that", async () => {
    const other = `${token},nobody>shop/db#9<shop/reader>shop/db#1`;
    const { message } = await define([], cacheFill, {}, { COPPICE_REPLAY: other }).fail();
    expect(message).toContain("✗ the cache has 0, the db 1");
  });

  test("makes the program from the values in the token", async () => {
    const seen: number[][] = [];
    const variables = { COPPICE_REPLAY: "v1:p=pairFifo;v=[[3,4]]" };
    const body: ActorBody<[number[]]> = (sim, list) => {
      seen.push(list);
      counter(sim, list);
    };
    await define([increments], body, {}, variables).fail();
    expect(new Set(seen.map(String))).toEqual(new Set(["3,4"]));
  });

  test("finds values that JSON cannot say by the path to them", async () => {
    const bigs = fc.array(fc.bigInt({ min: 1n, max: 5n }), { maxLength: 5 });
    const body: ActorBody<[bigint[]]> = (sim, list) => counter(sim, list.map(Number));
    const first = await define([bigs], body).fail();
    expect(first.token).toMatch(/^v1:p=pairFifo;s=lifo;h=\S+;c=-?\d+:[\d:]+$/);
    expect(first.message).toContain("program: [1n,1n]");
    const again = await define([bigs], body, {}, { COPPICE_REPLAY: first.token }).fail();
    expect(again.token).toBe(first.token);
    expect(again.message).toContain("program: [1n,1n]");
  });

  test.each([
    ["nonsense", 'no schedule: it does not begin with v1:, in "nonsense"'],
    [
      "v1:p=pairFifo;v={}",
      'no schedule: v={} is no list of values in JSON, in "v1:p=pairFifo;v={}"',
    ],
    [
      "v1:p=pairFifo;v=%5",
      'no schedule: v=%5 is no list of values in JSON, in "v1:p=pairFifo;v=%5"',
    ],
    [
      "v1:p=pairFifo;c=1",
      'no schedule: c=1 is no seed and path of fast-check, in "v1:p=pairFifo;c=1"',
    ],
  ])("of %s is refused", async (replay, message) => {
    await expect(define([], cacheFill, {}, { COPPICE_REPLAY: replay }).run()).rejects.toThrow(
      message,
    );
  });
});

describe("what failed", () => {
  test("is kept in a file, and runs first from then on", async () => {
    await define([], cacheFill).fail();
    expect(JSON.parse(readFileSync(file(), "utf8"))).toEqual({
      actors: [{ token, violation: "the cache is empty or right: the cache has 0, the db 1" }],
    });
    // One schedule of a search would not find it.
    const { message } = await define([], cacheFill, { schedules: 1 }).fail();
    expect(message).toContain("found: failed before: test-actors.test.ts.json\n");
    await define([], cacheFill, { schedules: 1, store: false }).run();
  });

  test("passes when it is mended, and stays in the file", async () => {
    await define([], cacheFill).fail();
    const before = readFileSync(file(), "utf8");
    await define([], () => undefined).run();
    expect(readFileSync(file(), "utf8")).toBe(before);
  });

  test("is not written where the environment says CI, and read all the same", async () => {
    await define([], cacheFill, {}, { CI: "true" }).fail();
    expect(readdirSync(folder)).toEqual([]);
    await define([], cacheFill, {}, { CI: "false" }).fail();
    expect(readdirSync(folder)).toHaveLength(1);
    await define([], cacheFill, { schedules: 1 }, { CI: "true" }).fail();
  });

  test("is refused when the file is something else", async () => {
    writeFileSync(file(), "[1]");
    await expect(define([], cacheFill).run()).rejects.toThrow(
      `${file()} holds no failing tokens: expected lists of { token, violation } by name of test; correct it, or delete it`,
    );
    writeFileSync(file(), "{");
    await expect(define([], cacheFill).run()).rejects.toMatchObject({ code: "FAILING_TOKENS" });
  });

  test("is drawn, and traced, into a folder that is asked for", async () => {
    const reports = join(folder, "reports");
    const { report } = await define([], cacheFill, {}, { COPPICE_REPORTS: reports }).fail();
    expect(readdirSync(reports)).toEqual(["actors.dot", "actors.json", "actors.mmd", "actors.txt"]);
    expect(readFileSync(join(reports, "actors.mmd"), "utf8")).toBe(report.mermaid);
    expect(readFileSync(join(reports, "actors.dot"), "utf8")).toBe(report.dot);
    expect(JSON.parse(readFileSync(join(reports, "actors.json"), "utf8"))).toEqual(report.trace);
  });

  test("is told all the same where nothing can be written", async () => {
    const taken = join(folder, "taken");
    writeFileSync(taken, "");
    const inVain = join(taken, "in it");
    const { message } = await define([], cacheFill, { store: inVain, reports: inVain }).fail();
    expect(message).toContain("✗ the cache is empty or right");
    expect(message).toContain(`\nnot written to ${inVain}: ENOTDIR`);
    expect(message.split("\n").at(-1)).toContain("replay: COPPICE_REPLAY=");
  });

  test("comes with a run that passes when it is asked for", async () => {
    expect((await define([], cacheFill).fail()).message).not.toContain("the twin that passes");
    const off = await define([], cacheFill, {}, { COPPICE_TWIN: "0" }).fail();
    expect(off.message).not.toContain("the twin that passes");
    const { message } = await define([], cacheFill, {}, { COPPICE_TWIN: "1" }).fail();
    expect(message).toContain("\nthe twin that passes:\n");
  });
});

test.each<[TestActorsOptions, string]>([
  [{ budgetMs: 0 }, "testActors: options.budgetMs must be a whole number of at least 1, but is 0"],
  [{ runs: 1.5 }, "testActors: options.runs must be a whole number of at least 1, but is 1.5"],
  [{ schedule: 3 } as object, "simulation: options must be made of"],
  [{ profile: "udp" as never }, "simulation: options.profile must be"],
  [
    { searchSeed: "a" as never },
    'testActors: options.searchSeed must be a whole number, but is "a"',
  ],
  [{ store: true as never }, "testActors: options.store must be a folder, or false, but is true"],
  [{ reports: 5 as never }, "testActors: options.reports must be a folder, but is 5"],
  [{ twin: "yes" as never }, 'testActors: options.twin must be a boolean, but is "yes"'],
])("options %j are refused where the test is defined", (options, message) => {
  expect(() => define([], cacheFill, options)).toThrow(message);
});

test("what is no arbitrary is refused where the test is defined", () => {
  expect(() => define([() => fc.nat()] as never, cacheFill as never)).toThrow(
    "testActors: arbitraries[0] must be an arbitrary of fast-check, but is the function (anonymous)",
  );
});

test("an environment that makes no sense is refused", () => {
  expect(() => define([], cacheFill, {}, { COPPICE_BUDGET: "soon" })).toThrow(
    'the environment\'s COPPICE_BUDGET must be a whole number, but is "soon"',
  );
});

// With jest's own `test`, which is global.
testActors("a counter that adds by itself loses nothing", [increments], (sim, list) => {
  const node = sim.node();
  let count = 0;
  const server = node.spawnOpt<number>({ key: "counter" }, async (self) => {
    for (;;) count += await self.receive();
  });
  for (const increment of list) node.spawn<never>((self) => self.send(server, increment));
  sim.finally("no update is lost", () => count === list.reduce((sum, each) => sum + each, 0));
});

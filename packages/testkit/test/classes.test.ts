/**
 * Small random programs of real processes: what source-DPOR runs is every class there is, each once, and
 * all that can come of a program comes of these; so the footprints of steps tell all that matters.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KeySpace, type Call, type Self } from "@coppice/core";
import {
  explore,
  inMacrotask,
  messageKindOf,
  type Profile,
  type Program,
  runProgram,
  SourceDpor,
  type Run,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";
import { traceClass } from "../src/trace-class.js";
import { countAll } from "./all-orders.js";
import { acts, programOf, type Line } from "./classes-programs.js";

interface Found {
  readonly classes: number;
  readonly outcomes: ReadonlySet<string>;
}

/** Compares what is drawn. @returns of how many `compare` says that they could be compared */
async function countCompared<T>(
  drawn: fc.Arbitrary<T>,
  numRuns: number,
  compare: (value: T) => boolean,
): Promise<number> {
  let compared = 0;
  const property = fc.property(drawn, (value) => {
    if (compare(value)) compared++;
  });
  await inMacrotask(() => fc.assert(property, { numRuns }));
  return compared;
}

/** All classes and outcomes; `undefined` when there are too many schedules to run them all. */
function bruteForce(
  bodies: readonly (readonly Line[])[],
  simulation: SimulationOptions,
): Found | undefined {
  const keySpace = new KeySpace({ interns: true });
  const outcomes = new Set<string>();
  const ofClass = new Map<number, string>();
  let last = "";
  const program = programOf(bodies, (text) => {
    last = text;
    outcomes.add(text);
  });
  const all = countAll((strategy) => {
    const run = runProgram(program, strategy, { ...simulation, keySpace });
    // Schedules of one class end alike.
    const id = traceClass(run);
    expect(last).toBe(ofClass.get(id) ?? last);
    ofClass.set(id, last);
    return run;
  }, 1_500);
  return all && { classes: all.classes, outcomes };
}

function bySourceDpor(
  bodies: readonly (readonly Line[])[],
  simulation: SimulationOptions,
): Found & { readonly distinct: number } {
  const keySpace = new KeySpace({ interns: true });
  const outcomes = new Set<string>();
  const program = programOf(bodies, (text) => outcomes.add(text));
  const run = (strategy: Strategy): Run =>
    runProgram(program, strategy, { ...simulation, keySpace });
  const dpor = new SourceDpor({ profile: simulation.profile });
  const distinct = new Set<number>();
  while (!dpor.done) {
    const made = run(dpor);
    if (dpor.learn(made) === "class") distinct.add(traceClass(made));
  }
  return { classes: dpor.classes, distinct: distinct.size, outcomes };
}

function timersIn(bodies: readonly (readonly Line[])[]): number {
  return bodies.flat().filter(({ act }) => act === "receiveFor" || act === "sendAfter").length;
}

/** A line for each word; a number behind it is whom it is about. */
function linesOf(text: string): readonly Line[] {
  return text.split(" ").map((word) => {
    const [, name = "", to = "0"] = /^([a-zA-Z]+)(\d?)$/u.exec(word) ?? [];
    return { act: name as Line["act"], to: Number(to || "0") };
  });
}

test("the n-th signal of a pair may be a message under one schedule and a link under another", async () => {
  const bodies = ["sendToName link send", "register monitor send"].map(linesOf);
  const simulation = { profile: "datagram" } as const;
  await inMacrotask(() => {
    const { classes, distinct } = bySourceDpor(bodies, simulation);
    expect([classes, distinct]).toEqual([13, 13]);
    expect(bruteForce(bodies, simulation)?.classes).toBe(13);
  });
});

describe("what may be in the way of others", () => {
  test.each<[string, Profile, readonly string[], number]>([
    [
      "a timer that is cancelled when one fires that is due before it fires first where that is set later",
      "pairFifo",
      ["sendAfter1", "send1", "receiveFor end"],
      7,
    ],
    [
      "a timer that waits for what is queued fires first where that is sent later",
      "instant",
      ["send monitor1", "sendAfter", "receiveFor receiveFor"],
      197,
    ],
    [
      "who reads a clock comes after any of the timers that are due at once, and before any of them",
      "instant",
      ["sendAfter", "now unlink", "receiveFor"],
      12,
    ],
    [
      "who reads a clock comes after the first of two timers, whichever that is",
      "pairFifo",
      ["receiveFor", "sendAfter", "now"],
      9,
    ],
    [
      "a timer that is over when the one it is for ends fires before that, after whatever it does not hear of",
      "pairFifo",
      ["send end", "sendAfter end", "end"],
      8,
    ],
    [
      "whoever asks whether somebody is alive may do so before or after the exit signal has reached the dead",
      "datagram",
      ["kill read isAlive", "send", "kill1"],
      12,
    ],
  ])("%s", async (_, profile, texts, classes) => {
    const bodies = texts.map(linesOf);
    const simulation = { profile } as const;
    await inMacrotask(() => {
      expect(bruteForce(bodies, simulation)?.classes).toBe(classes);
      expect(bySourceDpor(bodies, simulation).distinct).toBe(classes);
      const program = programOf(bodies, () => undefined);
      const { statement } = explore(program, { simulation });
      expect([statement.kind, statement.classes]).toEqual(["exhaustive", classes]);
    });
  });
});

type Ask = Call<"ask", "answer">;

/** A process that answers, after something that may keep it from answering; another asks it meanwhile. */
const answering =
  (before: (self: Self<Ask>) => unknown): Program =>
  (sim) => {
    const node = sim.node();
    const server = node.spawnOpt<Ask>({ key: "server" }, async (self) => {
      await self.yield();
      await before(self);
      for (;;) self.reply((await self.receive()).from, "answer");
    });
    node.spawnOpt<never>({ key: "client" }, async (self) => {
      await self.yield();
      await self.call(server, "ask", { timeoutMs: Infinity });
    });
  };

/** Says that it has started when others have had their turn. */
const startsSlowly = async (self: Self<never>): Promise<void> => {
  await self.yield();
  self.initAck({});
};

test.each<[string, (self: Self<Ask>) => unknown]>([
  ["waits for the start of another", (self) => self.spawnAndWait({}, startsSlowly)],
  [
    "waits for a reply when it has slept",
    (self) => {
      const replier = self.spawn<Ask>(async (it) => it.reply((await it.receive()).from, "answer"));
      return Promise.all([self.yield(), self.call(replier, "ask", { timeoutMs: Infinity })]);
    },
  ],
])("who asks a process that %s may do so before that and while it does", async (_, before) => {
  const keySpace = new KeySpace({ interns: true });
  const program = answering(before);
  await inMacrotask(() => {
    const all = countAll((strategy) => runProgram(program, strategy, { keySpace }), 5_000);
    const { statement } = explore(program);
    expect([statement.kind, statement.classes]).toEqual(["exhaustive", all?.classes]);
  });
});

test("a timer is in the way of no timer of another node", async () => {
  const program: Program = (sim) => {
    for (const [key, times] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      sim.node(key).spawnOpt<never>({ key: "sleeper" }, async (self) => {
        for (let time = 0; time < times; time++) await self.sleep(5);
      });
    }
  };
  const keySpace = new KeySpace({ interns: true });
  await inMacrotask(() => {
    const all = countAll((strategy) => runProgram(program, strategy, { keySpace }), 100);
    expect(all).toEqual({ orders: 3, classes: 2 });
    const { statement } = explore(program, { strategies: [] });
    expect([statement.kind, statement.classes]).toEqual(["exhaustive", 2]);
  });
});

test("a timer that is cancelled while an earlier one is there fires where that was cancelled before", async () => {
  const program: Program = (sim) => {
    const node = sim.node();
    const server = node.spawnOpt<Ask>({ key: "server" }, async (self) => {
      for (;;) self.reply((await self.receive()).from, "answer");
    });
    // Both give up after 5 ms; the second begins that much later.
    for (const [key, delayMs] of [
      ["early", undefined],
      ["late", 5],
    ] as const) {
      node.spawnOpt<never>({ key }, async (self) => {
        await self.yield();
        if (delayMs !== undefined) await self.sleep(delayMs);
        await self.call(server, "ask", { timeoutMs: 5 }).catch(() => undefined);
      });
    }
  };
  const keySpace = new KeySpace({ interns: true });
  await inMacrotask(() => {
    const all = countAll((strategy) => runProgram(program, strategy, { keySpace }), 5_000);
    const { statement, coverage } = explore(program);
    expect([statement.kind, statement.classes]).toEqual(["exhaustive", all?.classes]);
    // Runs that were blocked are of no class.
    expect(coverage.classes).toBe(all?.classes);
  });
});

describe.each<SimulationOptions>([
  { profile: "pairFifo" },
  { profile: "instant" },
  { profile: "datagram" },
  { profile: "pairFifo", clock: "quiet" },
])("under %j", (simulation) => {
  test("each class is run once, and nothing else can come of a program", async () => {
    const line = fc.record({ act: fc.constantFrom(...acts), to: fc.nat(1) });
    const programs = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), {
      minLength: 2,
      maxLength: 3,
    });
    const checked = await countCompared(programs, 100, (bodies) => {
      const truth = bruteForce(bodies, simulation);
      if (truth === undefined) return false;
      const { classes, distinct, outcomes } = bySourceDpor(bodies, simulation);
      expect([...outcomes].toSorted()).toEqual([...truth.outcomes].toSorted());
      expect(distinct).toBe(truth.classes);
      const { statement } = explore(
        programOf(bodies, () => undefined),
        { runs: 10_000, dporRuns: 9_000, simulation },
      );
      expect([statement.kind, statement.classes]).toEqual(["exhaustive", truth.classes]);
      // A class may be run once more for what a timer waits for under "instant", and for which of
      // two timers that are due at once has moved the clock that somebody reads: it counts once.
      if (simulation.profile === "instant" || timersIn(bodies) > 1) {
        expect(classes).toBeGreaterThanOrEqual(distinct);
      } else expect(classes).toBe(distinct);
      return true;
    });
    expect(checked).toBeGreaterThan(50);
  }, 120_000);
});

/** One who takes all, and others that send to it, now or later, and ask what time it is. */
function storing(bodies: readonly (readonly StoreAct[])[]): Program {
  return (sim) => {
    const node = sim.node();
    const store = node.spawnOpt<{ readonly type: string }>({ key: "store" }, async (self) => {
      for (;;) await self.receive();
    });
    for (const [index, body] of bodies.entries()) {
      node.spawnOpt<never>({ key: `p${index}` }, async (self) => {
        // Everybody is there before anyone begins.
        await self.yield();
        for (const act of body) {
          if (act === "now") self.now();
          else if (act === "later") await self.sleep(10);
          else if (act === "yield") await self.yield();
          else self.send(store, { type: act });
        }
      });
    }
  };
}

const storeActs = ["read", "write", "later", "now", "yield"] as const;
type StoreAct = (typeof storeActs)[number];

/** How many classes all orders are of, when two that differ in the order of neighbouring reads are of one. */
function classesWhereReadsSwap(program: Program, limit: number): number | undefined {
  const orders = new Map<string, Run>();
  const keySpace = new KeySpace({ interns: true });
  const keysOf = ({ steps }: Run): string[] => steps.map(({ transition }) => transition.key);
  const all = countAll((strategy) => {
    const run = runProgram(program, strategy, { keySpace });
    orders.set(keysOf(run).join(" "), run);
    return run;
  }, limit);
  if (all === undefined) return undefined;
  const parents = new Map<string, string>();
  const rootOf = (text: string): string => {
    let root = text;
    for (let up = parents.get(root); up !== undefined; up = parents.get(root)) root = up;
    return root;
  };
  const join = (one: string, other: string): void => {
    const [a, b] = [rootOf(one), rootOf(other)];
    if (a !== b) parents.set(a, b);
  };
  const firstOf = new Map<number, string>();
  for (const [text, run] of orders) {
    const id = traceClass(run);
    join(text, firstOf.get(id) ?? text);
    firstOf.set(id, text);
    for (let at = 0; at + 1 < run.steps.length; at++) {
      const pair = run.steps.slice(at, at + 2).map(({ transition }) => transition);
      if (!pair.every((each) => each.actor === "n/store" && messageKindOf(each) === "read"))
        continue;
      const swapped = keysOf(run).toSpliced(at, 2, pair[1]!.key, pair[0]!.key).join(" ");
      if (orders.has(swapped)) join(text, swapped);
    }
  }
  return new Set([...orders.keys()].map(rootOf)).size;
}

describe("where reads commute", () => {
  const commutes = [["read", "read"]] as const;

  test.each<[string, readonly (readonly StoreAct[])[], number]>([
    [
      "two timers that are due at once and one who reads the clock",
      [["later", "read"], ["later", "read"], ["now"]],
      8,
    ],
    [
      "the same with a write",
      [
        ["later", "read"],
        ["later", "read"],
        ["write", "yield", "now"],
      ],
      32,
    ],
  ])("beside %s each class counts once", async (_, bodies, classes) => {
    const program = storing(bodies);
    const { statement } = await inMacrotask(() => explore(program, { commutes, dporRuns: 5_000 }));
    expect(statement).toMatchObject({ kind: "exhaustive", classes });
    expect(await inMacrotask(() => classesWhereReadsSwap(program, 100_000))).toBe(classes);
  });

  test.each([false, true])(
    "each class of a program that is drawn counts once, with observers: %s",
    async (observers) => {
      const act = fc.constantFrom(...storeActs);
      const late = fc.tuple(fc.constant("later" as const), fc.constant("read" as const));
      const programs = fc.array(fc.oneof(late, fc.array(act, { minLength: 1, maxLength: 2 })), {
        minLength: 2,
        maxLength: 3,
      });
      const checked = await countCompared(programs, 60, (bodies) => {
        const program = storing(bodies);
        const truth = classesWhereReadsSwap(program, 1_500);
        if (truth === undefined) return false;
        const { statement } = explore(program, { commutes, dporRuns: 5_000, observers });
        expect([statement.kind, statement.classes]).toEqual(["exhaustive", truth]);
        return true;
      });
      expect(checked).toBeGreaterThan(30);
    },
    120_000,
  );
});

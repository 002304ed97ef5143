/**
 * Small random programs of real processes: what source-DPOR runs is every class there is, each once, and
 * all that can come of a program comes of these; so the footprints of steps tell all that matters.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KeySpace } from "@coppice/core";
import {
  explore,
  inMacrotask,
  type Profile,
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
    let checked = 0;
    await inMacrotask(() =>
      fc.assert(
        fc.property(programs, (bodies) => {
          const truth = bruteForce(bodies, simulation);
          if (truth === undefined) return;
          checked++;
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
        }),
        { numRuns: 100 },
      ),
    );
    expect(checked).toBeGreaterThan(50);
  }, 120_000);
});

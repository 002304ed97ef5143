import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KeySpace } from "@coppice/core";
import { inMacrotask, runProgram, type Program, type Run, type Strategy } from "@coppice/testkit";
import { countOrders } from "../src/order-count.js";
import { DivergenceError, SourceDpor, type DporOptions } from "../src/dpor.js";
import { classOf } from "../src/trace-class.js";
import { countAll } from "./all-orders.js";
import { createToySpace, runToy, type Toy } from "./toy-kernel.js";

type ToyProgram = (toy: Toy) => void;

function exhaust(program: ToyProgram, options: DporOptions = {}) {
  const dpor = new SourceDpor(options);
  const space = createToySpace();
  const classes = new Set<number>();
  let orders = 0;
  let failing = 0;
  while (!dpor.done) {
    const run = runToy(program, dpor, space);
    if (dpor.learn(run) !== "class") continue;
    classes.add(classOf(run.steps));
    orders += countOrders(run.steps) ?? NaN;
    if (run.violations.length > 0) failing++;
  }
  return { classes: dpor.classes, failing, distinct: classes.size, blocked: dpor.blocked, orders };
}

type Op = "send" | "receive" | "timed" | "read" | "write" | "after" | "cancel" | "branch";
interface Act {
  readonly to: number;
  readonly op: Op;
}

function build(bodies: readonly (readonly Act[])[], faults: number): ToyProgram {
  return (toy) => {
    bodies.forEach((body, i) =>
      toy.spawn(`p${i}`, function* (self) {
        let cancel: (() => void) | undefined;
        yield self.op(`start${i}`, "read");
        for (const { to, op } of body) {
          const other = to % bodies.length;
          if (op === "send" && other !== i) self.send(`p${other}`, "m");
          else if (op === "receive") yield self.receive();
          else if (op === "timed") yield self.receive(undefined, 5 + to);
          else if (op === "read" || op === "write") yield self.op(`x${to}`, op);
          else if (op === "after") cancel = self.after(5 + to, "tick");
          else if (op === "cancel") cancel?.();
          else if (op === "branch") {
            // What it does depends on what has come.
            const got = yield self.receive();
            if (got?.from === `p${other}`) yield self.op(`x${to}`, "write");
          }
        }
      }),
    );
    for (let i = 0; i < faults; i++) toy.fault(`f${i}`, `p${i}`, () => undefined);
    toy.budget(faults);
  };
}

describe("source-DPOR", () => {
  const ops = fc.constantFrom<Op>(
    ...([
      "send",
      "send",
      "receive",
      "timed",
      "read",
      "write",
      "after",
      "cancel",
      "branch",
    ] as const),
  );
  const acts = fc.record({ to: fc.nat(2), op: ops });
  const programs = fc.array(fc.array(acts, { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 3,
  });

  test("runs each class of a program once and no other, with timers, shared objects and faults", () => {
    let checked = 0;
    fc.assert(
      fc.property(programs, fc.nat(1), (bodies, faults) => {
        const program = build(bodies, faults);
        const truth = countAll((strategy) => runToy(program, strategy), 1_500);
        if (truth === undefined) return;
        checked++;
        const { classes, distinct, orders } = exhaust(program);
        expect({ classes, distinct }).toEqual({ classes: truth.classes, distinct: truth.classes });
        // Each class stands for as many orders as it has linear extensions.
        if (faults === 0) expect(orders).toBe(truth.orders);
      }),
      { numRuns: 150 },
    );
    expect(checked).toBeGreaterThan(75);
  }, 60_000);

  test("goes on to the end of a run that fails, so that counts are exact", () => {
    const program: ToyProgram = (toy) => {
      toy.spawn("sink", function* (self) {
        const first = yield self.receive();
        if (first.from === "p2") self.fail("p2 came first");
        for (;;) yield self.receive();
      });
      for (const id of ["p1", "p2", "p3"]) {
        toy.spawn(id, function* (self) {
          self.send("sink", "m");
          yield self.receive();
        });
      }
    };
    expect(exhaust(program)).toMatchObject({ classes: 6, failing: 2, blocked: 0 });
  });

  test("explores each fault at each place where it matters, and not at all", () => {
    const program: ToyProgram = (toy) => {
      toy.spawn("sink", function* (self) {
        yield self.receive();
        yield self.receive();
      });
      toy.spawn("source", function* (self) {
        self.send("sink", "a");
        self.send("sink", "b");
        yield self.receive();
      });
      toy.fault("crash", "sink", () => undefined);
      toy.budget(1);
    };
    // Never, before, between and after the two messages.
    expect(exhaust(program)).toMatchObject({ classes: 4, distinct: 4, blocked: 0 });
  });

  test.each([[false], [true]])(
    "follows what happens unasked: a network that is cut, one way: %s, is whole again in the end",
    async (oneWay) => {
      const program: Program = (sim) => {
        const [a, b] = [sim.node("a"), sim.node("b")];
        const there = b.spawnOpt<string>({ key: "there" }, async (self) => {
          for (;;) await self.receive();
        });
        const here = a.spawnOpt<string>({ key: "here" }, async (self) => {
          self.send(there, "first");
          await self.receive({ timeoutMs: 10 });
          self.send(there, "second");
        });
        b.spawnOpt<never>({ key: "other" }, (self) => self.send(here, "go"));
        sim.faults.partition(["a"], ["b"], { oneWay });
      };
      await inMacrotask(() => {
        const keySpace = new KeySpace({ interns: true });
        const run = (strategy: Strategy): Run => runProgram(program, strategy, { keySpace });
        const dpor = new SourceDpor();
        const seen = new Set<number>();
        while (!dpor.done) {
          const made = run(dpor);
          if (dpor.learn(made) === "class") seen.add(classOf(made.steps));
        }
        const all = countAll(run, 100_000);
        expect(all?.classes).toBeGreaterThan(10);
        expect({ distinct: seen.size, classes: dpor.classes }).toEqual({
          distinct: all?.classes,
          classes: all?.classes,
        });
      });
    },
  );

  test("says so when a program does something else although it was led the same way", () => {
    let runs = 0;
    const program: ToyProgram = (toy) => {
      const target = runs++ % 2 === 0 ? "a" : "b";
      toy.spawn("sink", function* (self) {
        for (;;) yield self.receive();
      });
      for (const id of ["p1", "p2"]) {
        toy.spawn(id, function* (self) {
          yield self.op(`${target}`, "write");
          self.send("sink", "m");
        });
      }
      toy.spawn(target, function* (self) {
        self.send("sink", "m");
        yield self.receive();
      });
    };
    expect(() => exhaust(program)).toThrow(DivergenceError);
  });
});

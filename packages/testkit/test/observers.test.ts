import { describe, expect, test } from "@jest/globals";
import { KeySpace, TIMEOUT, type Pid } from "@coppice/core";
import {
  inMacrotask,
  runProgram,
  SourceDpor,
  type DporOptions,
  type Program,
} from "@coppice/testkit";
import fc from "fast-check";
import { observedClass } from "../src/observers.js";

/** What a process does in turn: to send a letter to another, or to receive one of some letters. */
type Act =
  | { readonly send: string; readonly to: number }
  | { readonly receive: string }
  | { readonly look: string }
  | { readonly answer: number };

const LETTERS = ["a", "b", "c"];

function build(bodies: readonly (readonly Act[])[]): Program {
  return (sim) => {
    const node = sim.node();
    const pids: Pid<string>[] = [];
    bodies.forEach((acts, index) => {
      const pid = node.spawnOpt<string>({ key: `p${index}` }, async (self) => {
        await self.yield();
        let last = "a";
        for (const act of acts) {
          if ("send" in act) self.send(pids[act.to % pids.length] as Pid<string>, act.send);
          else if ("receive" in act)
            last = await self.receive((letter) => act.receive.includes(letter));
          else if ("look" in act) {
            const isSought = (letter: string): boolean => act.look.includes(letter);
            const found = await self.receive(isSought, { timeoutMs: 0 });
            last = found === TIMEOUT ? "b" : found;
          }
          // What it sends depends on what it received.
          else self.send(pids[act.answer % pids.length] as Pid<string>, last);
        }
      });
      pids.push(pid);
    });
  };
}

function exhaust(
  program: Program,
  keySpace: KeySpace,
  options: DporOptions,
): { classes: Set<number>; runs: number } {
  const dpor = new SourceDpor(options);
  const classes = new Set<number>();
  let runs = 0;
  while (!dpor.done && runs < 3_000) {
    const run = runProgram(program, dpor, { keySpace, notesTakes: true });
    runs++;
    if (dpor.learn(run) === "class") classes.add(observedClass(run.steps));
  }
  return { classes: dpor.done ? classes : new Set(), runs };
}

describe("source-DPOR with observers", () => {
  const act: fc.Arbitrary<Act> = fc.oneof(
    fc.record({ send: fc.constantFrom(...LETTERS), to: fc.nat(2) }),
    fc.record({ receive: fc.constantFrom("a", "b", "ab", "bc", "abc") }),
    fc.record({ look: fc.constantFrom("a", "bc", "abc") }),
    fc.record({ answer: fc.nat(2) }),
  );
  const programs = fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 3,
  });

  test("misses nothing that anybody could have observed", async () => {
    await inMacrotask(() => {
      let checked = 0;
      let saved = 0;
      fc.assert(
        fc.property(programs, (bodies) => {
          const program = build(bodies);
          const keySpace = new KeySpace({ interns: true });
          const all = exhaust(program, keySpace, {});
          if (all.classes.size === 0) return;
          const observed = exhaust(program, keySpace, { observers: true });
          checked++;
          saved += all.runs - observed.runs;
          expect([...observed.classes].sort()).toEqual([...all.classes].sort());
        }),
        { numRuns: 300 },
      );
      expect(checked).toBeGreaterThan(75);
      expect(saved).toBeGreaterThan(0);
    });
  }, 120_000);
});

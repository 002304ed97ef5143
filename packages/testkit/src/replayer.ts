/** Runs of a program under constraints, each way once, and whether they fail as they are sought to. */
import { constrained, EAGER } from "./constrained-strategy.js";
import type { Run, Violation } from "./run.js";
import { otherKeyOf, type Constraint } from "./schedule.js";
import { FIFO, LIFO, type Strategy } from "./strategy.js";

/** What constraints are added to. */
export type Base = "fifo" | "lifo" | "eager";

export const baseNames: readonly Base[] = ["fifo", "lifo", "eager"];
const bases: Readonly<Record<Base, Strategy>> = { fifo: FIFO, lifo: LIFO, eager: EAGER };

/** Runs the program, each way once. */
export class Replayer {
  readonly #run: (strategy: Strategy) => Run;
  readonly isSought: (violation: Violation) => boolean;
  readonly #maxReplays: number;
  readonly #runs = new Map<string, Run>();

  constructor(
    run: (strategy: Strategy) => Run,
    isSought: (violation: Violation) => boolean,
    maxReplays: number,
  ) {
    this.#run = run;
    this.isSought = isSought;
    this.#maxReplays = maxReplays;
  }

  get replays(): number {
    return this.#runs.size;
  }

  get exhausted(): boolean {
    return this.#runs.size >= this.#maxReplays;
  }

  run(base: Base, constraints: readonly Constraint[]): Run {
    const id = idOf(base, constraints);
    let run = this.#runs.get(id);
    if (run === undefined) {
      run = this.#run(constrained(constraints, bases[base]));
      this.#runs.set(id, run);
    }
    return run;
  }

  /** Out of replays, everything is taken to pass: what was found so far stays. */
  fails(base: Base, constraints: readonly Constraint[]): boolean {
    if (this.exhausted && !this.#runs.has(idOf(base, constraints))) return false;
    return this.run(base, constraints).violations.some(this.isSought);
  }
}

function idOf(base: Base, constraints: readonly Constraint[]): string {
  const texts = constraints.map((each) => [each.type, each.key, otherKeyOf(each)].join(" "));
  return [base, ...texts.sort()].join("\n");
}

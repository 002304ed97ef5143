/**
 * A program and a schedule for it, as one value of fast-check.
 *
 * When a program gets smaller, its schedule stays: keys mean the same in both. If the smaller program
 * passes, the failure may only have moved; so a few seeds are tried beside the constraints before it is
 * given up. All of this follows from the value that shrinks, and from nothing that was remembered.
 */
import fc from "fast-check";
import type { Run } from "./run.js";
import type { Strategy } from "./strategy.js";
import type { Schedule } from "./schedule.js";
import { simplerThan } from "./schedules.js";

/** What one run of a property is about. */
export interface Case<V> {
  /** What the program is made from. */
  readonly values: V;
  /** Where a search for a failing schedule starts; used when there is no schedule. */
  readonly seed: number;
  readonly schedule: Schedule | undefined;
}

export interface CasesOptions<V> {
  readonly run: (values: V, strategy: Strategy) => Run;
  /** Looks for a schedule that fails. The same values and seed have to give the same. */
  readonly search: (values: V, seed: number) => Schedule | undefined;
}

/** How many seeds are tried for a smaller program that passes under the schedule it was given. */
const RETRIES = 8;

export function cases<V>(values: fc.Arbitrary<V>, options: CasesOptions<V>): fc.Arbitrary<Case<V>> {
  return new CaseArbitrary(values, options);
}

class CaseArbitrary<V> extends fc.Arbitrary<Case<V>> {
  readonly #values: fc.Arbitrary<V>;
  readonly #options: CasesOptions<V>;

  constructor(values: fc.Arbitrary<V>, options: CasesOptions<V>) {
    super();
    this.#values = values;
    this.#options = options;
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<Case<V>> {
    const drawn = this.#values.generate(random, bias);
    const seed = random.nextInt(0, 2 ** 31 - 1);
    return new fc.Value<Case<V>>({ values: drawn.value, seed, schedule: undefined }, drawn.context);
  }

  override canShrinkWithoutContext(value: unknown): value is Case<V> {
    const { values } = value as Case<V>;
    return this.#values.canShrinkWithoutContext(values);
  }

  override shrink(value: Case<V>, context: unknown): fc.Stream<fc.Value<Case<V>>> {
    return fc.stream(this.#simpler(value, context));
  }

  *#simpler(value: Case<V>, context: unknown): IterableIterator<fc.Value<Case<V>>> {
    const { values, seed } = value;
    const schedule = value.schedule ?? this.#options.search(values, seed);
    if (schedule === undefined) return;
    if (value.schedule === undefined) {
      yield new fc.Value<Case<V>>({ values, seed, schedule }, context);
      return;
    }
    for (const smaller of this.#values.shrink(values, context)) {
      const withSchedule = (other: Schedule): fc.Value<Case<V>> =>
        new fc.Value<Case<V>>({ values: smaller.value, seed, schedule: other }, smaller.context);
      yield withSchedule(schedule);
      for (let retry = 1; retry <= RETRIES; retry++) {
        yield withSchedule({ ...schedule, strategy: "pos", seed: (seed + retry) >>> 0 });
      }
    }
    const run = (strategy: Strategy): Run => this.#options.run(values, strategy);
    for (const simpler of simplerThan(schedule, run)) {
      yield new fc.Value<Case<V>>({ values, seed, schedule: simpler }, context);
    }
  }
}

/** What came out of a benchmark. */
import type { Benchmark, Contender } from "./benchmark.js";
import { median } from "./statistics.js";

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly median: Readonly<Partial<Record<Contender, number>>>;
  /** Coppice's median divided by the peer's. */
  readonly ratio: Readonly<Partial<Record<Contender, number>>>;
  readonly rounds: number;
}

/** What each contender measured, one value per round. */
export type Values = ReadonlyMap<Contender, readonly number[]>;

export function resultOf(benchmark: Benchmark, values: Values): Result {
  const { name, unit, better } = benchmark;
  const medians: Partial<Record<Contender, number>> = {};
  const ratio: Partial<Record<Contender, number>> = {};
  const own = values.get("coppice") ?? [];
  for (const [contender, measured] of values) {
    medians[contender] = median(measured);
    if (contender !== "coppice") ratio[contender] = median(own) / median(measured);
  }
  return { name, unit, better, median: medians, ratio, rounds: own.length };
}

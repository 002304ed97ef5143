/** What came out of a benchmark. */
import type { Benchmark, Contender, Target } from "./benchmark.js";
import { CONTENDERS } from "./benchmark.js";
import { median } from "./statistics.js";

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly median: Readonly<Partial<Record<Contender, number>>>;
  /** Coppice's median divided by the peer's. */
  readonly ratio: Readonly<Partial<Record<Contender, number>>>;
  readonly rounds: number;
  readonly target?: Target;
}

/** One of the figures that are aimed at, and whether it was reached. */
export interface Aim {
  /** Whose figure Coppice's is divided by; `undefined` for the figure itself. */
  readonly peer: Contender | undefined;
  readonly bound: number;
  readonly isMet: boolean;
}

/** What each contender measured, one value per round. */
export type Values = ReadonlyMap<Contender, readonly number[]>;

export function resultOf(benchmark: Benchmark, values: Values): Result {
  const { name, unit, better, target } = benchmark;
  const medians: Partial<Record<Contender, number>> = {};
  const ratio: Partial<Record<Contender, number>> = {};
  const own = values.get("coppice") ?? [];
  for (const [contender, measured] of values) {
    medians[contender] = median(measured);
    if (contender !== "coppice") ratio[contender] = median(own) / median(measured);
  }
  return {
    name,
    unit,
    better,
    median: medians,
    ratio,
    rounds: own.length,
    ...(target && { target }),
  };
}

/** What was aimed at, as far as it was measured. */
export function aimsOf({ better, median: medians, ratio, target = {} }: Result): Aim[] {
  const aims: Aim[] = [];
  const aim = (
    peer: Contender | undefined,
    bound: number | undefined,
    measured: number | undefined,
  ): void => {
    if (bound === undefined || measured === undefined) return;
    aims.push({ peer, bound, isMet: better === "higher" ? measured >= bound : measured <= bound });
  };
  aim(undefined, target.value, medians.coppice);
  for (const peer of CONTENDERS) aim(peer, target.ratio?.[peer], ratio[peer]);
  return aims;
}

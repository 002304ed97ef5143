/** A benchmark: what is measured, on whom, and with how much work. */

/** Who is measured. Coppice always is; the others are its peers. */
export type Contender =
  | "coppice"
  /** Coppice as well, over a WebSocket where the column `coppice` goes another way. */
  | "coppice-ws"
  | "beam"
  | "nact"
  | "xstate"
  | "effect"
  | "node"
  | "fast-check"
  | "moleculer"
  | "comedy"
  | "nats"
  | "cbor-x"
  | "cbor-x-fenced";

/** All that run in Node, each measurement in a process of its own. */
export type NodeContender = Exclude<Contender, "beam">;

/** In the order of the table's columns. */
export const CONTENDERS: readonly Contender[] = [
  "coppice",
  "coppice-ws",
  "beam",
  "nact",
  "xstate",
  "effect",
  "node",
  "fast-check",
  "moleculer",
  "comedy",
  "nats",
  "cbor-x",
  "cbor-x-fenced",
];

export interface Benchmark {
  /** Also of the file in `jobs/` with a function for each contender that runs in Node. */
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** How many messages, processes, … each contender gets; a slow one may get fewer of what is measured per second. */
  readonly counts: Readonly<Partial<Record<Contender, number>>>;
  /** What `erl` is started with beyond its defaults. */
  readonly beamFlags?: readonly string[];
  /** What is aimed at, in figures of one run. */
  readonly target?: Target;
  /** The job warms up by itself; others are run before, twice, with a tenth of the work. */
  readonly warmsUp?: boolean;
}

/** What Coppice is to reach, or not to exceed where lower is better. */
export interface Target {
  /** In the benchmark's unit. */
  readonly value?: number;
  /** Divided by the peer's figure. */
  readonly ratio?: Readonly<Partial<Record<Contender, number>>>;
}

/** Measures `count` of something, and counts for itself how many there were. */
export type Job = (count: number) => Promise<Measurement>;

/** What a job found out; a contender's process prints it as JSON. */
export interface Measurement {
  /** How many there really were. */
  readonly count: number;
  /** In the benchmark's unit. */
  readonly value: number;
}

export function contendersOf(benchmark: Benchmark): Contender[] {
  return CONTENDERS.filter((contender) => benchmark.counts[contender] !== undefined);
}

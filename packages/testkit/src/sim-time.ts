/**
 * Time in a simulation: it moves when a timer fires, and at no other time but under `"bounded"`.
 *
 * | mode | a timer may fire |
 * | --- | --- |
 * | `"quiet"` | when nothing else can happen, in the order of deadlines over all nodes |
 * | `"async"` | at any time, in the order of deadlines on its node: a message may take arbitrarily long |
 * | `{ … }` (bounded) | as long as nothing that is bound to happen before its deadline has not happened |
 */
import type { Happening } from "@coppice/core";

/** What is known of how long things take, in ms of true time. */
export interface Bounds {
  /** A signal takes at least so long; 0 by default. */
  readonly minLatencyMs?: number;
  /** A signal arrives at the latest after so long. */
  readonly maxLatencyMs: number;
  /** What could happen at once happens at the latest after so long; 0 by default. */
  readonly maxPauseMs?: number;
  /** Clocks of nodes run this much too fast or too slow at the most, e.g. 0.01; 0 by default. */
  readonly drift?: number;
}

export type ClockMode = "quiet" | "async" | Bounds;

/** The clock of one node, as a function of true time. */
export class NodeTime {
  /** What it shows at true time `sinceMs`. */
  #shownMs = 0;
  #sinceMs = 0;
  #rate = 1;

  /** What it shows at `trueMs`. */
  at(trueMs: number): number {
    return this.#shownMs + (trueMs - this.#sinceMs) * this.#rate;
  }

  /** When it will show `shownMs`, in true time. */
  trueMs(shownMs: number): number {
    return this.#sinceMs + (shownMs - this.#shownMs) / this.#rate;
  }

  jump(trueMs: number, byMs: number): void {
    this.#shownMs = this.at(trueMs) + byMs;
    this.#sinceMs = trueMs;
  }

  run(trueMs: number, rate: number): void {
    this.jump(trueMs, 0);
    this.#rate = rate;
  }
}

/** A timer, or something else that waits for a time, and when it is due, in true time. */
export interface DueTimer {
  readonly timer: Happening;
  readonly node: string;
  readonly dueMs: number;
}

/** Under `"async"`: those that are due first on their node. */
export function firstOfEachNode(timers: readonly DueTimer[]): DueTimer[] {
  const firstMs = new Map<string, number>();
  for (const { node, dueMs } of timers) {
    const known = firstMs.get(node);
    if (known === undefined || dueMs < known) firstMs.set(node, dueMs);
  }
  return timers.filter(({ node, dueMs }) => dueMs === firstMs.get(node));
}

/** Under `"quiet"`: those that are due first of all. */
export function firstOfAll(timers: readonly DueTimer[]): DueTimer[] {
  let firstMs = Infinity;
  for (const { dueMs } of timers) firstMs = Math.min(firstMs, dueMs);
  return timers.filter(({ dueMs }) => dueMs === firstMs);
}

/** From when until when something happens, in true time. */
export interface Window {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** @param sinceMs since when it could happen; of a timer, when it is due */
export function windowOf(sinceMs: number, kind: Happening["kind"], bounds: Bounds): Window {
  const { minLatencyMs = 0, maxLatencyMs, maxPauseMs = 0 } = bounds;
  const [leastMs, mostMs] = kind === "signal" ? [minLatencyMs, maxLatencyMs] : [0, 0];
  return { earliestMs: sinceMs + leastMs, latestMs: sinceMs + mostMs + maxPauseMs };
}

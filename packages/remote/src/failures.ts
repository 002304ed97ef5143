/** Attempts to connect that failed, by node: when the next may be. */
import {
  AUTH_BACKOFF,
  backoffMs,
  CONNECT_BACKOFF,
  OVERLOAD_BACKOFF,
  type Backoff,
} from "./backoff.js";
import { forgetOldest } from "./forget-oldest.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** So many nodes that could not be reached are remembered. */
const MAX_FAILURES = 4096;

/** By the code of the failure; after all others `CONNECT_BACKOFF`. */
const BACKOFFS: ReadonlyMap<number, Backoff> = new Map([
  [CLOSE_CODES.AUTH, AUTH_BACKOFF],
  [CLOSE_CODES.OVERLOAD, OVERLOAD_BACKOFF],
  [CLOSE_CODES.RATE, OVERLOAD_BACKOFF],
  [CLOSE_CODES.LIMIT, OVERLOAD_BACKOFF],
]);

/** How long to wait after so many failures in a row, of which the last was by `code`. */
export function waitMs(failures: number, code: number, random: number): number {
  return backoffMs(failures, random, BACKOFFS.get(code) ?? CONNECT_BACKOFF);
}

export class Failures {
  readonly #failures = new Map<string, { readonly count: number; readonly untilMs: number }>();

  /** May it be tried now? */
  mayTry(name: string, nowMs: number): boolean {
    const failure = this.#failures.get(name);
    return failure === undefined || nowMs >= failure.untilMs;
  }

  failed(name: string, code: number, nowMs: number, random: number): void {
    const count = (this.#failures.get(name)?.count ?? 0) + 1;
    this.#failures.delete(name);
    this.#failures.set(name, { count, untilMs: nowMs + waitMs(count, code, random) });
    // A peer may tell of as many nodes as it likes.
    forgetOldest(this.#failures, MAX_FAILURES);
  }

  /** It was reached. */
  reached(name: string): void {
    this.#failures.delete(name);
  }
}

/**
 * Back-off: how long to wait before the next attempt to connect. Pure.
 *
 * Full jitter: anything from nothing to the bound, so that many that lost the same peer do not come
 * back at once.
 */

export interface Backoff {
  /** The bound of the first wait. */
  readonly minMs: number;
  /** The bound never grows above this. */
  readonly maxMs: number;
}

/** After a lost or refused connection. */
export const CONNECT_BACKOFF: Backoff = Object.freeze({ minMs: 100, maxMs: 10_000 });

/** After a wrong proof: asking again soon helps nobody. */
export const AUTH_BACKOFF: Backoff = Object.freeze({ minMs: 1000, maxMs: 60_000 });

/** After more waited to be sent, or was said, than could be taken: it would soon be so again, and fill memory again. */
export const OVERLOAD_BACKOFF: Backoff = Object.freeze({ minMs: 1000, maxMs: 10_000 });

/**
 * How long to wait after so many failures in a row.
 *
 * @param failures from 1
 * @param random from 0 to below 1
 */
export function backoffMs(failures: number, random: number, backoff: Backoff): number {
  // 2^30 times any bound is above any maximum.
  const bound = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(failures - 1, 30));
  return random * bound;
}

/**
 * Restart intensity: how often a supervisor restarts children before it gives up.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html (restart intensity and period)
 */

/** At most `intensity` restarts in any `periodMs`; with one more, the supervisor exits with `shutdown`. */
export interface RestartLimit {
  readonly intensity: number;
  readonly periodMs: number;
}

/** Times of the restarts that still count, newest first, in ms of the node's clock. */
export type RestartHistory = readonly number[];

/** Adds a restart at `nowMs`, forgets those too old to count, and tells whether the limit is exceeded. */
export function recordRestart(
  history: RestartHistory,
  nowMs: number,
  limit: RestartLimit,
): { history: RestartHistory; exceeded: boolean } {
  // As in OTP, a restart exactly `periodMs` ago still counts.
  const counted = [nowMs, ...history.filter((at) => at >= nowMs - limit.periodMs)];
  return { history: counted, exceeded: counted.length > limit.intensity };
}

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

/**
 * Times of the restarts that still count, in ms of the node's clock. A queue of two lists, so that a
 * restart takes no longer when there have been many.
 */
export interface RestartHistory {
  readonly recent: Recorded | undefined;
  /** Those before `recent`. */
  readonly earlier: Recorded | undefined;
  readonly size: number;
}

interface Recorded {
  readonly atMs: number;
  /** In `recent` the one before it, in `earlier` the one after it. */
  readonly next: Recorded | undefined;
}

export const NO_RESTARTS: RestartHistory = { recent: undefined, earlier: undefined, size: 0 };

/** Adds a restart at `nowMs`, forgets those too old to count, and tells whether the limit is exceeded. */
export function recordRestart(
  history: RestartHistory,
  nowMs: number,
  limit: RestartLimit,
): { history: RestartHistory; exceeded: boolean } {
  const added = {
    ...history,
    recent: { atMs: nowMs, next: history.recent },
    size: history.size + 1,
  };
  // As in OTP, a restart exactly `periodMs` ago still counts.
  const counted = forgetBefore(added, nowMs - limit.periodMs);
  return { history: counted, exceeded: counted.size > limit.intensity };
}

function forgetBefore(history: RestartHistory, sinceMs: number): RestartHistory {
  let { recent, earlier, size } = history;
  for (;;) {
    if (earlier === undefined) {
      earlier = reversed(recent);
      recent = undefined;
    }
    if (earlier === undefined || earlier.atMs >= sinceMs) return { recent, earlier, size };
    earlier = earlier.next;
    size--;
  }
}

function reversed(list: Recorded | undefined): Recorded | undefined {
  let result: Recorded | undefined;
  for (let at = list; at !== undefined; at = at.next) result = { atMs: at.atMs, next: result };
  return result;
}

/** The restarts of a history, newest first. */
export function restartTimes({ recent, earlier }: RestartHistory): number[] {
  const times = (list: Recorded | undefined): number[] => {
    const result: number[] = [];
    for (let at = list; at !== undefined; at = at.next) result.push(at.atMs);
    return result;
  };
  return [...times(recent), ...times(earlier).reverse()];
}

/** The history of restarts at these times, in whatever order. */
export function restartHistory(times: readonly number[]): RestartHistory {
  let recent: Recorded | undefined;
  for (const atMs of [...times].sort((a, b) => a - b)) recent = { atMs, next: recent };
  return { recent, earlier: undefined, size: times.length };
}

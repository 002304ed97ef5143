/**
 * Backoff: how long a supervisor waits before it starts a child again that fails and fails.
 *
 * OTP restarts at once, always. A child without `backoff` is restarted so.
 */

/** Delays of a child's restarts. The first is `initialMs`, each next one `factor` times as long. */
export interface Backoff {
  /** 200 by default. */
  readonly initialMs?: number | undefined;
  /** No delay is longer; 30 000 by default. */
  readonly maxMs?: number | undefined;
  /** At least 1; 2 by default. */
  readonly factor?: number | undefined;
  /**
   * Which part of each delay is left to chance, from 0 to 1: with 0.5, a delay of 1000 is one of 500 to
   * 1000. So children that failed together do not all come back together. 0.5 by default.
   */
  readonly jitter?: number | undefined;
  /** A child that has run for so long begins with `initialMs` again; `maxMs` by default. */
  readonly resetAfterMs?: number | undefined;
}

/** A backoff that was checked, with nothing left out. */
export interface CheckedBackoff {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  readonly jitter: number;
  readonly resetAfterMs: number;
}

/** A delay that is left to chance within bounds. */
export interface Delay {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The delay before a restart, after so many failures in a row before this one. */
export function delayAfter(backoff: CheckedBackoff, failures: number): Delay {
  const { initialMs, maxMs, factor, jitter } = backoff;
  // 0 times a power beyond all numbers would be none.
  const grown = initialMs === 0 ? 0 : initialMs * factor ** failures;
  const longest = Math.min(maxMs, grown);
  return { minMs: longest * (1 - jitter), maxMs: longest };
}

/** How many failures in a row a child has had before this one, after it has run for `ranMs`. */
export function failuresBefore(
  { resetAfterMs }: CheckedBackoff,
  failures: number,
  ranMs: number,
): number {
  return ranMs >= resetAfterMs ? 0 : failures;
}

/** One delay within its bounds; `random` is in [0, 1). */
export function chooseDelay({ minMs, maxMs }: Delay, random: number): number {
  return maxMs - random * (maxMs - minMs);
}

const KEYS = ["initialMs", "maxMs", "factor", "jitter", "resetAfterMs"];

/**
 * Checks a backoff and fills in what it leaves out.
 *
 * @param refuse throws, and says which field was expected to be what
 */
export function checkBackoff(
  backoff: Backoff,
  refuse: (field: string, expected: string, received: unknown) => never,
): CheckedBackoff {
  if (typeof backoff !== "object" || backoff === null) {
    return refuse("", `an object made of ${KEYS.join(", ")}`, backoff);
  }
  for (const key of Object.keys(backoff)) {
    const expected = `a field that backoffs have (${KEYS.join(", ")})`;
    if (!KEYS.includes(key)) refuse(key, expected, backoff[key as keyof Backoff]);
  }
  const { initialMs = 200, factor = 2, jitter = 0.5 } = backoff;
  const { maxMs = Math.max(30_000, initialMs) } = backoff;
  const { resetAfterMs = maxMs } = backoff;
  const isMs = (value: unknown): boolean => isWithin(value, 0, Number.MAX_SAFE_INTEGER);
  const milliseconds = "a finite number of milliseconds of at least 0";
  if (!isMs(initialMs)) refuse("initialMs", milliseconds, initialMs);
  if (!isMs(maxMs)) refuse("maxMs", milliseconds, maxMs);
  if (maxMs < initialMs) refuse("maxMs", `at least initialMs, which is ${initialMs}`, maxMs);
  if (!isWithin(factor, 1, Number.MAX_SAFE_INTEGER))
    refuse("factor", "a number of at least 1", factor);
  if (!isWithin(jitter, 0, 1)) refuse("jitter", "a number from 0 to 1", jitter);
  if (!isWithin(resetAfterMs, 0, Infinity)) {
    refuse("resetAfterMs", "a number of milliseconds of at least 0, or Infinity", resetAfterMs);
  }
  return { initialMs, maxMs, factor, jitter, resetAfterMs };
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

/**
 * Strikes: what chaos does and when, from a seed and nothing else.
 *
 * The same seed gives the same moments, kinds and picks. Who is hit still depends on who is at work at
 * that moment, which is up to disk and processor.
 */

/** How a worker crashed. `unprovoked`: chaos had nothing to do with it. */
export type CrashKind = "thrown" | "killed" | "hung" | "unprovoked";

/** How chaos crashes a worker: it throws, it is killed, it awaits something that never comes. */
export type StrikeKind = Exclude<CrashKind, "unprovoked">;

export const STRIKE_KINDS: readonly StrikeKind[] = ["thrown", "killed", "hung"];

export interface Strike {
  /** How long after the strike before. */
  readonly pauseMs: number;
  readonly kind: StrikeKind;
  /** Chooses the victim: a number in [0, 1) for the place among those at work. */
  readonly pick: number;
}

/** All strikes there will ever be, `perSecond` on average. They bunch, as accidents do. */
export function* strikes(seed: number, perSecond: number): Generator<Strike, never> {
  const random = mulberry32(seed);
  for (;;) {
    // The pauses between independent events are exponentially distributed.
    const pauseMs = (-Math.log(1 - random()) * 1_000) / perSecond;
    yield { pauseMs, kind: choose(STRIKE_KINDS, random()), pick: random() };
  }
}

/** The item at `pick` of the way through the list. */
export function choose<T>(items: readonly T[], pick: number): T {
  const item = items[Math.floor(pick * items.length)];
  if (item === undefined) throw new RangeError(`nothing to choose at ${pick} of ${items.length}`);
  return item;
}

/** A generator of numbers in [0, 1) with 32 bits of state, by Tommy Ettinger. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

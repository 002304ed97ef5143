/**
 * Strikes: what chaos does and when, from a seed and nothing else.
 *
 * The same seed gives the same moments, kinds and picks. Who is hit still depends on who is at work at
 * that moment, which is up to disk and processor.
 */

/** How a worker crashed. `withNode`: chaos struck its node; `unprovoked`: chaos had nothing to do with it. */
export type CrashKind = "thrown" | "killed" | "hung" | "withNode" | "unprovoked";

/** How chaos crashes a worker: it throws, it is killed, it awaits something that never comes. */
export type StrikeKind = Exclude<CrashKind, "withNode" | "unprovoked">;

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

/** How chaos strikes a whole node, which is a process of the system: `kill -9`, or it stands still for a while. */
export type NodeStrikeKind = "killed" | "paused";

export interface NodeStrike {
  readonly pauseMs: number;
  readonly kind: NodeStrikeKind;
  readonly pick: number;
  /** How long it stands still. */
  readonly lastingMs: number;
}

/** From a moment that nobody notices to one that is taken for death, and is. */
const MIN_LASTING_MS = 50;
const MAX_LASTING_MS = 2_000;

/** As `strikes`, those of nodes. Where no process can be stopped and continued, all are killed. */
export function* nodeStrikes(
  seed: number,
  perSecond: number,
  kinds: readonly NodeStrikeKind[] = ["killed", "paused"],
): Generator<NodeStrike, never> {
  // Other numbers than those of the strikes at workers.
  const random = mulberry32(seed ^ 7);
  for (;;) {
    const pauseMs = (-Math.log(1 - random()) * 1_000) / perSecond;
    const kind = choose(kinds, random());
    const pick = random();
    const lastingMs = MIN_LASTING_MS + random() * (MAX_LASTING_MS - MIN_LASTING_MS);
    yield { pauseMs, kind, pick, lastingMs };
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

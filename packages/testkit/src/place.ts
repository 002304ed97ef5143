/** Places in the runs that source-DPOR makes: what was possible there, what was tried, what is to be tried. */
import type { Footprint } from "./dependence.js";

/** A transition whose order with what happens now was tried already, and what it did. */
export interface Sleeper {
  readonly id: number;
  readonly footprint: Footprint;
}

/** Nothing more happens here, although a fault could. */
export const STOP = -1;
/** A place in the run that is explored: what was possible, what was tried, what is still to be tried. */
export interface Place {
  readonly enabled: readonly number[];
  readonly sleep: readonly Sleeper[];
  readonly explored: Sleeper[];
  readonly backtrack: number[];
  chosen: number;
  /** Of the step that `chosen` made; unknown until it is over. */
  footprint: Footprint | undefined;
  creator: number;
  /**
   * Races of the step whose other order is left to one that sleeps: with earlier ones, and with what it
   * took away.
   */
  left: Left[] | undefined;
}

/** The other order of a race with the step at `first` begins with one that sleeps there. */
export interface Left {
  readonly first: number;
  readonly sleeper: Sleeper;
}

export function isIn(sleepers: readonly Sleeper[], id: number): boolean {
  for (const sleeper of sleepers) if (sleeper.id === id) return true;
  return false;
}

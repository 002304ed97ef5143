/** Time, as a port: a node knows no other. */

/** Where a node gets its time from; replace it to run in virtual time. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Calls `wake` once, not before `delayMs` have passed. Returns a handle for `clear`. */
  set(wake: () => void, delayMs: number): unknown;
  /** Takes back what `set` arranged. */
  clear(handle: unknown): void;
  /** Lets the host end although this is pending (as Node's `unref`), or makes it wait again. */
  hold?(handle: unknown, held: boolean): void;
  /**
   * Milliseconds for which the program has computed so far, all its threads together. Without it a program
   * that was stopped looks like one whose code held the event loop.
   */
  cpuMs?(): number;
}

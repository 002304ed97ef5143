/** Randomness, as a port: a node never asks the host for it elsewhere. */

import type { AnyPid } from "./pid.js";

/** Where a node gets its randomness from; replace it to make runs repeatable. */
export interface Random {
  /** A number in [0, 1), uniformly distributed. `by` is the process that asked, if one did. */
  next(by?: AnyPid): number;
}

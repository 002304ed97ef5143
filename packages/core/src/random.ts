/** Randomness, as a port: a node never asks the host for it elsewhere. */

/** Where a node gets its randomness from; replace it to make runs repeatable. */
export interface Random {
  /** A number in [0, 1), uniformly distributed. */
  next(): number;
}

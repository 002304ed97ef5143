/** Exit codes: how a run ended, for whoever started it. */

export const EXIT = {
  /** Every file is in the result. */
  ok: 0,
  /** The run could not begin, or the fleet was given up, or the verdict is bad. */
  failed: 1,
  /** Some files could not be read; all others are in the result. */
  unreadable: 2,
  /** The command line is wrong. */
  usage: 64,
  /** Plus the number of the signal: 130 for Ctrl-C. */
  signal: 128,
} as const;

/** What a schedule names and a run never came to: then it is another program's, and that the run passes says nothing. */
import { CoppiceError } from "@coppice/core";
import type { Run } from "./run.js";
import { AT_START, otherKeyOf, type Schedule } from "./schedule.js";

/**
 * A replay passes, but its token names what neither happened in it nor could have: it was not the run that failed. It
 * is another test's token, or the program has changed since.
 */
export class OutdatedTokenError extends CoppiceError {
  override readonly name = "OutdatedTokenError";
  readonly code = "OUTDATED_TOKEN";
  readonly token: string;
  /** What it names and the run never came to. */
  readonly keys: readonly string[];
  constructor(token: string, keys: readonly string[]) {
    super(
      `the token names ${keys.join(", ")}, which did not happen; is it a token of this test, and has the program ` +
        "changed? The run passes, but it is not the one that failed: if what mended it is why, run the test " +
        "without COPPICE_REPLAY",
    );
    this.token = token;
    this.keys = keys;
  }
}

/** The keys in a schedule's constraints of what neither happened in a run of it nor ever could have, each once. */
export function missedKeys({ constraints }: Schedule, { steps, unfired = [] }: Run): string[] {
  const missed = new Set(constraints.flatMap((each) => [each.key, otherKeyOf(each)]));
  missed.delete(AT_START);
  for (const { transition, enabled } of steps) {
    if (missed.size === 0) break;
    missed.delete(transition.key);
    for (const { key } of enabled) missed.delete(key);
  }
  // A timer that was cancelled in time, say by the mending, was there all the same.
  for (const { transition } of unfired) missed.delete(transition.key);
  return [...missed];
}

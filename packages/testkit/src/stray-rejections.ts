/**
 * Promises of a program that are rejected, and nobody waits for them. Node tells of those when the macrotask is over in
 * which they were rejected: too late for a run that is one macrotask to stop, in time to hold it against what ran there.
 */
import { CoppiceError, errorText } from "@coppice/core";
import { has } from "./arguments.js";
import { onNextTurn } from "./host-time.js";

/** Nothing else is wrong, but a promise was rejected in a run, and nobody waited for it; `cause` is what it was rejected by. */
export class StrayRejectionError extends CoppiceError {
  override readonly name = "StrayRejectionError";
  readonly code = "STRAY_REJECTION";
  override readonly cause: unknown;
  constructor(reason: unknown) {
    super(sayOf(reason));
    this.cause = reason;
    // Where it was thrown says more than where it was found.
    const frames = reason instanceof Error ? /^ +at .*/ms.exec(reason.stack ?? "") : null;
    if (frames !== null) this.stack = `${this.name}: ${this.message}\n${frames[0]}`;
  }
}

/** The same for a report. */
export function sayOf(reason: unknown): string {
  return (
    `a promise was rejected in code of the simulation, and nobody waited for it: ` +
    `${errorText(reason, { named: true })}; ` +
    "wait for it where it is made, so that the process there fails by it"
  );
}

const EVENT = "unhandledRejection";

/**
 * Calls `run` in a macrotask of its own, and right after it `end`, with what it returned and the reasons of promises that
 * were rejected there and that nobody waited for. Whoever else listens for those is not told, as they are in good hands.
 */
export function inWatchedMacrotask<T, R>(
  run: () => T,
  end: (value: T, strays: readonly unknown[]) => R,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const strays: unknown[] = [];
    const note = (reason: unknown): void => void strays.push(reason);
    let others: readonly NodeJS.UnhandledRejectionListener[] = [];
    let finish = (): void => undefined;
    onNextTurn(() => {
      others = process.rawListeners(EVENT) as NodeJS.UnhandledRejectionListener[];
      process.removeAllListeners(EVENT);
      process.on(EVENT, note);
      try {
        const value = run();
        // That one is waited for, by whoever waits for all this.
        if (has(value, "then")) void Promise.resolve(value).then(undefined, () => undefined);
        finish = () => resolve(end(value, strays));
      } catch (error) {
        finish = () => reject(error as Error);
      }
    });
    // Asked for at the same time: in between there is nothing but what Node does after every macrotask.
    onNextTurn(() => {
      process.off(EVENT, note);
      for (const other of others) process.on(EVENT, other);
      try {
        finish();
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

/** For `end`: what was run is not as it should be if there are any. */
export function refuseStrays(strays: readonly unknown[]): void {
  if (strays.length > 0) throw new StrayRejectionError(strays[0]);
}

/**
 * Draining V8's microtasks in the middle of a macrotask, so that a whole run is one synchronous call.
 *
 * `%PerformMicrotaskCheckpoint()` is V8's own, not the language's: whether it is there, and does what it
 * says, is found out before it is relied on. Within a microtask it does nothing.
 */
import { CoppiceError } from "@coppice/core";
import { setFlagsFromString } from "node:v8";
import { inWatchedMacrotask, refuseStrays } from "./stray-rejections.js";

/** Runs all microtasks that wait, and those that they make. */
export type Drain = () => void;

/** A run was to be made at once where this is not possible. */
export class NotInMacrotaskError extends CoppiceError {
  readonly code = "NOT_IN_MACROTASK";

  constructor(why: string, instead: string) {
    super(`a run is made in one go from a macrotask, and ${why}; use ${instead}`);
  }
}

let found: Drain | "none" | undefined;

/** The way to drain microtasks here; `undefined` where the engine gives none. */
export function findDrain(): Drain | undefined {
  if (found === undefined) found = probe() ?? "none";
  return found === "none" ? undefined : found;
}

function probe(): Drain | undefined {
  try {
    setFlagsFromString("--allow-natives-syntax");
    // oxlint-disable-next-line typescript/no-implied-eval -- the only way to this function of the engine
    return new Function("%PerformMicrotaskCheckpoint()") as Drain;
  } catch {
    return undefined;
  }
}

const settled = Promise.resolve();

/** Does it work where we are? It does not within a microtask. */
export function drains(drain: Drain): boolean {
  let ran = false;
  void settled.then(() => (ran = true));
  drain();
  return ran;
}

/** The drain for a run that starts now. @throws NotInMacrotaskError within a microtask, or where there is none */
export function drainHere(): Drain {
  const drain = findDrain();
  if (drain === undefined) {
    throw new NotInMacrotaskError(
      "this engine does not let its microtasks be run, as with --disallow-code-generation-from-strings",
      "runProgramAsync, which takes a turn of the event loop for each step",
    );
  }
  if (!drains(drain)) {
    throw new NotInMacrotaskError(
      "this is a microtask, as all code after an await",
      "`await inMacrotask(() => …)`, or the function of the same name that ends in Async",
    );
  }
  return drain;
}

/**
 * Calls `run` in a macrotask of its own.
 *
 * @throws StrayRejectionError a promise was rejected there, and nobody waits for it
 */
export function inMacrotask<T>(run: () => T): Promise<Awaited<T>> {
  return inWatchedMacrotask(run, (value, strays) => {
    refuseStrays(strays);
    return value;
  }) as Promise<Awaited<T>>;
}

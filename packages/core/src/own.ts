/** Resources that a process gives to the runtime, to be disposed when it ends. */
import { InvalidArgumentError } from "./errors.js";
import type { Process } from "./process.js";
import { isThenable } from "./thenable.js";

// The types of `Symbol.dispose` are there only where the user's `lib` has them.
type DisposeKey = typeof Symbol extends { readonly dispose: infer S extends symbol } ? S : never;
type AsyncDisposeKey = typeof Symbol extends { readonly asyncDispose: infer S extends symbol }
  ? S
  : never;

/** Something with `Symbol.dispose` or `Symbol.asyncDispose`. */
export type Owned =
  { [K in DisposeKey]: () => void } | { [K in AsyncDisposeKey]: () => PromiseLike<void> };

interface WellKnown {
  readonly dispose?: symbol;
  readonly asyncDispose?: symbol;
}

export const DISPOSE: symbol = (Symbol as WellKnown).dispose ?? Symbol.for("Symbol.dispose");
export const ASYNC_DISPOSE: symbol =
  (Symbol as WellKnown).asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** How one resource is disposed. */
export type Disposer = () => unknown;

/** A resource that belongs to a process. */
export interface OwnedResource {
  readonly resource: unknown;
  readonly dispose: Disposer;
}

export function disposerOf(resource: unknown, dispose: unknown): Disposer {
  if (dispose !== undefined) {
    if (typeof dispose !== "function") {
      throw new InvalidArgumentError("own: dispose", "a function", dispose);
    }
    return () => dispose(resource) as unknown;
  }
  const methods = Object(resource) as Record<symbol, unknown>;
  const method = methods[ASYNC_DISPOSE] ?? methods[DISPOSE];
  if (typeof method !== "function") {
    throw new InvalidArgumentError(
      "own: resource",
      "something with Symbol.dispose or Symbol.asyncDispose, or come with a dispose function",
      resource,
    );
  }
  return () => method.call(resource) as unknown;
}

/**
 * Disposes what the process owns, last first. An error of one is reported and the next goes on.
 * Returns `undefined` when nothing is left to wait for.
 */
export function disposeOwned(process: Process): PromiseLike<void> | undefined {
  const owned = process.extra?.owned;
  if (owned === undefined) return undefined;
  for (let last = owned.pop(); last !== undefined; last = owned.pop()) {
    const result = attempt(process, last.dispose);
    if (result !== undefined) return result.then(() => disposeOwned(process));
  }
  return undefined;
}

/** Disposes what a dead process would own: nobody else will. */
export function disposeAtOnce(process: Process, dispose: Disposer): void {
  void attempt(process, dispose);
}

function attempt(process: Process, dispose: Disposer): PromiseLike<void> | undefined {
  const failed = (error: unknown): void => process.node.report(process, "disposerFailed", error);
  try {
    const result: unknown = dispose();
    return isThenable(result) ? result.then(() => undefined, failed) : undefined;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

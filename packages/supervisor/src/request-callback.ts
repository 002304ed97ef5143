/** Callbacks for requests that are tuples: `["push", item]` goes to the callback `push`. */
import { InvalidArgumentError } from "@coppice/core";

/** A callback, as a process calls it: with its state, the arguments, and `self`. */
export type Callback = (state: unknown, ...args: unknown[]) => unknown;

/** The callback of a request, and how many arguments that may have. */
export interface RequestCallback {
  readonly run: Callback;
  readonly least: number;
  readonly most: number;
}

/** No plain lookup: `constructor` is no request. */
export type CallbacksByName = ReadonlyMap<unknown, RequestCallback>;

export function callbacksByName(table: Readonly<Record<string, Callback>> = {}): CallbacksByName {
  return new Map(
    Object.entries(table).map(([name, run]) => [name, { run, ...argumentsOf(run, 1) }]),
  );
}

/** What a function that declares no parameters, such as one that wraps another, may be given at the most. */
const MAX_ARGUMENTS = 255;

/**
 * How many arguments a callback takes besides its first `given` parameters. It may or may not declare
 * `self` as the last, so there is a choice; one more or less would have `self` in the wrong place.
 */
export function argumentsOf(
  { length }: { readonly length: number },
  given: number,
): { readonly least: number; readonly most: number } {
  if (length === 0) return { least: 0, most: MAX_ARGUMENTS };
  return { least: Math.max(0, length - given - 1), most: length - given };
}

/** @throws InvalidArgumentError `init` takes another number of arguments */
export function checkStartArguments(
  init: { readonly length: number },
  { length }: readonly unknown[],
): void {
  const { least, most } = argumentsOf(init, 0);
  if (length >= least && length <= most) return;
  const expected = length < least ? `at least ${least}` : `at most ${most}`;
  throw new InvalidArgumentError("start: number of arguments", expected, length);
}

/** What a request has to be, in words. */
export function describeRequests(callbacks: CallbacksByName): string {
  const known = [...callbacks].map(([name, { least, most }]) => {
    const count =
      least === most ? `${least}` : most === MAX_ARGUMENTS ? "any" : `${least} or ${most}`;
    return `${JSON.stringify(name)} (${count})`;
  });
  return known.length === 0
    ? "none, as it answers no calls"
    : `a tuple of a name, and arguments as many as its callback takes: ${known.join(", ")}`;
}

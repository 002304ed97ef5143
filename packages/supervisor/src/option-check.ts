/** Checks of options at the edge: each says what was expected and what came. */
import { InvalidArgumentError } from "@coppice/core";

/** Milliseconds to wait at most. @throws InvalidArgumentError it is negative or no number */
export function checkTimeout(argument: string, timeoutMs: unknown): void {
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw new InvalidArgumentError(argument, "a number of at least 0", timeoutMs);
  }
}

/** A length of time. @throws InvalidArgumentError it is not finite, or not greater than 0 */
export function checkDuration(argument: string, ms: unknown): void {
  if (typeof ms !== "number" || !(ms > 0 && ms < Infinity)) {
    throw new InvalidArgumentError(argument, "a finite number greater than 0", ms);
  }
}

/** How many; `Infinity` for as many as there are. @throws InvalidArgumentError it is less than `least` */
export function checkCount(argument: string, count: unknown, least: number): void {
  if (count !== Infinity && !(Number.isInteger(count) && (count as number) >= least)) {
    throw new InvalidArgumentError(argument, `a whole number of at least ${least}`, count);
  }
}

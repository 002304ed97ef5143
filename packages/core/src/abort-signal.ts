/** What all hosts' AbortSignals have in common. */
import { checkKeys } from "./check.js";
import { InvalidArgumentError } from "./errors.js";

/** What an AbortSignal of any host offers. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** @throws InvalidArgumentError it is no AbortSignal */
export function checkSignal(argument: string, value: unknown): AbortSignalLike | undefined {
  if (value === undefined) return undefined;
  const { addEventListener, removeEventListener } = Object(value) as Partial<AbortSignalLike>;
  if (typeof addEventListener !== "function" || typeof removeEventListener !== "function") {
    throw new InvalidArgumentError(argument, "an AbortSignal", value);
  }
  return value as AbortSignalLike;
}

/** @throws InvalidArgumentError there are other options than a signal, or it is none */
export function checkSignalOption(
  operation: string,
  options: { readonly signal?: AbortSignalLike },
): AbortSignalLike | undefined {
  checkKeys(`${operation}: options`, options, ["signal"]);
  return checkSignal(`${operation}: options.signal`, options.signal);
}

/**
 * Failures that the library tells by an error of its own, and OTP by a term: which is which. Facts
 * come from the error's fields.
 */
import { CoppiceError } from "@coppice/core";
import { InvalidCallbackResultError, InvalidStartResultError } from "@coppice/supervisor";
import type { Value } from "./term.js";

/** The term; `undefined` for an error that no program can bring about. */
export function termOfFailure(error: Error): Value | undefined {
  if (!(error instanceof CoppiceError)) return undefined;
  if (error instanceof InvalidCallbackResultError) {
    return ["bad_return_value", error.received as Value];
  }
  // A start function that returns what it must not: OTP takes that for the error.
  if (error instanceof InvalidStartResultError) return error.received as Value;
  return undefined;
}

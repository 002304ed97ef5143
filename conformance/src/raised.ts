/**
 * Exceptions of a program: what its ops raise, in the terms of Erlang.
 *
 * OTP: https://www.erlang.org/doc/system/errors.html
 */
import { CoppiceError } from "@coppice/core";
import type { Value } from "./term.js";

export type ExceptionClass = "error" | "exit" | "throw";

export class Raised extends Error {
  override readonly name = "Raised";
  readonly class: ExceptionClass;
  readonly reason: Value;

  constructor(exceptionClass: ExceptionClass, reason: Value) {
    // The cause travels to other nodes; what else there is of an error does not.
    super(`${exceptionClass} ${JSON.stringify(reason)}`, { cause: reason });
    this.class = exceptionClass;
    this.reason = reason;
  }
}

/** What Erlang raises where Coppice throws an error with this code. */
const REASONS: { readonly [code: string]: string } = {
  INVALID_ARGUMENT: "badarg",
  INVALID_NAME: "badarg",
  NAME_TAKEN: "badarg",
  ALREADY_NAMED: "badarg",
  NAME_NOT_REGISTERED: "badarg",
  NO_PROCESS: "noproc",
};

/** The exception that an op raised; `undefined` when what was thrown is none. */
export function asRaised(thrown: unknown): Raised | undefined {
  if (thrown instanceof Raised) return thrown;
  const reason = thrown instanceof CoppiceError ? REASONS[thrown.code] : undefined;
  return reason === undefined ? undefined : new Raised("error", reason);
}

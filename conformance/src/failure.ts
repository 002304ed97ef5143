/**
 * Failures that the library tells by an error of its own, and OTP by a term: which is which. Facts
 * come from the error's fields.
 */
import { CoppiceError } from "@coppice/core";
import {
  InvalidCallbackResultError,
  InvalidChildSpecError,
  InvalidStartResultError,
  InvalidStateResultError,
} from "@coppice/supervisor";
import { termOfRefusal } from "./machine-return.js";
import { termOfResult } from "./server-return.js";
import { CALLBACK_MODULE, type Value } from "./term.js";

/** The term; `undefined` for an error that no program can bring about. */
export function termOfFailure(error: Error): Value | undefined {
  if (!(error instanceof CoppiceError)) return undefined;
  if (error instanceof InvalidCallbackResultError) {
    return ["bad_return_value", termOfResult(error.received)];
  }
  if (error instanceof InvalidStateResultError) {
    const refusal = termOfRefusal(error);
    return error.kind === "bad_return_from_init" ? refusal : { crash: refusal };
  }
  // A start function that returns what it must not: OTP takes that for the error.
  if (error instanceof InvalidStartResultError) return error.received as Value;
  if (error instanceof InvalidChildSpecError) return termOfInvalidSpec(error);
  return undefined;
}

/** Is it an error that a program brings about? */
export function isFailure(error: unknown): boolean {
  return error instanceof Error && termOfFailure(error) !== undefined;
}

/** Where Coppice names the field, OTP has a word for each. */
function termOfInvalidSpec(error: InvalidChildSpecError): Value {
  const { path } = error;
  const received = error.received as Value;
  switch (path) {
    case "supervisor":
      return ["bad_return", [CALLBACK_MODULE, "init", received]];
    case "strategy":
    case "intensity":
      return ["supervisor_data", [`invalid_${path}`, received]];
    case "periodMs":
      return ["supervisor_data", ["invalid_period", (received as number) / 1_000]];
    case "autoShutdown":
      return ["supervisor_data", ["invalid_auto_shutdown", received]];
    default:
      return ["start_spec", termOfInvalidChild(error)];
  }
}

/** What OTP says of a specification that is none. */
export function termOfInvalidChild({ path, expected, received: it }: InvalidChildSpecError): Value {
  const received = it as Value;
  const field = /\.([a-z]+)(?:\[0\])?$/.exec(path)?.[1];
  switch (field) {
    case undefined:
      return ["invalid_child_spec", received];
    case "id":
      return it === undefined ? "missing_id" : ["duplicate_child_name", received];
    case "start":
      return it === undefined ? "missing_start" : ["invalid_mfa", received];
    case "restart":
      return ["invalid_restart_type", received];
    case "type":
      return ["invalid_child_type", received];
    case "significant": {
      if (typeof it !== "boolean") return ["invalid_significant", received];
      const why: Value = expected.includes("permanent")
        ? ["restart", "permanent"]
        : ["auto_shutdown", "never"];
      return ["bad_combination", { list: [why, ["significant", true]] }];
    }
    default:
      return [`invalid_${field}`, received];
  }
}

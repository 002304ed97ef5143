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
import { CALLBACK_MODULE, isArray, type Value } from "./term.js";

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

/** What a supervisor ends with whose init returned that. OTP says where the fault is. */
function termOfInvalidSpec(error: InvalidChildSpecError): Value {
  const { path, rule } = error;
  const received = error.received as Value;
  switch (path) {
    case "supervisor":
      return ["bad_return", [CALLBACK_MODULE, "init", received]];
    case "strategy":
    case "intensity":
    case "autoShutdown":
      return ["supervisor_data", [rule, received]];
    case "periodMs":
      return ["supervisor_data", [rule, (received as number) / 1_000]];
    case "child":
      // Of a dynamic supervisor there is one, no more and no less.
      if (isArray(received)) return ["bad_start_spec", { list: received.map(childOf) }];
  }
  return ["start_spec", termOfInvalidChild(error)];
}

function childOf(spec: unknown): Value {
  return { child: (spec as { readonly id: string }).id };
}

/** What OTP says of a specification that is none. */
export function termOfInvalidChild({ rule, received: it, expected }: InvalidChildSpecError): Value {
  const received = it as Value;
  switch (rule) {
    case "missing_id":
    case "missing_start":
      return rule;
    case "bad_combination": {
      const why: Value = expected.includes("permanent")
        ? ["restart", "permanent"]
        : ["auto_shutdown", "never"];
      return [rule, { list: [why, ["significant", true]] }];
    }
    default:
      return [rule, received];
  }
}

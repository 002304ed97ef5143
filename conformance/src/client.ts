/**
 * Clients of behaviours: what their functions raise when there is no reply.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#call-3
 */
import {
  CallCycleError,
  CallTimeoutError,
  NoProcessError,
  ServerExitError,
  type ExitReason,
} from "@coppice/core";
import { Raised } from "./raised.js";
import { isArray, type Value } from "./term.js";
import { termOfReason } from "./translation.js";

/** Why a call failed, in Erlang's words; `undefined` when it was not the call that failed. */
export function failureOfCall(error: unknown): Value | undefined {
  if (error instanceof NoProcessError) return "noproc";
  if (error instanceof CallTimeoutError) return "timeout";
  if (error instanceof ServerExitError) return termOfReason(error.reason as ExitReason);
  // Erlang knows but the shortest round.
  if (error instanceof CallCycleError && error.path.length === 2) return "calling_self";
  return undefined;
}

/**
 * Carries out what a client function does; a call that fails is an exit, as of `{Module, Function, Args}`.
 *
 * @param to who is asked, as the program has it
 */
export async function asClient<T>(
  module: string,
  function_: string,
  request: () => Promise<T>,
  to?: Value,
): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const failure = failureOfCall(error);
    if (failure === undefined) throw error;
    const reason = failure === "noconnection" ? nodeDown(to) : failure;
    throw new Raised("exit", [reason, { mfa: [module, function_] }]);
  }
}

/** Where Coppice names the fact, OTP names the node. */
function nodeDown(to: Value | undefined): Value {
  return isArray(to) ? ["nodedown", to[1] as Value] : "noconnection";
}

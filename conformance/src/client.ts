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
import type { Value } from "./term.js";
import { termOfReason } from "./translation.js";

/** Why a call failed, in Erlang's words; `undefined` when it was not the call that failed. */
export function failureOfCall(error: unknown): Value | undefined {
  if (error instanceof NoProcessError) return "noproc";
  if (error instanceof CallTimeoutError) return "timeout";
  if (error instanceof ServerExitError) return termOfReason(error.reason as ExitReason);
  // Erlang knows the round of one.
  if (error instanceof CallCycleError && error.path.length === 1) return "calling_self";
  return undefined;
}

/** Carries out what a client function does; a call that fails is an exit, as of `{Module, Function, Args}`. */
export async function asClient<T>(
  module: string,
  function_: string,
  request: () => Promise<T>,
): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const failure = failureOfCall(error);
    if (failure === undefined) throw error;
    throw new Raised("exit", [failure, { mfa: [module, function_] }]);
  }
}

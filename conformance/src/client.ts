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
  TIMEOUT,
  type Down,
  type ExitReason,
  type Self,
  type Target,
} from "@coppice/core";
import { Raised } from "./raised.js";
import { isArray, type Value } from "./term.js";
import { termOfReason } from "./translation.js";

/** Why a call failed, in Erlang's words; `undefined` when it was not the call that failed. */
export function failureOfCall(error: unknown): Value | undefined {
  if (error instanceof NoProcessError) return "noproc";
  if (error instanceof CallTimeoutError) return "timeout";
  if (error instanceof ServerExitError) return termOfReason(error.reason as ExitReason);
  if (error instanceof CallCycleError && isOwn(error)) return "calling_self";
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

/**
 * A call that would wait for itself is refused at once by Coppice. Erlang knows but the shortest round,
 * and otherwise waits until the time is over, or one of the round has ended.
 *
 * @param error what the call failed with; thrown on unless it is that
 */
export async function sitOut(
  self: Self<unknown>,
  server: Target<never>,
  timeoutMs: number,
  error: unknown,
): Promise<never> {
  if (!(error instanceof CallCycleError) || isOwn(error)) throw error;
  const ref = self.monitor(server);
  const isDown = (message: unknown): boolean => (message as Partial<Down> | null)?.ref === ref;
  const down = await self.receive(isDown, { timeoutMs });
  self.demonitor(ref, { flush: true });
  if (down === TIMEOUT) throw new CallTimeoutError(String(server), "a call", timeoutMs);
  throw new ServerExitError(String(server), "a call", (down as Down).reason);
}

function isOwn({ path }: CallCycleError): boolean {
  return new Set(path).size === 1;
}

/** Where Coppice names the fact, OTP names the node. */
export function nodeDown(to: Value | undefined): Value {
  return isArray(to) ? ["nodedown", to[1] as Value] : "noconnection";
}

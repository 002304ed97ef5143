/** Calls without a time limit, so that no timer takes part that the protocol does not have. */
import {
  CallTimeoutError,
  TIMEOUT,
  type Pid,
  type ReplyOf,
  type RequestOf,
  type Self,
} from "@coppice/core";

type Caller = Pick<Self<never>, "call">;

export function ask<M, const Q extends RequestOf<M>>(
  self: Caller,
  to: Pid<M>,
  request: Q,
): Promise<ReplyOf<M, Q>> {
  return self.call(to, request, { timeoutMs: Infinity });
}

/** `TIMEOUT` when no reply came in time. */
export async function askWithin<M, const Q extends RequestOf<M>>(
  self: Caller,
  timeoutMs: number,
  to: Pid<M>,
  request: Q,
): Promise<ReplyOf<M, Q> | typeof TIMEOUT> {
  try {
    return await self.call(to, request, { timeoutMs });
  } catch (error) {
    if (error instanceof CallTimeoutError) return TIMEOUT;
    throw error;
  }
}

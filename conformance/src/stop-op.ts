/**
 * Stopping a behaviour of any kind.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#stop-3
 */
import { ServerExitError } from "@coppice/core";
import { stop } from "@coppice/supervisor";
import { failureOfCall } from "./client.js";
import type { OpCall, OpDefinition } from "./op.js";
import { Raised } from "./raised.js";
import type { Value } from "./term.js";
import { reasonOfTerm, targetOf } from "./translation.js";

/** What `stop` calls its request, in an error that tells how the process ended that it stopped. */
const STOP = "stop";

export const stopOp: OpDefinition = { needs: ["to"], run: stopIt };

async function stopIt(call: OpCall): Promise<Value> {
  const target = targetOf(call.term("to"));
  const reason = call.has("reason") ? reasonOfTerm(call.term("reason")) : "normal";
  const timeoutMs = timeoutIn(call, Infinity);
  try {
    await stop(call.self, target, { reason, timeoutMs });
    return "ok";
  } catch (error) {
    const failure = failureOfCall(error);
    if (failure === undefined) throw error;
    // It ended before it was told to; so says OTP, too.
    const isTold = !(error instanceof ServerExitError) || error.request === STOP;
    throw new Raised("exit", isTold ? failure : [failure, { mfa: ["sys", "terminate"] }]);
  }
}

/** How long an op may take, in milliseconds. */
export function timeoutIn(call: OpCall, byDefault: number): number {
  if (!call.has("timeout")) return byDefault;
  const timeout = call.term("timeout");
  return timeout === "infinity" ? Infinity : (timeout as number);
}

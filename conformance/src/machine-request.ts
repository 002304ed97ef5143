/** What a scripted state machine understands. */
import type { Alias, Call, Cast, Pid } from "@coppice/core";
import type { OpCall } from "./op.js";
import type { Value } from "./term.js";
import { targetOf } from "./translation.js";

/** What its only call, its only cast and its only internal event are called. */
export const HANDLE = "handle";

/**
 * Where a reply to a call goes that was replied to already. Coppice drops it; in Erlang it is a message
 * to the caller like any other, unless the call has a timeout and has returned.
 */
export type Afterwards = Alias<unknown>;

export type MachineMessage =
  Call<readonly [typeof HANDLE, Value, Afterwards], Value> | Cast<readonly [typeof HANDLE, Value]>;

/** The machine that an op is about. */
export function machineIn(call: OpCall): Pid<MachineMessage> {
  return targetOf(call.term("to")) as Pid<unknown> as Pid<MachineMessage>;
}

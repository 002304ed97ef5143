/** What can be asked of a supervisor about its children, and what it answers. */
import type { AnyPid, ExitReason, Pid, Term } from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";

/** What an operator can ask for; each is answered by one `reply`. */
export type ChildRequest =
  | { readonly type: "startChild"; readonly spec: CheckedChildSpec }
  | { readonly type: "restartChild"; readonly id: string }
  | { readonly type: "terminateChild"; readonly id: string }
  | { readonly type: "deleteChild"; readonly id: string };

/** A child runs now, or has ignored its start: then there is no pid. */
export type Started<M = never> =
  | { readonly ok: true; readonly pid: Pid<M>; readonly info?: Term }
  | { readonly ok: true; readonly pid: undefined };

/** Its start function failed with that reason. */
export interface StartFailed {
  readonly ok: false;
  readonly error: "start_failed";
  readonly reason: ExitReason;
}

export type StartChildResult<M = never> =
  | Started<M>
  | StartFailed
  | { readonly ok: false; readonly error: "already_started"; readonly pid: AnyPid }
  | { readonly ok: false; readonly error: "already_present" }
  /** The spec is significant, and the supervisor's `autoShutdown` is `"never"`. */
  | { readonly ok: false; readonly error: "significant" };
export type RestartChildResult =
  | Started
  | StartFailed
  | { readonly ok: false; readonly error: "not_found" | "running" | "restarting" };
export type TerminateChildResult =
  { readonly ok: true } | { readonly ok: false; readonly error: "not_found" };
export type DeleteChildResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: "not_found" | "running" | "restarting" };

export type ChildReply =
  StartChildResult | RestartChildResult | TerminateChildResult | DeleteChildResult;

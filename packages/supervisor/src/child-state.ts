/** A child as its supervisor sees it. */
import type { AnyPid, ExitReason } from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";

/**
 * | status | meaning | OTP's pid |
 * | --- | --- | --- |
 * | `"running"` | it has a pid | the pid |
 * | `"stopped"` | ended for good, stopped by hand, ignored its start, or not started yet | `undefined` |
 * | `"restarting"` | its restart failed and will be tried again | `restarting` |
 */
export type ChildState = {
  readonly id: string;
  readonly spec: CheckedChildSpec;
  /** Number of the last attempt to start it. Grows with each; no two attempts of one id share it. */
  readonly incarnation: number;
  /** How often the supervisor has started it again of its own accord. */
  readonly restarts: number;
  /** Why its last incarnation ended. */
  readonly lastExit?: ExitReason;
} & (
  | { readonly status: "running"; readonly pid: AnyPid }
  | { readonly status: "stopped" | "restarting"; readonly pid?: undefined }
);

export function newChild(spec: CheckedChildSpec, incarnation: number): ChildState {
  return { id: spec.id, spec, incarnation, restarts: 0, status: "stopped" };
}

export function isTemporary({ spec }: ChildState): boolean {
  return spec.restart === "temporary";
}

export function notRunning(child: ChildState, status: "stopped" | "restarting"): ChildState {
  const { pid: _pid, ...rest } = child;
  return { ...rest, status };
}

export function ended(child: ChildState, reason: ExitReason): ChildState {
  return { ...notRunning(child, "stopped"), lastExit: reason };
}

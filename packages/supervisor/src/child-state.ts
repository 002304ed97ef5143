/** A child as its supervisor sees it. */
import type { AnyPid, ExitReason } from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";

/**
 * | status | meaning | OTP's pid |
 * | --- | --- | --- |
 * | `"running"` | it has a pid | the pid |
 * | `"stopped"` | ended for good, stopped by hand, ignored its start, or not started yet | `undefined` |
 * | `"restarting"` | it waits for its restart: one that failed is tried again, or a backoff delays it | `restarting` |
 */
export type ChildState = {
  readonly id: string;
  readonly spec: CheckedChildSpec;
  /** Number of the last attempt to start it. Grows with each; no two attempts of one id share it. */
  readonly incarnation: number;
  /** How often the supervisor has started it again of its own accord. */
  readonly restarts: number;
  /** How often it has failed in a row, for its backoff. */
  readonly failures: number;
  /** When its last incarnation started, in ms of the node's clock; none when that start failed. */
  readonly startedAtMs?: number;
  /** Why its last incarnation ended. */
  readonly lastExit?: ExitReason;
} & (
  | { readonly status: "running"; readonly pid: AnyPid; readonly wait?: undefined }
  | { readonly status: "stopped"; readonly pid?: undefined; readonly wait?: undefined }
  | { readonly status: "restarting"; readonly pid?: undefined; readonly wait: Wait }
);

/**
 * What a child waits for that is to be restarted. Those with one generation are started together; no two
 * waits of a supervisor share a generation, so what a wait of the past has arranged means nothing.
 */
export interface Wait {
  readonly generation: number;
  /** By a backoff; else it is for the second attempt, which stops and starts as the first did. */
  readonly delayed: boolean;
}

export function newChild(spec: CheckedChildSpec, incarnation: number): ChildState {
  return { id: spec.id, spec, incarnation, restarts: 0, failures: 0, status: "stopped" };
}

export function isTemporary({ spec }: ChildState): boolean {
  return spec.restart === "temporary";
}

export function stoppedChild(child: ChildState): ChildState {
  const { pid: _pid, wait: _wait, ...rest } = child;
  return { ...rest, status: "stopped" };
}

export function waitingChild(child: ChildState, wait: Wait): ChildState {
  const { pid: _pid, ...rest } = child;
  return { ...rest, status: "restarting", wait };
}

export function endedChild(child: ChildState, reason: ExitReason): ChildState {
  return { ...stoppedChild(child), lastExit: reason };
}

/** Its start was tried, and failed or was ignored. */
export function notStartedChild(child: ChildState, incarnation: number): ChildState {
  const { startedAtMs: _startedAtMs, ...rest } = stoppedChild(child);
  return { ...rest, incarnation };
}

export function runningChild(child: ChildState, pid: AnyPid, startedAtMs: number): ChildState {
  const { wait: _wait, ...rest } = child;
  return { ...rest, startedAtMs, status: "running", pid };
}

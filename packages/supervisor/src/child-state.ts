/**
 * A child as its supervisor sees it. All states of a child have all fields, in one order: they are copied
 * whenever a child ends or starts, which is fast where nothing is left out.
 */
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
  readonly startedAtMs: number | undefined;
  /** Why its last incarnation ended. */
  readonly lastExit: ExitReason;
} & (
  | { readonly status: "running"; readonly pid: AnyPid; readonly wait: undefined }
  | { readonly status: "stopped"; readonly pid: undefined; readonly wait: undefined }
  | { readonly status: "restarting"; readonly pid: undefined; readonly wait: Wait }
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
  return {
    id: spec.id,
    spec,
    incarnation,
    restarts: 0,
    failures: 0,
    startedAtMs: undefined,
    lastExit: undefined,
    status: "stopped",
    pid: undefined,
    wait: undefined,
  };
}

export function isTemporary({ spec }: ChildState): boolean {
  return spec.restart === "temporary";
}

export function stoppedChild(child: ChildState): ChildState {
  return { ...child, status: "stopped", pid: undefined, wait: undefined };
}

export function waitingChild(child: ChildState, wait: Wait): ChildState {
  return { ...child, status: "restarting", pid: undefined, wait };
}

export function endedChild(child: ChildState, lastExit: ExitReason): ChildState {
  return { ...child, status: "stopped", pid: undefined, wait: undefined, lastExit };
}

/** Its start was tried, and failed or was ignored. */
export function notStartedChild(child: ChildState, incarnation: number): ChildState {
  return { ...stoppedChild(child), startedAtMs: undefined, incarnation };
}

export function runningChild(child: ChildState, pid: AnyPid, startedAtMs: number): ChildState {
  return { ...child, startedAtMs, status: "running", pid, wait: undefined };
}

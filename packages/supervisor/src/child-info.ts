/** What a supervisor says of its children when asked. */
import type { AnyName, AnyPid, ExitReason } from "@coppice/core";
import type { CheckedBackoff } from "./backoff.js";
import type { CheckedChildSpec, ChildType, Shutdown } from "./child-spec.js";
import type { ChildState } from "./child-state.js";
import type { Restart } from "./restart-type.js";
import type { Strategy } from "./strategy.js";
import type { SupervisorPid } from "./supervisor-message.js";

/** A child as it is now. It has a pid as long as its status is `"running"`. */
export type ChildInfo = {
  readonly id: string;
  readonly status: ChildState["status"];
  /** Number of its last start, from 1; each start of one id has another. 0 when it was never started. */
  readonly incarnation: number;
  /** How often the supervisor has started it again of its own accord. */
  readonly restarts: number;
  /** How long its backoff still delays its restart; `undefined` when it does not. */
  readonly restartInMs: number | undefined;
  /** Why its last incarnation ended, if one has. */
  readonly lastExit: ExitReason | undefined;
} & (
  | { readonly type: "worker"; readonly pid: AnyPid | undefined }
  | { readonly type: "supervisor"; readonly pid: SupervisorPid | undefined }
);

/** The spec of a child with the defaults filled in; what it runs is left out. */
export interface ChildSpecInfo {
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly type: ChildType;
  readonly significant: boolean;
  readonly startTimeoutMs: number;
  readonly backoff: CheckedBackoff | undefined;
  readonly name: AnyName | undefined;
  readonly label: string;
}

/** How many children there are. OTP's `specs`, `active`, `supervisors`, `workers`. */
export interface ChildCounts {
  /** All that have a spec, running or not. */
  readonly specs: number;
  /** Those that are alive. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** A supervisor as it is now, in the middle of things too. */
export interface SupervisorView {
  readonly strategy: Strategy | "simple_one_for_one";
  /** What it is doing: `"idle"`, or what it waits for. */
  readonly activity: "idle" | "starting" | "stopping";
  /** The child whose start or end it waits for. */
  readonly waitingFor: string | undefined;
  /** Since when, in ms of the node's clock. */
  readonly sinceMs: number | undefined;
  /** How long until it is killed; `undefined` when it is not. */
  readonly killInMs: number | undefined;
  /** In start order. */
  readonly children: readonly ChildInfo[];
}

export function childInfo(child: ChildState, restartInMs: number | undefined): ChildInfo {
  const { id, pid, status, spec, incarnation, restarts, lastExit } = child;
  const { type } = spec;
  const info = { id, pid, status, type, incarnation, restarts, restartInMs, lastExit };
  // What a spec calls a supervisor has to be one.
  return info as ChildInfo;
}

export function childSpecInfo(spec: CheckedChildSpec): ChildSpecInfo {
  const { program: _program, args: _args, ...info } = spec;
  return info;
}

export function countChildren(
  children: readonly ChildState[],
  isAlive: (pid: AnyPid) => boolean,
): ChildCounts {
  const isActive = ({ pid }: ChildState): boolean => pid !== undefined && isAlive(pid);
  const supervisors = children.filter(({ spec }) => spec.type === "supervisor").length;
  const specs = children.length;
  return {
    specs,
    active: children.filter(isActive).length,
    supervisors,
    workers: specs - supervisors,
  };
}

/** What a dynamic supervisor says of its children when asked. */
import type { TimerRef } from "@coppice/core";
import type { ChildCounts, ChildInfo } from "./child-info.js";
import type { CheckedChildSpec } from "./child-spec.js";
import type { DynamicChild, DynamicChildren } from "./dynamic-child.js";

/** @param readTimer how long that takes yet */
export function dynamicChildInfos(
  children: DynamicChildren,
  template: CheckedChildSpec,
  readTimer: (timer: TimerRef) => number | false,
): readonly ChildInfo[] {
  const infos = [...children].map((child) => {
    if (child.wait === undefined) return infoOf(child, template, "running");
    const { timer } = child.wait;
    const leftMs = timer === undefined ? false : readTimer(timer);
    return infoOf(child, template, "restarting", leftMs === false ? undefined : leftMs);
  });
  const { ignored } = children;
  return ignored === undefined ? infos : [...infos, infoOf(ignored, template, "stopped")];
}

function infoOf(
  { pid, incarnation, restarts, lastExit }: DynamicChild,
  { id, type }: CheckedChildSpec,
  status: ChildInfo["status"],
  restartInMs?: number,
): ChildInfo {
  const info = { id, status, type, incarnation, restarts, restartInMs, lastExit };
  // What a template calls a supervisor has to be one.
  return { ...info, pid: status === "running" ? pid : undefined } as ChildInfo;
}

/** As in OTP there is one spec, and all that do not wait for their restart are active. */
export function countDynamicChildren(
  { size, waiting }: DynamicChildren,
  { type }: CheckedChildSpec,
): ChildCounts {
  return {
    specs: 1,
    active: size - waiting,
    supervisors: type === "supervisor" ? size : 0,
    workers: type === "worker" ? size : 0,
  };
}

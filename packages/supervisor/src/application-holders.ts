/** Who holds an application open: the processes that its supervisors wait for. */
import type { AnyPid, Operations, ProcessInfo } from "@coppice/core";
import type { Holder } from "./application-end.js";

/** The parts of a node that are needed. */
export interface Processes extends Operations {
  processes(): AnyPid[];
}

/**
 * The children that a supervisor starts or stops just now; where those are supervisors, the ones that
 * they wait for, and so on down: one, or for a dynamic supervisor as many as are left.
 *
 * `explainShutdown` tells more, but has to ask the supervisors; this only looks, for when there is no
 * time left.
 *
 * @param pathOf how to call a process
 * @returns the supervisor itself when it waits for no process: a start function takes its time, or it
 * is between two children
 */
export function findHolders(
  node: Processes,
  supervisor: AnyPid,
  pathOf: (pid: AnyPid) => string | undefined,
): readonly Holder[] {
  const root = node.processInfo(supervisor);
  if (root === undefined) return [holderOf(node, pathOf(supervisor) ?? String(supervisor), supervisor)]; // prettier-ignore
  const children = childrenByParent(node);
  const holders: Holder[] = [];
  const toLookAt = [root];
  for (let next = toLookAt.pop(); next !== undefined; next = toLookAt.pop()) {
    const { pid } = next;
    const isSupervisor = SUPERVISORS.includes(next.initialCall);
    const below = isSupervisor ? (children.get(pid) ?? []) : [];
    const waitedFor = below.filter((child) => child.monitoredBy.includes(pid));
    // Last spawned first on the stack, so that they come out in order.
    if (waitedFor.length > 0) toLookAt.push(...waitedFor.reverse());
    else holders.push(holderOf(node, pathOf(pid) ?? String(pid), pid));
  }
  return holders;
}

/** The initial calls of processes that wait for their children. */
const SUPERVISORS = ["supervisor", "dynamic_supervisor"];

/** A process that is known by this name; `pid` may be of none. */
export function holderOf(node: Processes, path: string, pid: AnyPid | undefined): Holder {
  const info = pid && node.processInfo(pid);
  if (info === undefined) return { path, process: undefined };
  const { status, trapsExits, mailboxSize } = info;
  return { path, process: { pid: info.pid, status, trapsExits, mailboxSize } };
}

function childrenByParent(node: Processes): Map<AnyPid, ProcessInfo[]> {
  const children = new Map<AnyPid, ProcessInfo[]>();
  for (const pid of node.processes()) {
    const info = node.processInfo(pid);
    const parent = info?.ancestors[0];
    if (info === undefined || parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [info]);
    else siblings.push(info);
  }
  return children;
}

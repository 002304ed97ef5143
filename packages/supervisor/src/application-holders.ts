/** Who holds an application open: the process that its supervisors wait for. */
import type { AnyPid, Operations, ProcessInfo } from "@coppice/core";
import type { Holder } from "./application-end.js";

/** The parts of a node that are needed. */
interface Processes extends Operations {
  processes(): AnyPid[];
}

/**
 * The child that a supervisor starts or stops just now; where that is a supervisor, the one that it
 * waits for, and so on down. Looks at the processes without asking them: what is stuck does not answer.
 *
 * @param pathOf how to call a process
 * @returns the supervisor itself when it waits for no process: a start function takes its time, or it
 * is not its turn
 */
export function findHolder(
  node: Processes,
  supervisor: AnyPid,
  pathOf: (pid: AnyPid) => string | undefined,
): Holder {
  const children = childrenByParent(node);
  let holder = supervisor;
  for (let next: AnyPid | undefined = supervisor; next !== undefined;) {
    holder = next;
    const waitsFor = (info: ProcessInfo): boolean => info.monitoredBy.includes(holder);
    next = children.get(holder)?.find(waitsFor)?.pid;
  }
  const status = node.processInfo(holder)?.status;
  return { path: pathOf(holder) ?? String(holder), pid: holder, status };
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

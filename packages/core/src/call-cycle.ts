/** Calls in a round: processes that would wait for each other, and which nobody would ever answer. */
import { CallCycleError } from "./errors.js";
import { formatPid, ProcessId, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import type { Runtime } from "./runtime.js";
import type { Watch } from "./watch.js";

/** Who would wait for whom, from the caller on; `undefined` when the chain does not lead back to it. */
export function findCycle(caller: Process, target: ProcessId<Process>): Process[] | undefined {
  let process = ProcessId.processOf(target);
  // Nearly always: one that waits for nobody.
  if (process !== caller && (process === undefined || !isBlocked(process))) return undefined;
  const path = new Set([caller]);
  while (process !== undefined && process !== caller) {
    // One that waits for nobody will answer; a round without the caller is not its to refuse.
    if (path.has(process) || !isBlocked(process)) return undefined;
    path.add(process);
    process = ProcessId.processOf((process.awaiting as Watch).target);
  }
  return process === undefined ? undefined : [...path];
}

/** Tells whom the search for a round looks at: the target, and who it waits for, as far as that goes. */
export function noteChain(node: Runtime, caller: Process, target: ProcessId<Process>): void {
  node.access(caller.pid, "waits", target, "read");
  let process = ProcessId.processOf(target);
  // Nearly always: one that waits for nobody.
  if (process === undefined || !isBlocked(process)) return;
  const chain = new Set([target]);
  while (process !== undefined && isBlocked(process)) {
    const next: ProcessId<Process> = (process.awaiting as Watch).target;
    if (chain.has(next)) return;
    chain.add(next);
    node.access(caller.pid, "waits", next, "read");
    process = ProcessId.processOf(next);
  }
}

/**
 * It waits for a reply and for nothing else. What counts is its latest wait: of a call that it made
 * before that the runtime cannot know whether it is awaited, and refusing what would be answered is
 * worse than a timeout.
 */
function isBlocked(process: Process): boolean {
  return (
    process.awaiting !== undefined &&
    process.wake === undefined &&
    (process.extra?.waits?.size ?? 0) === 0 &&
    (process.handler === undefined || process.busy)
  );
}

export function cycleError(path: Process[]): CallCycleError {
  const round = [...path, path[0] as Process];
  return new CallCycleError(
    round.map((process): AnyPid => process.pid),
    round.map(
      (process) => process.registeredName ?? process.extra?.label ?? formatPid(process.pid),
    ),
  );
}

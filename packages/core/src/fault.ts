/** What can befall a process or a node from outside of all semantics. For simulations. */
import { checkPid, checkReason } from "./check.js";
import { dieAtOnce } from "./death.js";
import type { ExitReason } from "./exit-reason.js";
import type { Node } from "./node.js";
import { ProcessId, type AnyPid } from "./pid.js";
import { runtimeOf } from "./runtime-of.js";

/**
 * Ends a process here and now, as if its code had been cut off: nothing of it unwinds, and who watches it
 * is told `reason`. `false` when it was dead already.
 */
export function killAtOnce(node: Node, pid: AnyPid, reason: ExitReason): boolean {
  const target = checkPid("killAtOnce: pid", pid);
  const process = runtimeOf(node).processOf(target);
  if (process === undefined) return false;
  dieAtOnce(process, checkReason("killAtOnce: reason", reason));
  return true;
}

/**
 * The node is gone, as when the power is cut: all its processes are dead from now on, nobody is told, and
 * none of their code runs again. What was offered for them is for the scheduler to drop.
 */
export function abandonNode(node: Node): void {
  const runtime = runtimeOf(node);
  for (const process of [...runtime.eachProcess()]) {
    process.life = "dead";
    process.exitReason = "noconnection";
    ProcessId.attach(process.pid, undefined);
    runtime.registry.release(process);
    runtime.removeProcess(process);
  }
  runtime.stopping = runtime.stopped = true;
  runtime.timers.close();
  runtime.turn.close();
}

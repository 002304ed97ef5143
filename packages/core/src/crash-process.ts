/**
 * Ends of processes by code of theirs that somebody else runs, such as a translation of what goes on into their
 * messages. For packages that build on this one.
 */
import { checkPid } from "./check.js";
import { crash } from "./death.js";
import type { Node } from "./node.js";
import type { AnyPid } from "./pid.js";
import { runtimeOf } from "./runtime-of.js";

/**
 * The process crashes with `error`, as if its own code had thrown it. One that is dead, or of another node, does
 * not.
 *
 * @param during what it was doing, for the report, e.g. `"mapping a Down to a message"`
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function crashProcess(node: Node, pid: AnyPid, error: unknown, during: string): void {
  const process = runtimeOf(node).processOf(checkPid("crashProcess: pid", pid));
  if (process !== undefined) crash(process, error, during);
}

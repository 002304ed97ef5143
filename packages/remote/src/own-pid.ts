/** Processes of this node, where those of others, or of a former life of it, will not do. */
import { InvalidArgumentError, isPid, type AnyPid, type Node } from "@coppice/core";

/** @throws InvalidArgumentError it is no pid, or not one of this life of the node */
export function checkOwnPid(argument: string, { name, incarnation }: Node, pid: AnyPid): void {
  if (isPid(pid) && pid.node === name && pid.incarnation === incarnation) return;
  throw new InvalidArgumentError(argument, `a pid of this node, "${name}"`, pid);
}

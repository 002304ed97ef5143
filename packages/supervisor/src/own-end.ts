/** The end of a process, as its own code meets it. */
import { DeadProcessError, ExitSignal, type AnyPid } from "@coppice/core";

/** Was it thrown because the process `pid` has to end, or has? Then nothing it tries will succeed. */
export function isOwnEnd(pid: AnyPid, error: unknown): boolean {
  return (error instanceof ExitSignal || error instanceof DeadProcessError) && error.pid === pid;
}

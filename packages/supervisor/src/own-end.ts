/** The end of a process, as its own code meets it. */
import { isEnd, type AnyPid } from "@coppice/core";

/** Was it thrown because the process `pid` has to end, or has? Then nothing it tries will succeed. */
export function isOwnEnd(pid: AnyPid, error: unknown): boolean {
  return isEnd(error) && error.pid === pid;
}

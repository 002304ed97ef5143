/** Telling a process by messages of what goes on, for as long as it lives and wants to be told. */
import { checkFunction, crashProcess, type Node, type Pid } from "@coppice/core";
import { checkOwnPid } from "./own-pid.js";

/** What happens goes to a process, as messages of its own. */
export interface ProcessFeed<E> {
  readonly tell: (event: E) => void;
  /** Calls `unsubscribe` when the process has ended, or when the function that is returned is called. */
  readonly until: (unsubscribe: () => void) => () => void;
}

/**
 * @param operation what its user has called, as errors say
 * @param map makes the message; what it throws crashes the process, for which it was made
 * @param what is mapped, as the crash says
 * @throws InvalidArgumentError no pid of this node, or no function
 */
export function processFeed<E, M>(
  node: Node,
  operation: string,
  pid: Pid<M>,
  map: (event: E) => M,
  what: string,
): ProcessFeed<E> {
  checkOwnPid(`${operation}: pid`, node, pid);
  checkFunction(`${operation}: map`, map);
  return {
    tell: (event) => {
      try {
        node.send(pid, map(event));
      } catch (error) {
        // As of every translation: it is the process's own, and nobody else has called it.
        crashProcess(node, pid, error, `mapping a ${what} to a message`);
      }
    },
    until: (unsubscribe) => {
      const gone = new AbortController();
      const over = (): void => {
        unsubscribe();
        gone.abort();
      };
      node.whenExited(pid, { signal: gone.signal }).then(over, () => undefined);
      return over;
    },
  };
}

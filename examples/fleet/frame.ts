/** Frames: what there is to see of the fleet at a moment, as an Observable. */
import { schedulerOf, type AnyPid, type Node } from "@coppice/core";
import { supervisionTree, type SupervisionTree, type SupervisorPid } from "@coppice/supervisor";
import { EMPTY, catchError, defer, exhaustMap, interval, type Observable } from "rxjs";
import { Dispatcher, type Status } from "./dispatcher.js";

export interface Frame {
  readonly elapsedMs: number;
  readonly status: Status;
  readonly tree: SupervisionTree;
}

/** Looks every `everyMs`; not again while it still looks. */
export function frames(
  node: Node,
  fleet: SupervisorPid,
  startMs: number,
  everyMs: number,
): Observable<Frame> {
  return interval(everyMs, schedulerOf(node)).pipe(
    exhaustMap(() => {
      const frame = defer(() => look(node, fleet, startMs));
      // Between two lives of the dispatcher there is nobody to ask.
      return frame.pipe(catchError(() => EMPTY));
    }),
  );
}

/** The fleet as it is now. */
export async function look(node: Node, fleet: SupervisorPid, startMs: number): Promise<Frame> {
  const [status, tree] = await Promise.all([
    node.call(Dispatcher, { type: "status" }),
    supervisionTree(node, fleet),
  ]);
  return { elapsedMs: node.now() - startMs, status, tree };
}

/** How often supervisors have started children again, all in all. */
export function restartsIn({ restarts, children }: SupervisionTree): number {
  return children.reduce((sum, child) => sum + restartsIn(child), restarts);
}

/** The processes in the order in which `renderTree` has their lines. */
export function pidsIn({ pid, children }: SupervisionTree): (AnyPid | undefined)[] {
  return [pid, ...children.flatMap(pidsIn)];
}

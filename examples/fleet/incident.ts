/** Incidents: what goes on in the node and nobody ordered, as an Observable of lines. */
import { formatFailure, formatReason, type Node, type NodeEvent } from "@coppice/core";
import type { SupervisorReported } from "@coppice/supervisor";
import { map, type Observable, filter } from "rxjs";
import { ChaosError } from "./hash-worker.js";

export function incidents(node: Node): Observable<string> {
  return node.events.pipe(
    map(incidentOf),
    filter((line) => line !== undefined),
  );
}

/** A line for what should not happen; `undefined` for all that is as it should be, ordered crashes included. */
export function incidentOf(event: NodeEvent): string | undefined {
  switch (event.type) {
    case "crashed": {
      const { label, pid, reason, during } = event.report;
      if (reason.error instanceof ChaosError) return undefined;
      return `${label ?? "process"} ${String(pid)} crashed while ${during}: ${formatReason(reason)}`;
    }
    // A crash is told by its process, and what is killed was ordered; the tree shows the restarts.
    case "report":
      return isChildTerminated(event.report.data) ? undefined : formatFailure(event);
    // The code of a killed worker finds out when it attempts something, or finds its file closed.
    case "fenced":
    case "unwindFailed":
      return undefined;
    default:
      return formatFailure(event);
  }
}

function isChildTerminated(data: unknown): boolean {
  const { type, report } = Object(data) as Partial<SupervisorReported>;
  return type === "supervisorReport" && report?.type === "childTerminated";
}

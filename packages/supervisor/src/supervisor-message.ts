/** What a supervisor understands: the requests behind `startChild`, `whichChildren` and the others. */
import type { AnyPid, Call, Exit, Opaque, Pid } from "@coppice/core";
import type { ChildCounts, ChildInfo, ChildSpecInfo, SupervisorView } from "./child-info.js";
import type {
  DeleteChildResult,
  RestartChildResult,
  StartChildResult,
  TerminateChildResult,
} from "./child-request.js";
import type { CheckedChildSpec } from "./child-spec.js";
import type { SupervisorReport } from "./supervisor-report.js";

/** What may be sent to a supervisor; the functions that take its pid do that. */
export type SupervisorMessage =
  | Call<{ readonly type: "startChild"; readonly spec: Opaque<CheckedChildSpec> }, StartChildResult>
  | Call<{ readonly type: "restartChild"; readonly id: string }, RestartChildResult>
  | Call<{ readonly type: "terminateChild"; readonly id: string }, TerminateChildResult>
  | Call<{ readonly type: "deleteChild"; readonly id: string }, DeleteChildResult>
  | Call<{ readonly type: "getChildSpec"; readonly id: string }, ChildSpecInfo | undefined>
  | SupervisorQuery;

/** What supervisors of all kinds understand. */
export type SupervisorQuery =
  | Call<{ readonly type: "whichChildren" }, readonly ChildInfo[]>
  | Call<{ readonly type: "countChildren" }, ChildCounts>
  | ViewCall;

/** The pid of a supervisor. */
export type SupervisorPid = Pid<SupervisorMessage>;

/** Answered in the middle of things, too; not while a start function is awaited. */
export type ViewCall = Call<{ readonly type: "view" }, SupervisorView>;

/** What a supervisor takes besides requests. */
export type SupervisorSignal = Exit | { readonly type: "restartDue"; readonly generation: number };

/** A report as it is sent to `reportTo`, and told by the node's `report` events. */
export interface SupervisorReported {
  readonly type: "supervisorReport";
  readonly supervisor: AnyPid;
  /** Where it stands, e.g. `shop/workers`. */
  readonly path: string;
  readonly report: SupervisorReport;
}

/** Messages may be anything: nobody is kept from sending an untyped one. */
export function typeOf(message: unknown): unknown {
  return (message as { readonly type?: unknown } | null | undefined)?.type;
}

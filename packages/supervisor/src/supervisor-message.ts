/** What a supervisor understands: the requests behind `startChild`, `whichChildren` and the others. */
import type { AnyPid, Call, Down, Exit, Pid } from "@coppice/core";
import type { CheckedChildSpec } from "./child-spec.js";
import type { ChildCounts, ChildInfo, ChildSpecInfo, SupervisorView } from "./child-info.js";
import type {
  DeleteChildResult,
  RestartChildResult,
  StartChildResult,
  TerminateChildResult,
} from "./child-request.js";
import type { StartCall } from "./start.js";
import type { SupervisorReport } from "./supervisor-report.js";

/** What may be sent to a supervisor; the functions that take its pid do that. */
export type SupervisorMessage =
  | Call<{ readonly type: "startChild"; readonly spec: CheckedChildSpec }, StartChildResult>
  | Call<{ readonly type: "restartChild"; readonly id: string }, RestartChildResult>
  | Call<{ readonly type: "terminateChild"; readonly id: string }, TerminateChildResult>
  | Call<{ readonly type: "deleteChild"; readonly id: string }, DeleteChildResult>
  | Call<{ readonly type: "whichChildren" }, readonly ChildInfo[]>
  | Call<{ readonly type: "countChildren" }, ChildCounts>
  | Call<{ readonly type: "getChildSpec"; readonly id: string }, ChildSpecInfo | undefined>
  | ViewCall
  | StartCall;

/** The pid of a supervisor. */
export type SupervisorPid = Pid<SupervisorMessage>;

/** Answered in the middle of things, too; not while a start function is awaited. */
export type ViewCall = Call<{ readonly type: "view" }, SupervisorView>;

/** All that arrives in a supervisor's mailbox. */
export type SupervisorInbox =
  SupervisorMessage | { readonly type: "tryAgain"; readonly id: string } | Exit | Down;

/** A report as it is sent to `reportTo`. */
export interface SupervisorReported {
  readonly type: "supervisorReport";
  readonly supervisor: AnyPid;
  readonly report: SupervisorReport;
}

/** Messages may be anything: nobody is kept from sending an untyped one. */
export function typeOf(message: unknown): unknown {
  return (message as { readonly type?: unknown } | null | undefined)?.type;
}

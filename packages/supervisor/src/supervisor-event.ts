/** What happens to a supervisor, and what it does: the two ends of a decision. */
import type { AnyPid, ExitReason } from "@coppice/core";
import type { ChildReply, ChildRequest } from "./child-request.js";
import type { CheckedChildSpec, Shutdown } from "./child-spec.js";
import type { StartResult } from "./start.js";
import type { SupervisorReport } from "./supervisor-report.js";
import type { SupervisorState } from "./supervisor-state.js";

export type SupervisorEvent =
  | { readonly type: "boot" }
  /** A process ended that was not asked to. */
  | {
      readonly type: "exited";
      readonly pid: AnyPid;
      readonly reason: ExitReason;
      readonly nowMs: number;
    }
  /** It is time for what a `tryAgain` action asked for. */
  | { readonly type: "tryAgain"; readonly id: string; readonly nowMs: number }
  | { readonly type: "request"; readonly request: ChildRequest }
  /** The supervisor has to end, with that reason. */
  | { readonly type: "terminate"; readonly reason: ExitReason }
  /** The outcome of a `stop`: why each child ended, in the order they ended. */
  | {
      readonly type: "stopped";
      readonly exits: readonly { readonly id: string; readonly reason: ExitReason }[];
    }
  /** The outcome of a `start`: what came of each start up to the first that failed. */
  | {
      readonly type: "started";
      readonly results: readonly { readonly id: string; readonly result: StartResult }[];
    };

export type SupervisorAction =
  /** Tells the starter that all children run. */
  | { readonly type: "acknowledge" }
  /** Stops these, one after the other. */
  | {
      readonly type: "stop";
      readonly children: readonly {
        readonly id: string;
        readonly pid: AnyPid;
        readonly shutdown: Shutdown;
      }[];
    }
  /** Starts these, one after the other, until one fails. */
  | {
      readonly type: "start";
      readonly children: readonly {
        readonly spec: CheckedChildSpec;
        readonly incarnation: number;
      }[];
    }
  /** Gives `tryAgain` as an event, after whatever has happened already. */
  | { readonly type: "tryAgain"; readonly id: string }
  | { readonly type: "reply"; readonly result: ChildReply }
  | { readonly type: "report"; readonly report: SupervisorReport }
  | { readonly type: "exit"; readonly reason: ExitReason };

export interface Decision {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
}

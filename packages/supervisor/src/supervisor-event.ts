/** What happens to a supervisor, and what it does: the two ends of a decision. */
import type { AnyPid, ExitReason, StartResult } from "@coppice/core";
import type { Delay } from "./backoff.js";
import type { ChildReply, ChildRequest } from "./child-request.js";
import type { CheckedChildSpec, Shutdown } from "./child-spec.js";
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
  /** It is time for what a `restartLater` action asked for. */
  | { readonly type: "restartDue"; readonly generation: number; readonly nowMs: number }
  | { readonly type: "request"; readonly request: ChildRequest }
  /** The supervisor has to end, with that reason. */
  | { readonly type: "terminate"; readonly reason: ExitReason }
  /** One child of a `stop` has ended, while others may have to end yet. */
  | { readonly type: "childStopped"; readonly id: string; readonly reason: ExitReason }
  /** The outcome of a `stop`: why each child ended, in the order they ended. */
  | {
      readonly type: "stopped";
      readonly exits: readonly { readonly id: string; readonly reason: ExitReason }[];
    }
  /** One child of a `start` runs, while others may have to start yet. */
  | { readonly type: "childStarted"; readonly id: string; readonly pid: AnyPid }
  /** The outcome of a `start`: what came of each start up to the first that failed. */
  | {
      readonly type: "started";
      readonly results: readonly { readonly id: string; readonly result: StartResult }[];
      readonly nowMs: number;
    };

export type SupervisorAction =
  /** Tells the starter that all children run. */
  | { readonly type: "acknowledge" }
  /** Stops these, one after the other; each is told by `childStopped` as it has ended. */
  | {
      readonly type: "stop";
      readonly children: readonly {
        readonly id: string;
        readonly pid: AnyPid;
        readonly shutdown: Shutdown;
      }[];
    }
  /** Starts these, one after the other, until one fails; each is told by `childStarted` as it runs. */
  | {
      readonly type: "start";
      readonly children: readonly {
        readonly spec: CheckedChildSpec;
        readonly incarnation: number;
      }[];
    }
  /**
   * Gives `restartDue` as an event: after `delay`, and no sooner than those it `replaces` would have been;
   * without a delay, after whatever has happened already. What it replaces is called off.
   */
  | {
      readonly type: "restartLater";
      readonly generation: number;
      readonly delay: Delay | undefined;
      readonly replaces: readonly number[];
    }
  /** Nobody waits for that any more. */
  | { readonly type: "cancelRestart"; readonly generation: number }
  | { readonly type: "reply"; readonly result: ChildReply }
  | { readonly type: "report"; readonly report: SupervisorReport }
  | { readonly type: "exit"; readonly reason: ExitReason };

export interface Decision {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
}

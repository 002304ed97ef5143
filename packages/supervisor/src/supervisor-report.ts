/**
 * Supervisor reports: what a supervisor does with its children, and why.
 *
 * OTP: https://www.erlang.org/doc/apps/sasl/error_logging.html#supervisor-report
 */
import type { AnyPid, ExitReason } from "@coppice/core";

/**
 * | type | when |
 * | --- | --- |
 * | `"childStarted"` | it runs; `incarnation` counts its starts |
 * | `"childTerminated"` | it ended by itself, by a reason its restart type calls abnormal |
 * | `"startFailed"` | its start function failed |
 * | `"shutdownFailed"` | it did not end as it was asked to: by another reason, or not in time |
 * | `"intensityExceeded"` | it failed once too often: the supervisor gives up |
 */
export type SupervisorReport =
  | {
      readonly type: "childStarted";
      readonly id: string;
      readonly pid: AnyPid;
      readonly incarnation: number;
      /** How often the supervisor has started it again of its own accord. */
      readonly restarts: number;
    }
  | {
      readonly type: "childTerminated";
      readonly id: string;
      readonly pid: AnyPid;
      readonly reason: ExitReason;
    }
  | { readonly type: "startFailed"; readonly id: string; readonly reason: ExitReason }
  | {
      readonly type: "shutdownFailed";
      readonly id: string;
      readonly pid: AnyPid;
      readonly reason: ExitReason;
    }
  | {
      readonly type: "intensityExceeded";
      readonly id: string;
      readonly intensity: number;
      readonly periodMs: number;
    };

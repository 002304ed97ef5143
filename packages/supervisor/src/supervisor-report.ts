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
      readonly consequence: Consequence;
    }
  | {
      readonly type: "startFailed";
      readonly id: string;
      readonly reason: ExitReason;
      readonly consequence: Consequence;
    }
  | {
      readonly type: "shutdownFailed";
      readonly id: string;
      readonly pid: AnyPid;
      readonly reason: ExitReason;
      /** How many children of a dynamic supervisor ended so when all were stopped; `pid` is one of them. */
      readonly count?: number;
    }
  | {
      readonly type: "intensityExceeded";
      readonly id: string;
      readonly intensity: number;
      readonly periodMs: number;
    };

/**
 * What a supervisor does about the end of a child, or about a start that failed.
 *
 * | type | the child |
 * | --- | --- |
 * | `"restart"` | is started again at once, with those the strategy names |
 * | `"restartLater"` | the same after a delay between these bounds, as its `backoff` says |
 * | `"giveUp"` | is not: the intensity is exceeded, all children stop, the supervisor ends |
 * | `"autoShutdown"` | is not: it was significant, all children stop, the supervisor ends |
 * | `"startFails"` | is not: the supervisor had not started, and does not |
 * | `"none"` | is not: it is temporary, or it was somebody's request that failed |
 */
export type Consequence =
  | { readonly type: "restart" | "giveUp" | "autoShutdown" | "startFails" | "none" }
  | { readonly type: "restartLater"; readonly minMs: number; readonly maxMs: number };

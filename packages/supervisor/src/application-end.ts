/** The end of an application: why it stopped, what went wrong on the way, and what exit code that is. */
import type { AnyPid, ExitReason, ProcessInfo } from "@coppice/core";

/**
 * Why an application stops.
 *
 * | type | when |
 * | --- | --- |
 * | `"requested"` | by `stop()`, or because its node stops |
 * | `"signal"` | the program got a signal |
 * | `"unhandledRejection"` | nobody handled a rejection, and the policy is `"stop"` |
 * | `"ended"` | its tree has ended of its own accord, in order: by `autoShutdown` |
 * | `"failed"` | its tree has failed: it gave up, or its topmost supervisor was ended by force |
 */
export type StopCause =
  | { readonly type: "requested" }
  | { readonly type: "signal"; readonly signal: string }
  | { readonly type: "unhandledRejection" }
  | { readonly type: "ended"; readonly reason: ExitReason }
  | {
      readonly type: "failed";
      readonly reason: ExitReason;
      /** The supervisor that gave up and why, the one that caused it next; empty when none did. */
      readonly gaveUp: readonly GivenUp[];
    };

/** A supervisor that had to restart a child once too often. */
export interface GivenUp {
  /** Its place in the tree, e.g. `shop/workers`. */
  readonly path: string;
  /** The child that failed once too often. */
  readonly child: string;
  readonly intensity: number;
  readonly periodMs: number;
  /** Why that child ended, or did not start, the last time. */
  readonly reason: ExitReason | undefined;
}

/** What keeps an application from having stopped. */
export interface Holder {
  /** Its place in the tree, e.g. `shop/store`; or which callback of the application it is. */
  readonly path: string;
  /** What it does; `undefined` where no process is known. */
  readonly process: HolderProcess | undefined;
}

export type HolderProcess = Pick<ProcessInfo, "pid" | "status" | "trapsExits" | "mailboxSize">;

/**
 * What went wrong while an application stopped.
 *
 * | type | when |
 * | --- | --- |
 * | `"stuck"` | it had not ended at the application's deadline, and was killed |
 * | `"shutdownFailed"` | a child crashed while it was stopped, or was killed as its own time was over |
 * | `"callbackFailed"` | `prepStop` or `stop` of the application threw |
 * | `"startFailed"` | it was told to stop while it started, and a child did not start |
 */
export type StopProblem =
  | ({ readonly type: "stuck" } & Holder)
  | {
      readonly type: "shutdownFailed";
      readonly path: string;
      readonly pid: AnyPid;
      readonly reason: ExitReason;
    }
  | {
      readonly type: "callbackFailed";
      readonly callback: "prepStop" | "stop";
      readonly reason: ExitReason;
    }
  | { readonly type: "startFailed"; readonly reason: ExitReason };

/** How an application ended. */
export interface ApplicationEnd {
  readonly cause: StopCause;
  /** Empty when all stopped in order and in time. */
  readonly problems: readonly StopProblem[];
}

/**
 * The exit code of a program whose application ended so.
 *
 * | cause | without problems | with problems |
 * | --- | --- | --- |
 * | `"requested"`, `"signal"`, `"ended"` | 0 | 1 |
 * | `"failed"`, `"unhandledRejection"` | 1 | 1 |
 */
export function exitCodeOf({ cause, problems }: ApplicationEnd): 0 | 1 {
  switch (cause.type) {
    case "requested":
    case "signal":
    case "ended":
      return problems.length === 0 ? 0 : 1;
    case "unhandledRejection":
    case "failed":
      return 1;
    default:
      return cause satisfies never;
  }
}

/**
 * System requests: what every behaviour answers, whatever its own protocol.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html
 */
import type { AnyPid, ExitReason, From, Opaque } from "@coppice/core";

/** A request beside the protocol of a behaviour. Requests whose `type` is `"system"` are reserved for it. */
export interface SystemRequest {
  readonly type: "system";
  readonly action: SystemAction;
}

/** Code, and who listens, go as they are: they are of this node. */
export type SystemAction =
  | { readonly type: "getState" | "suspend" | "resume" | "getStatus" }
  | { readonly type: "replaceState"; readonly replace: Opaque<(state: never) => unknown> }
  | { readonly type: "terminate"; readonly reason: ExitReason }
  | {
      readonly type: "changeCode";
      readonly behaviour: Opaque<unknown>;
      readonly migrate: Opaque<(state: never) => unknown> | undefined;
    }
  | InstrumentAction;

export type InstrumentAction =
  | { readonly type: "statistics"; readonly flag: StatisticsFlag }
  | { readonly type: "trace"; readonly tracer: Opaque<Tracer> };

export type StatisticsFlag = (typeof STATISTICS_FLAGS)[number];
export const STATISTICS_FLAGS = ["on", "off", "get"] as const;

/** A state: as it is to who asks on the same node, else a copy. */
export type StateReply = { readonly local: Opaque<unknown> } | { readonly state: unknown };

/** Who a process tells what it does. */
export interface Tracer {
  /** Wants to hear no more. */
  readonly closed: boolean;
  next(event: SystemEvent): void;
  complete(): void;
}

/** What a traced process does. System requests are not traced. */
export type SystemEvent =
  /** It took a message. */
  | { readonly type: "in"; readonly atMs: number; readonly message: unknown }
  /** It replied. */
  | {
      readonly type: "out";
      readonly atMs: number;
      readonly to: From<never>;
      readonly message: unknown;
    }
  /** It has handled what it took; this is its state now. */
  | { readonly type: "state"; readonly atMs: number; readonly state: unknown };

/** Since statistics were switched on; system requests are not counted. */
export interface Statistics {
  /** On the node's clock. */
  readonly startMs: number;
  readonly nowMs: number;
  readonly messagesIn: number;
  /** Replies that a callback returned. */
  readonly messagesOut: number;
}

/** What `sys.getStatus` tells. */
export interface Status {
  readonly pid: AnyPid;
  /** `"gen_server"`, `"gen_statem"`, … */
  readonly kind: string;
  /** Whose exit ends it. */
  readonly parent: AnyPid | undefined;
  readonly activity: "running" | "suspended";
  /** The state, as its behaviour's `status` shows it. */
  readonly state: unknown;
}

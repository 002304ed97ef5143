/**
 * System requests: what every behaviour answers, whatever its own protocol.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html
 */
import type { AnyPid, ExitReason, From } from "@coppice/core";

/** A request beside the protocol of a behaviour. Requests whose `type` is `"system"` are reserved for it. */
export interface SystemRequest {
  readonly type: "system";
  readonly action: SystemAction;
}

export type SystemAction =
  | { readonly type: "getState" | "suspend" | "resume" | "getStatus" }
  | { readonly type: "replaceState"; readonly replace: (state: never) => unknown }
  | { readonly type: "terminate"; readonly reason: ExitReason }
  | {
      readonly type: "changeCode";
      readonly behaviour: unknown;
      readonly migrate: ((state: never) => unknown) | undefined;
    }
  | InstrumentAction;

export type InstrumentAction =
  | { readonly type: "statistics"; readonly flag: "on" | "off" | "get" }
  | { readonly type: "trace"; readonly flag: "on" | "off"; readonly tracer: Tracer };

/** Who a process tells what it does. */
export interface Tracer {
  next(event: SystemEvent): void;
  complete(): void;
}

/** What a traced process does. */
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

/** Since statistics were switched on. */
export interface Statistics {
  /** On the node's clock. */
  readonly startMs: number;
  readonly nowMs: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** What `sys.getStatus` tells. */
export interface Status {
  readonly pid: AnyPid;
  /** `"gen_server"`, `"gen_statem"`, … */
  readonly kind: string;
  readonly parent: AnyPid | undefined;
  readonly activity: "running" | "suspended";
  /** The state, as its behaviour's `status` shows it. */
  readonly state: unknown;
}

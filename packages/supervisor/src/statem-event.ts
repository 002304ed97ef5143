/**
 * Events: what a state machine handles, one after the other.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-event_type
 */
import type { Call, Cast, From } from "@coppice/core";

/**
 * What can happen to a state machine.
 *
 * | `type` | when | OTP |
 * | --- | --- | --- |
 * | `"call"` | somebody waits for a reply | `{call, From}` |
 * | `"cast"` | a request nobody waits for | `cast` |
 * | `"info"` | any other message | `info` |
 * | `"internal"` | only inserted by `nextEvents` | `internal` |
 * | `"stateTimeout"` | it stayed in one state for that long | `state_timeout` |
 * | `"eventTimeout"` | no event for that long | `timeout` |
 * | `"timeout"` | a timeout with a name | `{timeout, Name}` |
 *
 * Any of them may be inserted by `nextEvents`.
 */
export type StateMachineEvent =
  | { readonly type: "call"; readonly request: unknown; readonly from: From<never> }
  | { readonly type: "cast"; readonly request: unknown }
  | { readonly type: "info"; readonly message: unknown }
  | { readonly type: "internal"; readonly request: unknown }
  | TimeoutEvent;

/** A timeout that is over, with the content it was set with. */
export type TimeoutEvent =
  | { readonly type: "stateTimeout"; readonly content?: unknown }
  | { readonly type: "eventTimeout"; readonly content?: unknown }
  | { readonly type: "timeout"; readonly name: string; readonly content?: unknown };

/** The events of a machine with protocol `P`: its calls and casts, and every other message as info. */
export type EventOf<P> =
  | (P extends Call<infer _Q, infer _R> | Cast<infer _C>
      ? P
      : { readonly type: "info"; readonly message: P })
  | { readonly type: "internal"; readonly request: unknown }
  | TimeoutEvent;

/** The call made when a state is entered; no event: it cannot be inserted, postponed or queued. */
export interface EnterCall<S = string> {
  readonly type: "enter";
  /** The state before; at the start, and when a state is repeated, the state itself. */
  readonly from: S;
}

const contentKeys = {
  call: ["request", "from"],
  cast: ["request"],
  info: ["message"],
  internal: ["request"],
  stateTimeout: ["content"],
  eventTimeout: ["content"],
  timeout: ["name", "content"],
} as const;

/** Is it an event that may be inserted? The reference of a call is left to whoever replies to it. */
export function isEvent(value: unknown): value is StateMachineEvent {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  const { type } = value as { type: unknown };
  if (typeof type !== "string" || !Object.hasOwn(contentKeys, type)) return false;
  const keys: readonly string[] = contentKeys[type as keyof typeof contentKeys];
  if (type === "timeout" && typeof (value as { name?: unknown }).name !== "string") return false;
  return Object.keys(value).every((key) => key === "type" || keys.includes(key));
}

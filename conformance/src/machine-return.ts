/**
 * What a callback of a state machine returns in Erlang, and Coppice's named fields in its place. What
 * OTP would not accept either is left to the library to refuse.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-event_handler_result
 */
import { isRef, type From } from "@coppice/core";
import type {
  InvalidStateResultError,
  Reply,
  StateActions,
  StateMachineEvent,
  TimeoutSetting,
} from "@coppice/supervisor";
import type { Ret } from "./directive.js";
import { TimeoutContent, valueOf } from "./lost-timeouts.js";
import { HANDLE } from "./machine-request.js";
import type { Json } from "./program.js";
import { isArray, type Value } from "./term.js";
import { reasonOfTerm } from "./translation.js";

/** What a callback returns: all fields that there are. */
export interface MachineResult {
  readonly next?: Value;
  readonly data?: Value;
  readonly repeat?: true;
  readonly stop?: never;
  readonly actions?: readonly StateActions[];
}

/** What the terms of a rule need to become a result. */
export interface Circumstances {
  readonly data: Value;
  readonly decode: (term: Json) => Value;
  /** The reply of an action: to the caller of the event at hand, or to one that was saved. */
  readonly replyTo: (key: Json | undefined, reply: Value) => Reply;
}

/** The terms that results were made of, to tell which one was refused. */
const TERMS = new WeakMap<object, Value>();

/** What is returned for the `ret` of a rule and its `acts`. */
export function resultOf(ret: Ret, acts: readonly Json[], circumstances: Circumstances): unknown {
  const { data, decode } = circumstances;
  const [kind, argument = null] = ret;
  const actions = acts.map((act) => actionOf(act as Ret, circumstances));
  const list = { list: acts.map((act) => decode(act)) };
  switch (kind) {
    case "next_state": {
      const next = decode(argument);
      return made({ next, data, actions }, [kind, next, data, list]);
    }
    case "keep_state":
      return made({ data, actions }, [kind, data, list]);
    case "keep_state_and_data":
      return made({ actions }, [kind, list]);
    case "repeat_state":
      return made({ repeat: true, data, actions }, [kind, data, list]);
    case "repeat_state_and_data":
      return made({ repeat: true, actions }, [kind, list]);
    case "stop": {
      if (ret.length === 1) return made({ stop: "normal" as never }, kind);
      const reason = decode(argument);
      return made({ stop: reasonOfTerm(reason) as never, data }, [kind, reason, data]);
    }
    case "stop_and_reply": {
      const reason = decode(argument);
      const stop = reasonOfTerm(reason) as never;
      return made({ stop, data, actions }, [kind, reason, list, data]);
    }
    default:
      // "bad" and "throw": what is thrown is taken as returned.
      return resultOfTerm(decode(argument));
  }
}

/** What is returned in place of a term that no rule has made. */
export function resultOfTerm(term: Value): unknown {
  if (term === "keep_state_and_data") return {};
  if (term === "repeat_state_and_data") return { repeat: true };
  return term === "stop" ? { stop: "normal" } : term;
}

/** A result with more actions at its end. */
export function withActions(result: MachineResult, more: readonly StateActions[]): MachineResult {
  const longer = { ...result, actions: [...(result.actions ?? []), ...more] };
  const term = TERMS.get(result);
  return term === undefined ? longer : made(longer, term);
}

function made(result: MachineResult, term: Value): MachineResult {
  TERMS.set(result, term);
  return result;
}

function actionOf(act: Ret, circumstances: Circumstances): StateActions {
  const { decode, replyTo } = circumstances;
  const [kind, first = null, second] = act;
  switch (kind) {
    case "postpone":
      return { postpone: act.length === 1 || first === true };
    case "hibernate":
      return { hibernate: true };
    case "next_event":
      return { nextEvents: [eventOf(decode(first), decode(second as Json))] };
    case "reply":
      return { replies: [replyTo(second, decode(first))] };
    case "state_timeout":
      return { stateTimeout: settingOf(act.slice(1), decode) };
    case "event_timeout":
      return { eventTimeout: settingOf(act.slice(1), decode) };
    case "timeout":
      return { timeouts: { [timeoutName(first)]: settingOf(act.slice(2), decode) } };
    case "bad":
      return decode(first) as StateActions;
    default:
      throw new TypeError(`no such action: ${JSON.stringify(act)}`);
  }
}

/** What a timeout is set to: `cancel`; `update` and a content; or a time and a content. */
function settingOf(rest: readonly Json[], decode: (term: Json) => Value): TimeoutSetting {
  const [time = null, content = null] = rest;
  if (time === "cancel") return time;
  const value = new TimeoutContent(decode(content));
  if (time === "update") return { update: value };
  const ms = decode(time);
  return { ms: ms === "infinity" ? Infinity : (ms as number), content: value };
}

/** Timeouts of Coppice have strings for names. */
export function timeoutName(name: Json): string {
  return JSON.stringify(name);
}

function eventOf(type: Value, content: Value): StateMachineEvent {
  switch (type) {
    case "cast":
    case "internal":
      return { type, request: [HANDLE, content] };
    case "info":
      return { type, message: content };
    case "state_timeout":
      return { type: "stateTimeout", content };
    case "timeout":
      return { type: "eventTimeout", content };
    default:
      if (!isArray(type)) return { type, content } as never;
      if (type[0] !== "call") {
        return { type: "timeout", name: timeoutName(type[1] as Json), content };
      }
      return { type: "call", request: [HANDLE, content], from: type[1] as From<never> };
  }
}

// ── what was refused ──────────────────────────────────────────────────────────────────────────────

/** What OTP says of a result that cannot be: its word for it, and the term. */
export function termOfRefusal({ kind, received }: InvalidStateResultError): Value {
  return [kind, kind.includes("_action_") ? termOfAction(received) : termOfReturn(received)];
}

function termOfReturn(received: unknown): Value {
  const isObject = typeof received === "object" && received !== null;
  return (isObject ? TERMS.get(received) : undefined) ?? (received as Value);
}

/** An action that was refused stands alone in its object. */
function termOfAction(received: unknown): Value {
  const action = received as StateActions;
  if (typeof action !== "object" || action === null || isArray(received)) return received as Value;
  const [event] = action.nextEvents ?? [];
  if (event !== undefined) return termOfEvent(event);
  if (action.postpone === true) return "postpone";
  if (action.stateTimeout !== undefined) return termOfSetting("state_timeout", action.stateTimeout);
  if (action.eventTimeout !== undefined) return termOfSetting("timeout", action.eventTimeout);
  const [named] = Object.entries(action.timeouts ?? {});
  if (named === undefined) return received as Value;
  const [name, setting] = named;
  return termOfSetting(["timeout", JSON.parse(name) as Value], setting as TimeoutSetting);
}

function termOfSetting(type: Value, setting: TimeoutSetting): Value {
  const { ms, content } = setting as { readonly ms: Value; readonly content: unknown };
  return [type, ms, valueOf(content)];
}

function termOfEvent(event: StateMachineEvent): Value {
  const { type, content } = termsOfEvent(event, (message) => message as Value);
  return ["next_event", type, content];
}

/** Type and content of an event, as its callback sees them in Erlang; `"call"` without the caller. */
export function termsOfEvent(
  event: StateMachineEvent,
  termOfMessage: (message: unknown) => Value,
): { readonly type: Value; readonly content: Value } {
  switch (event.type) {
    case "call":
    case "cast":
    case "internal":
      return { type: event.type, content: contentOf(event.request) };
    case "info":
      return { type: "info", content: termOfMessage(event.message) };
    case "stateTimeout":
      return { type: "state_timeout", content: valueOf(event.content) };
    case "eventTimeout":
      return { type: "timeout", content: valueOf(event.content) };
    case "timeout": {
      const name = JSON.parse(event.name) as Value;
      return { type: ["timeout", name], content: valueOf(event.content) };
    }
    default:
      return event satisfies never;
  }
}

function contentOf(request: unknown): Value {
  return (isArray(request) && !isRef(request) ? request[1] : request) as Value;
}

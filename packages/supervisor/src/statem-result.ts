/**
 * Results: what a callback of a state machine wants done, checked, and put in the order in which it is
 * done. Pure.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html#type-event_handler_result
 */
import { isRef, type ExitReason, type From } from "@coppice/core";
import { isEvent, type StateMachineEvent } from "./statem-event.js";
import {
  isTimeoutSetting,
  type TimeoutAction,
  type TimeoutId,
  type TimeoutSetting,
} from "./statem-timeouts.js";

/** A reply to whoever waits for it: who made the call at hand, or one before. */
export interface Reply {
  readonly to: From<never>;
  readonly reply: unknown;
}

/** A reply of the type that this caller waits for, for `replies`. */
export function replyTo<R>(to: From<R>, reply: R): Reply {
  return { to, reply };
}

/**
 * What an enter call may want done besides replacing the data. Within one object it is done in the
 * order of this list.
 */
export interface EnterActions {
  /** Answers callers, in order. */
  readonly replies?: readonly Reply[] | undefined;
  /** Accepted as in OTP, where it saves memory; here it does nothing. */
  readonly hibernate?: boolean | undefined;
  /** Ends when the state changes. */
  readonly stateTimeout?: TimeoutSetting | undefined;
  /** Ends with the next event. */
  readonly eventTimeout?: TimeoutSetting | undefined;
  /** By name; go on until they are over or cancelled. */
  readonly timeouts?: { readonly [name: string]: TimeoutSetting | undefined } | undefined;
}

/** What the callback of an event may want done besides changing state and data. */
export interface StateActions extends EnterActions {
  /** Answers the call at hand; only where a call is at hand. Done before anything else. */
  readonly reply?: unknown;
  /** Handles this event again when the state has changed; `false` takes back a `true` before. */
  readonly postpone?: boolean | undefined;
  /** Handled next, in this order, before everything else. */
  readonly nextEvents?: readonly StateMachineEvent[] | undefined;
}

/** A result as the engine takes it: the fields of all the results there are. */
export interface Result extends StateActions {
  readonly next?: unknown;
  readonly data?: unknown;
  readonly repeat?: boolean | undefined;
  readonly stop?: ExitReason;
  /** More of the same, done after the fields beside it, one after the other. */
  readonly actions?: readonly StateActions[] | undefined;
}

/** What may go wrong with a result; the names are OTP's. */
export type BadResultKind =
  | "bad_return_from_init"
  | "bad_return_from_state_function"
  | "bad_state_enter_return_from_state_function"
  | "bad_action_from_state_function"
  | "bad_state_enter_action_from_state_function"
  | "bad_reply_action_from_state_function";

/** A result, or an action in it, that cannot be carried out. */
export interface BadResult {
  readonly kind: BadResultKind;
  readonly received: unknown;
}

/** One thing to be done. */
export type Action =
  | { readonly type: "reply"; readonly to: From<never>; readonly reply: unknown }
  | { readonly type: "postpone"; readonly postpone: boolean }
  | { readonly type: "nextEvent"; readonly event: StateMachineEvent }
  | { readonly type: "setTimeout"; readonly action: TimeoutAction }
  | { readonly type: "bad"; readonly bad: BadResult };

/** Where the result comes from, which decides what may stand in it. */
export interface Source {
  /** Who waits for the event at hand. */
  readonly from: From<never> | undefined;
  readonly isEnterCall: boolean;
}

const ACTIONS = [
  "reply",
  "replies",
  "postpone",
  "nextEvents",
  "hibernate",
  "stateTimeout",
  "eventTimeout",
  "timeouts",
];
const ACTION_KEYS: ReadonlySet<string> = new Set(ACTIONS);
const RESULT_KEYS: ReadonlySet<string> = new Set([
  ...ACTIONS,
  "next",
  "data",
  "repeat",
  "stop",
  "actions",
]);
const INIT_KEYS: ReadonlySet<string> = new Set([...ACTIONS, "state", "data", "actions"]);
const STOP_KEYS: ReadonlySet<string> = new Set(["stop", "data", "reply", "replies", "actions"]);
const REPLY_KEYS: ReadonlySet<string> = new Set(["to", "reply"]);

/** Is it a result of a callback, as far as its keys tell? Nothing at all is one. */
export function isResult(value: unknown): value is Result | undefined {
  if (value === undefined) return true;
  if (!isObject(value)) return false;
  const { stop, next, repeat } = value as Result;
  if (stop !== undefined) return hasOnly(value, STOP_KEYS);
  if (repeat !== undefined && (typeof repeat !== "boolean" || (repeat && next !== undefined))) {
    return false;
  }
  return hasOnly(value, RESULT_KEYS);
}

/** Is it what `init` returns for a machine that runs? */
export function isInitResult(value: unknown): value is Result & { readonly state: unknown } {
  return isObject(value) && "state" in value && hasOnly(value, INIT_KEYS);
}

/** Does it bring new data? A key counts even when `undefined` stands there. */
export function hasData(result: Result): boolean {
  return result.data !== undefined || "data" in result;
}

/** What a result wants done, in order. What cannot be done stands in its place as `bad`. */
export function actionsOf(result: Result, source: Source): readonly Action[] {
  const actions: Action[] = [];
  addActions(actions, result, source);
  const more: unknown = result.actions;
  if (more === undefined) return actions;
  if (!Array.isArray(more)) return [...actions, badAction(more)];
  for (const each of more as unknown[]) {
    if (isObject(each) && hasOnly(each, ACTION_KEYS)) addActions(actions, each, source);
    else actions.push(badAction(each));
  }
  return actions;
}

/** What is done before a machine stops: replies, and nothing else. */
export function repliesOf(result: Result, source: Source): readonly Action[] {
  return actionsOf(result, { ...source, isEnterCall: false }).map((action) => {
    if (action.type === "reply") return action;
    const received = action.type === "bad" ? action.bad.received : action;
    return bad("bad_reply_action_from_state_function", received);
  });
}

/** Adds what stands in one object, in the order of its type. */
function addActions(actions: Action[], from: StateActions, source: Source): void {
  const { reply, replies, postpone, nextEvents, hibernate, stateTimeout, eventTimeout } = from;
  if (reply !== undefined || "reply" in from) {
    const to = source.from;
    actions.push(to === undefined ? badAction({ reply }) : { type: "reply", to, reply });
  }
  if (replies !== undefined) addEach(actions, replies, "replies", replyAction);
  if (hibernate !== undefined && typeof hibernate !== "boolean") {
    actions.push(badAction({ hibernate }));
  }
  if (postpone !== undefined) actions.push(postponeAction(postpone, source));
  if (nextEvents !== undefined) {
    addEach(actions, nextEvents, "nextEvents", (event) => nextEventAction(event, source));
  }
  if (stateTimeout !== undefined) {
    actions.push(timeoutAction({ type: "stateTimeout" }, stateTimeout));
  }
  if (eventTimeout !== undefined) {
    actions.push(timeoutAction({ type: "eventTimeout" }, eventTimeout));
  }
  if (from.timeouts !== undefined) addNamedTimeouts(actions, from.timeouts);
}

function addEach(
  actions: Action[],
  list: unknown,
  key: string,
  make: (item: unknown) => Action,
): void {
  if (!Array.isArray(list)) actions.push(badAction({ [key]: list }));
  else for (const item of list as unknown[]) actions.push(make(item));
}

function addNamedTimeouts(actions: Action[], timeouts: unknown): void {
  if (!isObject(timeouts)) {
    actions.push(badAction({ timeouts }));
    return;
  }
  for (const [name, setting] of Object.entries(timeouts)) {
    if (setting !== undefined) actions.push(timeoutAction({ type: "timeout", name }, setting));
  }
}

function replyAction(value: unknown): Action {
  if (isObject(value) && "reply" in value && hasOnly(value, REPLY_KEYS)) {
    const { to, reply } = value as Partial<Reply>;
    if (isRef(to)) return { type: "reply", to, reply };
  }
  return badAction({ replies: [value] });
}

function postponeAction(postpone: unknown, { isEnterCall }: Source): Action {
  if (typeof postpone !== "boolean") return badAction({ postpone });
  if (postpone && isEnterCall) return badEnterAction({ postpone });
  return { type: "postpone", postpone };
}

function nextEventAction(event: unknown, { isEnterCall }: Source): Action {
  if (isEnterCall) return badEnterAction({ nextEvents: [event] });
  return isEvent(event) ? { type: "nextEvent", event } : badAction({ nextEvents: [event] });
}

function timeoutAction(timeout: TimeoutId, setting: unknown): Action {
  if (isTimeoutSetting(setting)) return { type: "setTimeout", action: { timeout, setting } };
  return badAction(
    timeout.type === "timeout"
      ? { timeouts: { [timeout.name]: setting } }
      : { [timeout.type]: setting },
  );
}

function badAction(received: unknown): Action {
  return bad("bad_action_from_state_function", received);
}

function badEnterAction(received: unknown): Action {
  return bad("bad_state_enter_action_from_state_function", received);
}

function bad(kind: BadResultKind, received: unknown): Action {
  return { type: "bad", bad: { kind, received } };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasOnly(value: object, keys: ReadonlySet<string>): boolean {
  let isEmpty = true;
  for (const key in value) {
    if (!keys.has(key)) return false;
    isEmpty = false;
  }
  return !isEmpty || isPlain(value);
}

/** Is it an object like `{}`? A `Map` or a `Date` without keys of its own says something else. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

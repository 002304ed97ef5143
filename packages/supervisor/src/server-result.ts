/**
 * Results: what a callback of a server may ask for, and what of it goes together. Pure.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#Module:handle_call-3
 */
import { InvalidCallbackResultError } from "./errors.js";
import type { Callbacks } from "./server-callbacks.js";

/** What a callback was called for. */
export type What = "init" | "call" | "cast" | "info" | "down" | "exit" | "continue" | "timeout";

/** A result: the fields of all that there are. */
export interface Result {
  readonly reply?: unknown;
  readonly state?: unknown;
  readonly stop?: unknown;
  readonly continue?: unknown;
  readonly timeoutMs?: unknown;
}

/** The fields of a result, as bits. */
export const REPLY = 1;
export const STATE = 2;
export const STOP = 4;
export const CONTINUE = 8;
export const TIMEOUT_MS = 16;
export const UNKNOWN = 32;

export function fieldOf(key: string): number {
  switch (key) {
    case "reply":
      return REPLY;
    case "state":
      return STATE;
    case "stop":
      return STOP;
    case "continue":
      return CONTINUE;
    case "timeoutMs":
      return TIMEOUT_MS;
    default:
      return UNKNOWN;
  }
}

/** What `init` may return in place of a state. */
export interface InitResult extends Result {
  readonly ignore?: unknown;
}

const INIT_KEYS: ReadonlySet<string> = new Set([
  "state",
  "continue",
  "timeoutMs",
  "stop",
  "ignore",
]);

/** Not a bare state: made of the fields of an `InitResult`, and has one of its own. */
export function isInitResult(result: unknown): result is InitResult {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return false;
  const { ignore } = result as InitResult;
  if (!("state" in result || "stop" in result || ignore === true)) return false;
  return Object.keys(result).every((key) => INIT_KEYS.has(key));
}

/** @throws InvalidCallbackResultError it asks for what does not go together, or has no callback */
export function checkInitResult(result: InitResult, callbacks: Callbacks): void {
  const { stop, ignore, continue: argument, timeoutMs } = result;
  const asksFor = [stop !== undefined, ignore === true, "state" in result].filter(Boolean).length;
  if (asksFor !== 1 || (argument !== undefined && timeoutMs !== undefined)) {
    throw badResult("init", result);
  }
  if ("state" in result) checkCallbackFor("init", result, callbacks);
}

/** A result that asks for `continue` or `timeoutMs` needs the callback of it. */
export function checkCallbackFor(what: What, result: Result, callbacks: Callbacks): void {
  const { continue: argument, timeoutMs } = result;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw badResult(what, result, "a timeoutMs of at least 0");
  }
  if (argument !== undefined && callbacks.continue === undefined) {
    throw badResult(what, result, "nothing to continue with: there is no callback continue");
  }
  if (timeoutMs !== undefined && callbacks.timeout === undefined) {
    throw badResult(what, result, "no timeoutMs: there is no callback timeout");
  }
}

/** An empty array or Map is a state that somebody forgot to wrap. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function badResult(what: What, result: unknown, expected: string = expectedOf(what)): Error {
  return new InvalidCallbackResultError(what, expected, result);
}

function expectedOf(what: What): string {
  if (what === "init") return "a state, or one of { state }, { stop } and { ignore: true }";
  const reply = what === "call" ? "reply, " : "";
  return `nothing, or an object of ${reply}state, and one of stop, continue and timeoutMs`;
}

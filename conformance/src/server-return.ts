/**
 * What a callback of a server returns as a term, in the place of Coppice's named fields. What OTP
 * would not accept either is left to the library to refuse.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html (callback functions)
 */
import { InvalidCallbackResultError, type CallResult } from "@coppice/supervisor";
import { isArray, type Value } from "./term.js";
import { reasonOfTerm } from "./translation.js";

/** The terms that results were made of, to tell which one was refused. */
const TERMS = new WeakMap<object, Value>();

/** The term that the library refused as the result of a callback. */
export function termOfResult(result: unknown): Value {
  const term = typeof result === "object" && result !== null ? TERMS.get(result) : undefined;
  return term ?? (result as Value);
}

/** What is returned in place of a term. */
export function resultOfTerm(term: Value, callback: string): unknown {
  // Any value would do as the first state.
  if (callback === "init") throw new InvalidCallbackResultError(callback, "{ok, State}", term);
  const result = isArray(term) ? fieldsOf(term) : undefined;
  if (result === undefined) return term;
  TERMS.set(result, term);
  return result;
}

function fieldsOf([tag, ...rest]: readonly Value[]): CallResult<Value> | undefined {
  if (tag === "stop") return stopping(rest);
  const replies = tag === "reply";
  if (!replies && tag !== "noreply") return undefined;
  const [state, next, ...more] = replies ? rest.slice(1) : rest;
  if (state === undefined || more.length > 0) return undefined;
  return { ...(replies && { reply: rest[0] }), state, ...nextOf(next) };
}

function stopping(rest: readonly Value[]): CallResult<Value> | undefined {
  const [reason, state] = [rest[0], rest.at(-1)];
  if (reason === undefined || state === undefined) return undefined;
  if (rest.length === 2) return { stop: reasonOfTerm(reason), state };
  if (rest.length === 3) return { stop: reasonOfTerm(reason), reply: rest[1], state };
  return undefined;
}

function nextOf(next: Value | undefined): CallResult<Value> {
  return next === undefined || next === "hibernate" ? {} : { timeoutMs: timeoutMsOf(next) };
}

export function timeoutMsOf(timeout: Value): number {
  return timeout === "infinity" ? Infinity : (timeout as number);
}

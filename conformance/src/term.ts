/**
 * Terms of Erlang: as JSON in programs and traces, and as values while a program runs.
 *
 * A value looks like its JSON, so that atom, tuple, list and map stay apart; only variables are
 * different: in their place stand the pids and references of the node.
 *
 * OTP: https://www.erlang.org/doc/system/data_types.html
 */
import { isPid, isRef, type AnyPid, type Ref } from "@coppice/core";
import type { Json } from "./program.js";

export type Value =
  | string
  | number
  | boolean
  | AnyPid
  | Ref
  /** A tuple. */
  | readonly Value[]
  | { readonly list: readonly Value[] }
  | { readonly map: readonly (readonly [key: Value, value: Value])[] }
  /** `{Reason, Stacktrace}`; as a pattern, any pair that begins with the reason. */
  | { readonly crash: Value }
  /** `{Module, Function, Args}` in an exit reason. */
  | { readonly mfa: readonly [module: string, function_: string] }
  /** What a step sent to a behaviour: a directive, or the like. */
  | { readonly msg: number }
  /** A request that a behaviour's client sent. */
  | { readonly gen_call: readonly [caller: Value, request: Value] }
  | { readonly gen_cast: Value }
  /** A child specification. */
  | { readonly child: Value };

/** The module whose callbacks do as they are told. */
export const CALLBACK_MODULE = "<mod>";

/** What a variable stands for. */
export type Bound = AnyPid | Ref;

/** The node that the programs were recorded on, and run on here. */
export const NODE_NAME = "nonode@nohost";

// ── from JSON ─────────────────────────────────────────────────────────────────────────────────────

/** A variable that nothing is bound to. */
export class UnboundVariableError extends Error {
  override readonly name = "UnboundVariableError";
}

/**
 * Makes the value of a term.
 *
 * @param lookUp what a variable stands for, without its brackets
 * @throws UnboundVariableError `lookUp` does not know a variable
 */
export function decode(json: Json, lookUp: (variable: string) => Bound | undefined): Value {
  const decodeAll = (terms: readonly Json[]): Value[] => terms.map((term) => decode(term, lookUp));
  if (json === null) return "undefined";
  if (typeof json === "string") {
    const variable = /^<(.+)>$/.exec(json)?.[1];
    if (variable === undefined) return json;
    const bound = lookUp(variable);
    if (bound === undefined) throw new UnboundVariableError(`nothing is bound to ${json}`);
    return bound;
  }
  if (typeof json !== "object") return json;
  if (isArray(json)) return decodeAll(json);
  const [form, ...more] = Object.entries(json);
  if (form !== undefined && more.length === 0) {
    const [key, content] = form;
    if (key === "crash") return { crash: decode(content, lookUp) };
    if (isArray(content)) {
      if (key === "list") return { list: decodeAll(content) };
      if (key === "map") return { map: (content as readonly Json[][]).map(decodeAll) as never };
      if (key === "exit") return ["EXIT", ...decodeAll(content)];
      if (key === "down") {
        const [ref, object, reason] = decodeAll(content) as [Value, Value, Value];
        return ["DOWN", ref, "process", object, reason];
      }
    }
  }
  throw new TypeError(`not a term: ${JSON.stringify(json)}`);
}

// ── to JSON ───────────────────────────────────────────────────────────────────────────────────────

/** Writes a value as a term; pids and references by the names they were bound to. */
export function encode(value: Value, nameOf: (bound: Bound) => string | undefined): Json {
  const encodeAll = (values: readonly Value[]): Json[] => values.map((v) => encode(v, nameOf));
  if (isPid(value)) return `<${nameOf(value) ?? "pid"}>`;
  if (isRef(value)) return `<${nameOf(value) ?? "ref"}>`;
  if (typeof value !== "object") return value;
  if (isArray(value)) {
    const [tag, second, third, fourth] = value;
    if (value.length === 3 && tag === "EXIT" && isPid(second)) {
      return { exit: encodeAll(value.slice(1)) };
    }
    if (value.length === 5 && isRef(second) && third === "process") {
      const object = isLocalName(fourth) ? fourth[0] : fourth;
      const [ref, target, reason] = encodeAll([second, object as Value, value[4] as Value]);
      if (tag === "DOWN") return { down: [ref, target, reason] as Json[] };
      return [encode(tag as Value, nameOf), ref, "process", target, reason] as Json[];
    }
    return encodeAll(value);
  }
  if ("list" in value) return { list: encodeAll(value.list) };
  if ("map" in value) return { map: value.map.map(encodeAll).sort(byKey) };
  if ("crash" in value) return { crash: encode(value.crash, nameOf) };
  if ("mfa" in value) return { mfa: value.mfa };
  if ("msg" in value) return { msg: value.msg };
  if ("gen_call" in value) return { gen_call: encodeAll(value.gen_call) };
  if ("gen_cast" in value) return { gen_cast: encode(value.gen_cast, nameOf) };
  if ("child" in value) return { child: encode(value.child, nameOf) };
  throw new TypeError(`not a term: ${JSON.stringify(value)}`);
}

/** `{Name, Node}` with this node: how a `DOWN` names what was monitored by name. */
function isLocalName(value: Value | undefined): value is readonly [Value, string] {
  return isArray(value) && value.length === 2 && value[1] === NODE_NAME;
}

/** Erlang's order of terms, as far as keys of maps need it: numbers, atoms, tuples, others. */
function byKey([a]: readonly Json[], [b]: readonly Json[]): number {
  const kind = (key: Json | undefined): number =>
    typeof key === "number" ? 0 : typeof key === "object" ? (isArray(key) ? 2 : 3) : 1;
  if (kind(a) !== kind(b)) return kind(a) - kind(b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** Orders names, with or without brackets, so that `p2` comes before `p10`; tuples by their elements. */
export function naturalOrder(a: Json, b: Json): number {
  if (isArray(a) && isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = naturalOrder(a[i] as Json, b[i] as Json);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [prefixA, numberA] = splitName(a);
  const [prefixB, numberB] = splitName(b);
  if (prefixA !== prefixB) return prefixA < prefixB ? -1 : 1;
  return numberA - numberB;
}

function splitName(name: Json): [prefix: string, number: number] {
  const text = typeof name === "string" ? name.replace(/^<(.*)>$/, "$1") : JSON.stringify(name);
  const prefix = text.replace(/[0-9]+$/, "");
  return [prefix, Number(text.slice(prefix.length) || 0)];
}

// ── matching ──────────────────────────────────────────────────────────────────────────────────────

/** Does a value match? `_` matches anything, and a name a `{Name, Node}` in a `DOWN`. */
export function matches(pattern: Value, value: Value): boolean {
  if (pattern === "_" || pattern === value) return true;
  if (typeof pattern !== "object" || typeof value !== "object") return false;
  if (isPid(pattern) || isRef(pattern) || isPid(value) || isRef(value)) return false;
  if (isArray(pattern)) {
    if (isArray(value)) return matchesAll(pattern, nameAsIn(pattern, value));
    // A crash is a pair with a stack, and nobody knows the stack.
    if (!("crash" in value) || pattern.length !== 2) return false;
    return matches(pattern[0] as Value, value.crash) && pattern[1] === "_";
  }
  if ("crash" in pattern) {
    if (isArray(value)) return value.length === 2 && matches(pattern.crash, value[0] as Value);
    return "crash" in value && matches(pattern.crash, value.crash);
  }
  if (isArray(value)) return false;
  if ("list" in pattern) return "list" in value && matchesAll(pattern.list, value.list);
  return (
    "map" in pattern &&
    "map" in value &&
    pattern.map.length === value.map.length &&
    pattern.map.every((entry) => value.map.some((other) => matches(entry, other)))
  );
}

function matchesAll(patterns: readonly Value[], values: readonly Value[]): boolean {
  return (
    patterns.length === values.length &&
    patterns.every((pattern, index) => matches(pattern, values[index] as Value))
  );
}

/** The value, with the bare name in a `DOWN` where the pattern has one. */
function nameAsIn(pattern: readonly Value[], value: readonly Value[]): readonly Value[] {
  const object = value[3];
  const isNamed = value.length === 5 && value[2] === "process" && isArray(object);
  return isNamed && typeof pattern[3] === "string" ? value.with(3, object[0] as Value) : value;
}

export function isArray<T>(value: T): value is Extract<T, readonly unknown[]> {
  return Array.isArray(value);
}

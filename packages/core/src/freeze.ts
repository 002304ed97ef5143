/**
 * Freezing what is sent, so that a change to it throws where it is made and tells where it was sent.
 *
 * The engine's own freeze throws a TypeError that names neither the object nor the send. So fields
 * become accessors whose setter knows both, and the changing methods of arrays, Maps, Sets and Dates
 * throw. Only for what no accessor can catch (a new, deleted or redefined property, the length of an
 * array) the engine's error has to be read.
 */
import { MutationAfterSendError } from "./errors.js";
import { isErrorLike } from "./exit-reason.js";
import { isName, isRemoteName } from "./name.js";
import { isOpaqueValue } from "./opaque.js";
import { ProcessId } from "./pid.js";
import { Reference } from "./reference.js";

/** How many places of sending are remembered for the errors that do not name their object. */
const REMEMBERED = 64;

/** How many places of sending an error may name when it is not known which one it was. */
const MAX_SITES = 5;

/** How V8, SpiderMonkey and JavaScriptCore say that something was added to what is frozen. */
const ENGINE_SAYS_ADDED = [
  /Cannot add property ([^,]+),/,
  /Cannot define property ([^,]+),/,
  /can't define property "([^"]+)"/,
  /Attempting to define (property)/,
];

/** The same of a property that was there. */
const ENGINE_SAYS_CHANGED = [
  /Cannot redefine property: (.+)$/,
  /Cannot delete property '([^']+)'/,
  /read only property '(length)'/,
  /can't redefine non-configurable property "([^"]+)"/,
  /property "([^"]+)" is non-configurable/,
  /"(length)" is read-only/,
];

const ENGINE_SAYS_ASSIGNED = [
  /Cannot assign to read only property '([^']+)'/,
  /"([^"]+)" is read-only/,
  /Attempted to assign to (readonly property)/,
];

/** In place of the place of sending. */
const UNTRACED = "    (not remembered: the node was made with traceSends: false)";

const ARRAY_METHODS = [
  "push",
  "pop",
  "shift",
  "unshift",
  "splice",
  "sort",
  "reverse",
  "fill",
  "copyWithin",
];
const MAP_METHODS = ["set", "delete", "clear"];
const SET_METHODS = ["add", "delete", "clear"];
const DATE_METHODS = Object.getOwnPropertyNames(Date.prototype).filter((name) =>
  name.startsWith("set"),
);

export class Freezer {
  #frozen: WeakSet<object> | undefined = undefined;
  /** The last message sent at each place, the place used last at the end. */
  #sends: Map<string, object> | undefined = undefined;

  /** Freezes without remembering where: some fifty times as fast. */
  freezeOnly(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    // The most frequent of what is opaque: nearly every request says whom to answer.
    if (ProcessId.is(value) || value instanceof Reference) return;
    if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) {
      this.#freeze(value, UNTRACED);
      return;
    }
    if (Object.isFrozen(value)) {
      // By us, or by a user who may have left open what is inside.
      if (this.#frozen?.has(value)) return;
      (this.#frozen ??= new WeakSet()).add(value);
    } else Object.freeze(value);
    for (const key in value) this.freezeOnly((value as Record<string, unknown>)[key]);
  }

  freeze(message: object): void {
    const sentAt = stackHere();
    const sends = (this.#sends ??= new Map());
    sends.delete(sentAt);
    sends.set(sentAt, message);
    if (sends.size > REMEMBERED) sends.delete(sends.keys().next().value as string);
    this.#freeze(message, sentAt);
  }

  /** Of an error about something that was frozen without remembering where. */
  explainUntraced(error: Error): unknown {
    const said = [...ENGINE_SAYS_ASSIGNED, ...ENGINE_SAYS_ADDED, ...ENGINE_SAYS_CHANGED];
    if (error.name !== "TypeError" || firstMatch(said, error.message) === undefined) return error;
    const explained = new MutationAfterSendError(error.message, UNTRACED, error);
    if (error.stack !== undefined) {
      explained.stack = `${explained.name}: ${explained.message}\n${error.stack}`;
    }
    return explained;
  }

  explain(error: Error): unknown {
    if (error.name !== "TypeError") return error;
    const added = firstMatch(ENGINE_SAYS_ADDED, error.message);
    const changed = firstMatch(ENGINE_SAYS_CHANGED, error.message);
    if ((added ?? changed) === undefined) return error;
    // What was added tells nothing of where it was added to: the last places are as good as any.
    const sites = [...(this.#sends ?? [])]
      .filter(([, message]) => changed === undefined || mentions(message, changed, new Set()))
      .map(([sentAt]) => sentAt)
      .slice(-MAX_SITES)
      .reverse();
    if (sites.length === 0) return error;
    const explained = new MutationAfterSendError(error.message, sites.join("\n  or at:\n"), error);
    if (error.stack !== undefined) {
      explained.stack = `${explained.name}: ${explained.message}\n${error.stack}`;
    }
    return explained;
  }

  #freeze(value: unknown, sentAt: string): void {
    if (typeof value !== "object" || value === null || isOpaque(value)) return;
    if (this.#frozen?.has(value)) return;
    // Binary data cannot be frozen by any means the language has.
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
    (this.#frozen ??= new WeakSet()).add(value);
    if (value instanceof Map) {
      for (const part of [...value].flat()) this.#freeze(part, sentAt);
    } else if (value instanceof Set) {
      for (const part of value) this.#freeze(part, sentAt);
    }
    for (const key of Reflect.ownKeys(value)) this.#freezeField(value, key, sentAt);
    for (const method of changingMethods(value)) {
      const refuse = (): never => {
        throw new MutationAfterSendError(`${method}() was called on ${kindOf(value)}`, sentAt);
      };
      if (Object.isExtensible(value)) Object.defineProperty(value, method, { value: refuse });
    }
    Object.freeze(value);
  }

  #freezeField(value: object, key: string | symbol, sentAt: string): void {
    const field = Object.getOwnPropertyDescriptor(value, key);
    if (field === undefined || !("value" in field)) return;
    const part = field.value as unknown;
    this.#freeze(part, sentAt);
    // Engines keep an error's fields in ways of their own.
    if (field.configurable !== true || isErrorLike(value)) return;
    Object.defineProperty(value, key, {
      get: () => part,
      set: () => {
        throw new MutationAfterSendError(`${String(key)} of ${kindOf(value)} was set`, sentAt);
      },
      enumerable: field.enumerable === true,
    });
  }
}

/** Identities, and what is opaque: the same for sender and receiver. */
export function isOpaque(value: unknown): boolean {
  return (
    ProcessId.is(value) ||
    value instanceof Reference ||
    isName(value) ||
    isRemoteName(value) ||
    isOpaqueValue(value)
  );
}

function changingMethods(value: object): readonly string[] {
  if (Array.isArray(value)) return ARRAY_METHODS;
  if (value instanceof Map) return MAP_METHODS;
  if (value instanceof Set) return SET_METHODS;
  return value instanceof Date ? DATE_METHODS : [];
}

function kindOf(value: object): string {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function firstMatch(patterns: readonly RegExp[], text: string): string | undefined {
  return patterns.map((pattern) => pattern.exec(text)?.[1]).find(Boolean);
}

/** Is it, or does it hold, an object that has `property`, or an array when that is an index? */
function mentions(value: unknown, property: string, seen: Set<object>): boolean {
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  seen.add(value);
  if (Object.hasOwn(value, property)) return true;
  if (Array.isArray(value) && /^\d+$/.test(property)) return true;
  return Object.values(value).some((part) => mentions(part, property, seen));
}

/** The stack of the code that called into the runtime, without the frames of this file. */
function stackHere(): string {
  const { stack } = new Error();
  return stack === undefined ? "(unknown)" : stack.split("\n").slice(4).join("\n");
}

/**
 * Isolation: what sender and receiver share of a message.
 *
 * OTP copies every message; JavaScript shares it. Sharing is fast and right as long as nobody changes
 * what was sent. `freeze` finds who does; `clone` makes it harmless.
 */
import { MutationAfterSendError, UncloneableMessageError } from "./errors.js";
import { isErrorLike } from "./exit-reason.js";
import { isName, isRemoteName } from "./name.js";
import { ProcessId } from "./pid.js";
import { Reference } from "./reference.js";

/**
 * | mode | the receiver gets | a change after sending |
 * | --- | --- | --- |
 * | `"share"` | the object itself | is seen by the receiver |
 * | `"freeze"` | the object itself, deeply frozen | throws where it is made; reported with both stacks |
 * | `"clone"` | a deep copy | is not seen by the receiver |
 */
export type Isolation = "share" | "freeze" | "clone";

/** Those of one node. */
export class MessageIsolation {
  readonly mode: Isolation;
  /** Where frozen objects were sent. */
  readonly #sent = new WeakMap<object, string>();
  /** The last sends, newest last: an error about a frozen object does not say which one. */
  readonly #recent: { message: object; sentAt: string }[] = [];

  constructor(mode: Isolation) {
    this.mode = mode;
  }

  /**
   * What is to be sent instead of `message`.
   *
   * @throws UncloneableMessageError it holds a function, a symbol, or an instance of a class
   */
  prepare(message: unknown): unknown {
    if (typeof message !== "object" || message === null) {
      if (typeof message === "function" || typeof message === "symbol") {
        if (this.mode === "clone")
          throw new UncloneableMessageError("message", `a ${typeof message}`);
      }
      return message;
    }
    if (this.mode === "clone") return clone(message, "message", new Map());
    if (this.mode === "freeze") {
      const sentAt = stackHere();
      this.#freeze(message, sentAt);
      this.#recent.push({ message, sentAt });
      if (this.#recent.length > 64) this.#recent.shift();
    }
    return message;
  }

  /** If `error` is the engine's word for a change to a frozen message, says so, with both stacks. */
  explain(error: unknown): unknown {
    if (this.mode !== "freeze" || !isErrorLike(error) || error.name !== "TypeError") return error;
    const property = FROZEN.map((pattern) => pattern.exec(error.message)?.[1]).find(Boolean);
    if (property === undefined) return error;
    const culprit =
      this.#recent.findLast(({ message }) => mentions(message, property, new Set())) ??
      this.#recent.at(-1);
    if (culprit === undefined) return error;
    const explained = new MutationAfterSendError(error.message, culprit.sentAt, error);
    if (error.stack !== undefined)
      explained.stack = `${explained.name}: ${explained.message}\n${error.stack}`;
    return explained;
  }

  #freeze(value: unknown, sentAt: string): void {
    if (typeof value !== "object" || value === null) return;
    if (ProcessId.is(value) || value instanceof Reference || isName(value) || isRemoteName(value))
      return;
    if (this.#sent.has(value)) return;
    // Binary data cannot be frozen by any means the language has.
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
    this.#sent.set(value, sentAt);
    for (const key of Reflect.ownKeys(value)) {
      const part = Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
      this.#freeze(part, sentAt);
    }
    if (value instanceof Map || value instanceof Set) {
      for (const part of value instanceof Map ? [...value].flat() : value)
        this.#freeze(part, sentAt);
      forbid(
        value,
        value instanceof Map ? ["set", "delete", "clear"] : ["add", "delete", "clear"],
        sentAt,
      );
    } else if (value instanceof Date) {
      const setters = Object.getOwnPropertyNames(Date.prototype).filter((name) =>
        name.startsWith("set"),
      );
      forbid(value, setters, sentAt);
    }
    Object.freeze(value);
  }
}

/** V8, SpiderMonkey and JavaScriptCore each say it in their own words. */
const FROZEN = [
  /read only property '([^']+)'/,
  /Cannot add property ([^,]+),/,
  /Cannot delete property '([^']+)'/,
  /"([^"]+)" is read-only/,
  /can't define property "([^"]+)"/,
  /property "([^"]+)" is non-configurable/,
  /Attempted to assign to readonly (property)/,
];

/** Freezing a Map, a Set or a Date does not stop its own methods. */
function forbid(value: object, methods: readonly string[], sentAt: string): void {
  const kind = value instanceof Map ? "Map" : value instanceof Set ? "Set" : "Date";
  for (const method of methods) {
    Object.defineProperty(value, method, {
      value: () => {
        throw new MutationAfterSendError(`${method}() was called on a ${kind}`, sentAt);
      },
    });
  }
}

/** Is it, or does it hold, an object that has `property`, or an array (whose index is told)? */
function mentions(value: unknown, property: string, seen: Set<object>): boolean {
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  seen.add(value);
  if (Object.hasOwn(value, property)) return true;
  if (Array.isArray(value) && /^\d+$/.test(property)) return true;
  return Object.values(value).some((part) => mentions(part, property, seen));
}

/** The stack of the code that called into the runtime. */
function stackHere(): string {
  const { stack } = new Error();
  return stack === undefined ? "(unknown)" : stack.split("\n").slice(4).join("\n");
}

function clone(value: unknown, path: string, done: Map<object, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new UncloneableMessageError(path, `a ${typeof value}`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (ProcessId.is(value) || value instanceof Reference || isName(value) || isRemoteName(value)) {
    return value;
  }
  const known = done.get(value);
  if (known !== undefined) return known;
  const keep = <T>(copy: T): T => {
    done.set(value, copy);
    return copy;
  };
  if (Array.isArray(value)) {
    const copy: unknown[] = keep([]);
    value.forEach((part, index) => (copy[index] = clone(part, `${path}[${index}]`, done)));
    copy.length = value.length;
    return copy;
  }
  if (isErrorLike(value)) return keep(cloneError(value, path, done));
  switch (Object.prototype.toString.call(value)) {
    case "[object Map]": {
      const copy = keep(new Map<unknown, unknown>());
      for (const [key, part] of value as Map<unknown, unknown>) {
        copy.set(clone(key, `${path}.key`, done), clone(part, `${path}.get(${String(key)})`, done));
      }
      return copy;
    }
    case "[object Set]": {
      const copy = keep(new Set<unknown>());
      for (const part of value as Set<unknown>) copy.add(clone(part, `${path}.element`, done));
      return copy;
    }
    case "[object Date]":
      return keep(new Date((value as Date).getTime()));
    case "[object RegExp]":
      return keep(new RegExp((value as RegExp).source, (value as RegExp).flags));
    case "[object ArrayBuffer]":
      return keep((value as ArrayBuffer).slice(0));
    default:
  }
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, path));
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new UncloneableMessageError(path, `an instance of ${value.constructor.name}`);
  }
  const copy = keep(Object.create(prototype) as Record<string, unknown>);
  for (const key of Object.keys(value)) {
    copy[key] = clone((value as Record<string, unknown>)[key], `${path}.${key}`, done);
  }
  return copy;
}

function cloneView(view: ArrayBufferView, path: string): unknown {
  const { buffer, byteOffset, byteLength } = view;
  if (
    !(buffer instanceof ArrayBuffer) &&
    Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]"
  ) {
    throw new UncloneableMessageError(path, "a view of shared memory");
  }
  const copy = buffer.slice(byteOffset, byteOffset + byteLength);
  if (view instanceof DataView) return new DataView(copy as ArrayBuffer);
  // The standard kind, also for a subclass such as Node's Buffer.
  const tag = Object.prototype.toString.call(view).slice(8, -1);
  let prototype = Object.getPrototypeOf(view) as { constructor: Function };
  while (prototype.constructor.name !== tag) prototype = Object.getPrototypeOf(prototype) as never;
  return new (prototype.constructor as new (buffer: ArrayBufferLike) => unknown)(copy);
}

/** Same name, message, stack and cause; of the base class `Error`, as structured clone has it. */
function cloneError(error: Error, path: string, done: Map<object, unknown>): Error {
  const copy = new Error(error.message);
  done.set(error, copy);
  Object.defineProperty(copy, "name", { value: error.name, configurable: true, writable: true });
  if (error.stack !== undefined) copy.stack = error.stack;
  if (error.cause !== undefined) copy.cause = clone(error.cause, `${path}.cause`, done);
  const { code } = error as { code?: unknown };
  if (typeof code === "string" || typeof code === "number") Object.assign(copy, { code });
  return copy;
}

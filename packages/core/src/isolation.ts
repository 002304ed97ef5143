/**
 * Isolation: what sender and receiver share of a message.
 *
 * OTP copies every message; JavaScript shares it. Sharing is fast and right as long as nobody changes
 * what was sent. `freeze` finds who does; `clone` makes it harmless.
 */
import { UncloneableMessageError } from "./errors.js";
import { formatTerm, isErrorLike } from "./exit-reason.js";
import { Freezer, isOpaque } from "./freeze.js";

/**
 * | mode | the receiver gets | a change after sending |
 * | --- | --- | --- |
 * | `"share"` | the object itself | is seen by the receiver |
 * | `"freeze"` | the object itself, deeply frozen | throws where it is made; reported with both stacks |
 * | `"clone"` | a deep copy | is not seen by the receiver |
 */
export type Isolation = "share" | "freeze" | "clone";

/** The isolation of one node. */
export class MessageIsolation {
  readonly mode: Isolation;
  readonly #freezer = new Freezer();

  readonly #traced: boolean;

  constructor(mode: Isolation, traced: boolean) {
    this.mode = mode;
    this.#traced = traced;
  }

  /**
   * What is to be sent instead of `message`.
   *
   * @throws UncloneableMessageError it holds a function, a symbol, or an instance of a class
   */
  prepare(message: unknown): unknown {
    try {
      return this.#prepare(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // The engine's stack is at its end.
      throw new UncloneableMessageError("message", "nested too deeply");
    }
  }

  #prepare(message: unknown): unknown {
    if (this.mode === "clone") return clone(message, "message", new Map());
    if (this.mode === "freeze" && typeof message === "object" && message !== null) {
      if (this.#traced) this.#freezer.freeze(message);
      else this.#freezer.freezeOnly(message);
    }
    return message;
  }

  /** If `error` is the engine's word for a change to a sent message, says so, with both stacks. */
  explain(error: unknown): unknown {
    if (this.mode !== "freeze" || !isErrorLike(error)) return error;
    return this.#traced ? this.#freezer.explain(error) : this.#freezer.explainUntraced(error);
  }
}

function clone(value: unknown, path: string, done: Map<object, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new UncloneableMessageError(path, `a ${typeof value}`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (isOpaque(value)) return value;
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
        copy.set(
          clone(key, `${path}.key`, done),
          clone(part, `${path}.get(${formatTerm(key, 40)})`, done),
        );
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
    throw new UncloneableMessageError(path, `an instance of ${className(value)}`);
  }
  const copy = keep(Object.create(prototype) as Record<string, unknown>);
  for (const key of Object.keys(value)) {
    // Not by assignment: a property called __proto__ would become the prototype.
    Object.defineProperty(copy, key, {
      value: clone((value as Record<string, unknown>)[key], `${path}.${key}`, done),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

function className(value: object): string {
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  return typeof constructor === "function" && constructor.name !== ""
    ? constructor.name
    : "a class without a name";
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
  while (prototype.constructor.name !== tag)
    prototype = Object.getPrototypeOf(prototype) as { constructor: Function };
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

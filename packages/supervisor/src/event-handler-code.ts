/** The code of event handlers, checked, and what stands for a handler: its name, its arguments, its code. */
import { InvalidArgumentError, type Term } from "@coppice/core";
import { checkCallbacks, type CallbackFields } from "./callback-check.js";
import { isPlainTerm, type EventHandlerId } from "./event-handler-id.js";
import type { Handover } from "./event-handler.js";
import {
  argumentsOf,
  callbacksByName,
  type Callback,
  type CallbacksByName,
} from "./request-callback.js";

interface Callbacks {
  readonly name: string;
  readonly init: (...args: unknown[]) => unknown;
  readonly takeOver?: (handover: Handover, ...args: unknown[]) => unknown;
  readonly event: Callback;
  readonly call?: Readonly<Record<string, Callback>>;
  readonly info?: Callback;
  readonly down?: Callback;
  readonly exit?: Callback;
  readonly terminate?: Callback;
  readonly status?: (state: unknown) => unknown;
}

/** The code of a handler. */
export class HandlerCode {
  readonly callbacks: Callbacks;
  readonly calls: CallbacksByName;

  constructor(callbacks: Callbacks) {
    this.callbacks = callbacks;
    this.calls = callbacksByName(callbacks.call);
  }

  /** Why `init` cannot be called with these, if it cannot. */
  refusal(argument: string, args: readonly unknown[]): InvalidArgumentError | undefined {
    const { least, most } = argumentsOf(this.callbacks.init, 0);
    if (args.length >= least && args.length <= most) return undefined;
    const expected =
      args.length < least
        ? `given at least ${least} arguments of init, by with()`
        : `given at most ${most} arguments of init`;
    return new InvalidArgumentError(argument, expected, args);
  }
}

/** What `defineEventHandler` and `eventHandler` return. */
export class HandlerReference {
  readonly name: string;
  readonly id: EventHandlerId;
  /** For its `init`; none until `with`. */
  readonly args: readonly unknown[] | undefined;
  readonly code: HandlerCode | undefined;

  constructor(
    name: string,
    id: Term,
    args: readonly unknown[] | undefined,
    code: HandlerCode | undefined,
  ) {
    this.name = name;
    this.id = id === undefined ? name : [name, id];
    this.args = args;
    this.code = code;
  }

  as(id: Term): HandlerReference {
    if (id === undefined || !isPlainTerm(id)) {
      throw new InvalidArgumentError("as: id", "plain data", id);
    }
    return new HandlerReference(this.name, id, this.args, this.code);
  }

  with(...args: unknown[]): HandlerReference {
    const refusal = this.code?.refusal("with: args", args);
    if (refusal !== undefined) throw refusal;
    const id = typeof this.id === "string" ? undefined : this.id[1];
    return new HandlerReference(this.name, id, args, this.code);
  }
}

const FIELDS: CallbackFields = {
  functions: ["init", "takeOver", "event", "info", "down", "exit", "terminate", "status"],
  tables: ["call"],
  others: ["name"],
  needed: ["init", "event"],
};

/** @throws InvalidArgumentError a field is unknown, missing, or of the wrong kind */
export function checkDefinition(definition: object): Callbacks {
  const callbacks = checkCallbacks<Callbacks & { readonly name?: unknown }>(
    "defineEventHandler",
    definition,
    FIELDS,
  );
  checkHandlerName("defineEventHandler: name", callbacks.name);
  return callbacks;
}

/** @throws InvalidArgumentError it is none */
export function checkHandlerName(argument: string, name: unknown): void {
  if (typeof name !== "string" || name === "") {
    throw new InvalidArgumentError(argument, "a string that is not empty", name);
  }
}

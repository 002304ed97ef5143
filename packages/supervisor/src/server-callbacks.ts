/** The callbacks of a server, checked, as its process calls them. */
import { checkCallbacks, type CallbackFields } from "./callback-check.js";
import type { Callback } from "./request-callback.js";

/** Of these, only `init` has to be there. */
export interface Callbacks {
  readonly init: (...args: unknown[]) => unknown;
  readonly call?: Readonly<Record<string, Callback>>;
  readonly cast?: Readonly<Record<string, Callback>>;
  readonly info?: Callback;
  readonly continue?: Callback;
  readonly timeout?: Callback;
  readonly down?: Callback;
  readonly exit?: Callback;
  readonly terminate?: Callback;
  readonly status?: (state: unknown) => unknown;
}

const FIELDS: CallbackFields = {
  functions: ["init", "info", "continue", "timeout", "down", "exit", "terminate", "status"],
  tables: ["call", "cast"],
  needed: ["init"],
};

/** @throws InvalidArgumentError a field is unknown, or no function */
export function checkDefinition(definition: object): Callbacks {
  return checkCallbacks<Callbacks>("defineServer", definition, FIELDS);
}

/** The callbacks of a server, checked, as its process calls them. */
import { InvalidArgumentError } from "@coppice/core";
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

const TABLES = ["call", "cast"];
const FUNCTIONS = ["init", "info", "continue", "timeout", "down", "exit", "terminate", "status"];

/**
 * Returns what was checked: a copy, as getters may say something else each time.
 *
 * @throws InvalidArgumentError a field is unknown, or no function
 */
export function checkDefinition(definition: object): Callbacks {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`defineServer: ${field}`, expected, received);
  };
  if (typeof definition !== "object" || definition === null) {
    refuse("definition", "an object of callbacks", definition);
  }
  const callbacks: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(definition) as [string, unknown][]) {
    if (value === undefined) continue;
    if (FUNCTIONS.includes(field)) {
      if (typeof value !== "function") refuse(field, "a function", value);
      callbacks[field] = value;
    } else if (TABLES.includes(field)) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        refuse(field, "an object of functions", value);
      }
      callbacks[field] = Object.fromEntries(
        Object.entries(value as object).map(([name, callback]: [string, unknown]) =>
          typeof callback === "function"
            ? [name, callback]
            : refuse(`${field}.${name}`, "a function", callback),
        ),
      );
    } else {
      refuse(field, `one of ${[...FUNCTIONS, ...TABLES].join(", ")}`, value);
    }
  }
  if (callbacks["init"] === undefined) refuse("init", "a function", undefined);
  // Field by field, that is what it is.
  return callbacks as unknown as Callbacks;
}

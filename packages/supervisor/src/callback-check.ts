/** Objects of callbacks, as users define behaviours by them: what may stand in them, and has to. */
import { InvalidArgumentError } from "@coppice/core";

export interface CallbackFields {
  readonly functions: readonly string[];
  /** Objects of functions. */
  readonly tables: readonly string[];
  /** Of other kinds; who asks checks them. */
  readonly others?: readonly string[];
  /** Of the functions. */
  readonly needed: readonly string[];
}

/**
 * Returns what was checked: a copy, as getters may say something else each time. It is a `C` where `fields` say of
 * each field of `C` what it is.
 *
 * @param what who checks, e.g. `defineServer`
 * @throws InvalidArgumentError a field is unknown, missing, or of the wrong kind
 */
export function checkCallbacks<C extends object>(
  what: string,
  definition: object,
  { functions, tables, others = [], needed }: CallbackFields,
): C {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`${what}: ${field}`, expected, received);
  };
  if (typeof definition !== "object" || definition === null) {
    refuse("definition", "an object of callbacks", definition);
  }
  const callbacks: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(definition) as [string, unknown][]) {
    if (value === undefined) continue;
    if (others.includes(field)) callbacks[field] = value;
    else if (functions.includes(field)) {
      if (typeof value !== "function") refuse(field, "a function", value);
      callbacks[field] = value;
    } else if (tables.includes(field)) {
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
    } else refuse(field, `one of ${[...others, ...functions, ...tables].join(", ")}`, value);
  }
  for (const field of needed) {
    if (callbacks[field] === undefined) refuse(field, "a function", undefined);
  }
  return callbacks as C;
}

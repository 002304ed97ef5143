/** Models of objects that histories are often about. */
import { InvalidArgumentError } from "@coppice/core";
import { sameValue, type SequentialModel } from "./sequential-model.js";

export type RegisterInput<T> =
  | "read"
  | { readonly write: T }
  /** Writes `to` where the value is `from`; answers whether it was. */
  | { readonly from: T; readonly to: T };

/** One value that is read, written, and compared and swapped. A write answers `undefined`. */
export function register<T>(
  initial: T,
): SequentialModel<T, RegisterInput<T>, T | boolean | undefined> {
  return {
    initial,
    apply: (value, input) => {
      if (input === "read") return { state: value, output: value };
      checkInput("register", input, `"read", { write } or { from, to }`, ["write", "from"]);
      if ("write" in input) return { state: input.write, output: undefined };
      const swapped = sameValue(value, input.from);
      return { state: swapped ? input.to : value, output: swapped };
    },
  };
}

export type MapInput<T> =
  | { readonly get: string }
  | { readonly put: string; readonly value: T }
  | { readonly delete: string };

/** Keys with values that know nothing of each other. A put answers `undefined`, a delete whether there was one. */
export function keyValues<T>(): SequentialModel<
  T | undefined,
  MapInput<T>,
  T | boolean | undefined
> {
  return {
    initial: undefined,
    partition(input) {
      checkInput("keyValues", input, "{ get }, { put, value } or { delete }", [
        "get",
        "put",
        "delete",
      ]);
      return "get" in input ? input.get : "put" in input ? input.put : input.delete;
    },
    apply: (value, input) => {
      if ("get" in input) return { state: value, output: value };
      if ("put" in input) return { state: input.value, output: undefined };
      return { state: undefined, output: value !== undefined };
    },
  };
}

export type QueueInput<T> = { readonly enqueue: T } | "dequeue";

/** First in, first out. An enqueue answers `undefined`, as does a dequeue when it is empty. */
export function queue<T>(): SequentialModel<readonly T[], QueueInput<T>, T | undefined> {
  return {
    initial: [],
    apply: (items, input) => {
      if (input !== "dequeue") checkInput("queue", input, `"dequeue" or { enqueue }`, ["enqueue"]);
      if (input !== "dequeue") return { state: [...items, input.enqueue], output: undefined };
      const [first, ...rest] = items;
      return { state: rest, output: first };
    },
  };
}

/** Held by one client at a time: an acquire is possible only while nobody holds it. */
export function mutex(): SequentialModel<
  string | undefined,
  { readonly acquire: string } | { readonly release: string },
  void
> {
  return {
    initial: undefined,
    apply: (holder, input) => {
      checkInput("mutex", input, "{ acquire } or { release }", ["acquire", "release"]);
      if ("acquire" in input) {
        return holder === undefined ? { state: input.acquire, output: undefined } : [];
      }
      return holder === input.release ? { state: undefined, output: undefined } : [];
    },
  };
}

function checkInput(
  model: string,
  input: object,
  expected: string,
  fields: readonly string[],
): void {
  const isKnown = typeof input === "object" && input !== null && fields.some((one) => one in input);
  if (!isKnown) throw new InvalidArgumentError(`${model}: input`, expected, input);
}

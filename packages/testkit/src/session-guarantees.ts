/**
 * Session guarantees: what a client of replicas may rely on, even where clients see different orders.
 *
 * Terry et al., Session guarantees for weakly consistent replicated data (1994).
 */
import { checkKeys, formatTerm, InvalidArgumentError } from "@coppice/core";
import { checkList, checkOptionalList, checkOptionalFunction } from "./arguments.js";
import type { Operation } from "./history.js";

/**
 * | guarantee | |
 * | --- | --- |
 * | `"readYourWrites"` | a client that wrote a value reads it, or one that is newer |
 * | `"monotonicReads"` | a client that read a value reads it again, or one that is newer |
 * | `"monotonicWrites"` | nobody sees a client's second write and then its first |
 * | `"writesFollowReads"` | nobody sees a write, and then what its client had read before it |
 */
export type SessionGuarantee =
  "readYourWrites" | "monotonicReads" | "monotonicWrites" | "writesFollowReads";

/** A read or a write of one key. Each value is written at most once per key. */
export type SessionInput<T> =
  { readonly read: string } | { readonly write: string; readonly value: T };

export interface SessionViolation<T> {
  readonly guarantee: SessionGuarantee;
  readonly client: string;
  readonly key: string;
  /** The read that should not have seen what it saw, and what had been seen or written before. */
  readonly read: Operation<SessionInput<T>, T | undefined>;
  readonly expected: T | undefined;
  readonly message: string;
}

export interface SessionOptions<T> {
  /** Which guarantees; all by default. */
  readonly guarantees?: readonly SessionGuarantee[];
  /** What a key holds before it is written; `undefined` by default. */
  readonly initial?: T;
  /**
   * Which of two values of a key is older, where that is known: from a version, or from the order in
   * which replicas applied them. Without it, older is what the guarantees themselves say is older.
   */
  readonly isOlder?: (key: string, one: T, other: T) => boolean;
}

/**
 * Finds the reads that break the guarantees. Pending operations are writes that may have happened, and
 * reads that saw nothing.
 *
 * @throws InvalidArgumentError a value is written twice to one key: a read of it would not tell which was seen
 * @example
 * import { checkSessions } from "@coppice/testkit";
 * const write = { client: "a", input: { write: "x", value: 1 }, output: undefined, invokedAt: 0, returnedAt: 1 };
 * const read = { client: "a", input: { read: "x" }, output: undefined, invokedAt: 2, returnedAt: 3 };
 * checkSessions<number>([write, read]).map(({ guarantee }) => guarantee); // => ["readYourWrites"]
 */
export function checkSessions<T>(
  history: readonly Operation<SessionInput<T>, T | undefined>[],
  options: SessionOptions<T> = {},
): readonly SessionViolation<T>[] {
  checkKeys("checkSessions: options", options, ["guarantees", "initial", "isOlder"]);
  checkOptionalList(
    "checkSessions: options.guarantees",
    options.guarantees,
    ALL.join(", "),
    (each) => ALL.includes(each as SessionGuarantee),
  );
  checkOptionalFunction("checkSessions: options.isOlder", options.isOlder);
  checkList("checkSessions: history", history, "operations", () => true);
  const { guarantees = ALL, initial } = options;
  const writes = writersOf(history, initial);
  const violations: SessionViolation<T>[] = [];
  for (const [client, operations] of sessionsOf(history)) {
    for (const guarantee of guarantees) {
      for (const found of brokenIn(operations, guarantee, writes, options)) {
        const { read, key, expected } = found;
        const message = `${client} read ${key} = ${formatTerm(read.output)}, which is older than ${formatTerm(expected)}: ${because[guarantee]}`;
        violations.push({ guarantee, client, key, read, expected, message });
      }
    }
  }
  return violations;
}

const ALL: readonly SessionGuarantee[] = [
  "readYourWrites",
  "monotonicReads",
  "monotonicWrites",
  "writesFollowReads",
];

const because: Readonly<Record<SessionGuarantee, string>> = {
  readYourWrites: "it had written that itself",
  monotonicReads: "it had read that before",
  monotonicWrites: "it had seen the later write of one client, and saw the earlier one after it",
  writesFollowReads: "it had seen a write, and saw what the writer had read before it",
};

type Session<T> = readonly Operation<SessionInput<T>, T | undefined>[];

/** Who wrote a value, and what that client had written to and read of the key before. */
interface Write<T> {
  readonly written: readonly T[];
  readonly read: readonly (T | undefined)[];
}

/** By key and value. */
type Writes<T> = ReadonlyMap<string, ReadonlyMap<T | undefined, Write<T>>>;

function sessionsOf<T>(
  history: Session<T>,
): Map<string, Operation<SessionInput<T>, T | undefined>[]> {
  const sessions = new Map<string, Operation<SessionInput<T>, T | undefined>[]>();
  for (const operation of [...history].sort((a, b) => a.invokedAt - b.invokedAt)) {
    const session = sessions.get(operation.client);
    if (session === undefined) sessions.set(operation.client, [operation]);
    else session.push(operation);
  }
  return sessions;
}

function writersOf<T>(history: Session<T>, initial: T | undefined): Writes<T> {
  const writes = new Map<string, Map<T | undefined, Write<T>>>();
  for (const operations of sessionsOf(history).values()) {
    const before = new Map<string, { written: T[]; read: (T | undefined)[] }>();
    for (const { input, output, returnedAt } of operations) {
      const key = "read" in input ? input.read : input.write;
      const own = before.get(key) ?? { written: [], read: [] };
      before.set(key, own);
      if ("read" in input) {
        if (returnedAt !== undefined) own.read.push(output);
        continue;
      }
      const { value } = input;
      const ofKey = writes.get(key) ?? new Map<T | undefined, Write<T>>();
      writes.set(key, ofKey);
      if (ofKey.has(value) || Object.is(value, initial)) {
        const once = `values that are written once to ${key}, and are not the initial one`;
        throw new InvalidArgumentError("checkSessions: history", once, value);
      }
      ofKey.set(value, { written: [...own.written], read: [...own.read] });
      own.written.push(value);
    }
  }
  return writes;
}

interface Broken<T> {
  readonly read: Operation<SessionInput<T>, T | undefined>;
  readonly key: string;
  readonly expected: T | undefined;
}

function* brokenIn<T>(
  session: Session<T>,
  guarantee: SessionGuarantee,
  writes: Writes<T>,
  options: SessionOptions<T>,
): Generator<Broken<T>> {
  /** By key: what must not be older than what is read from now on. */
  const floor = new Map<string, (T | undefined)[]>();
  const raise = (key: string, value: T | undefined): void => {
    floor.set(key, [...(floor.get(key) ?? []), value]);
  };
  for (const operation of session) {
    const { input, output, returnedAt } = operation;
    if ("write" in input) {
      if (guarantee === "readYourWrites" && returnedAt !== undefined)
        raise(input.write, input.value);
      continue;
    }
    if (returnedAt === undefined) continue;
    const key = input.read;
    const older = (value: T | undefined): boolean =>
      isOlder(key, output, value, guarantee, writes, options);
    const expected = (floor.get(key) ?? []).find(older);
    if (expected !== undefined) yield { read: operation, key, expected };
    if (guarantee !== "readYourWrites") raise(key, output);
  }
}

/** Is `one` certainly older than `other`, as far as the guarantee goes? */
function isOlder<T>(
  key: string,
  one: T | undefined,
  other: T | undefined,
  guarantee: SessionGuarantee,
  writes: Writes<T>,
  { isOlder: known, initial }: SessionOptions<T>,
): boolean {
  if (Object.is(one, other)) return false;
  const write = writes.get(key)?.get(other);
  if (guarantee === "monotonicWrites")
    return write?.written.some((value) => Object.is(value, one)) ?? false;
  if (guarantee === "writesFollowReads")
    return write?.read.some((value) => Object.is(value, one)) ?? false;
  // Everything is newer than what was there before anything was written.
  if (Object.is(one, initial)) return true;
  if (Object.is(other, initial)) return false;
  if (known !== undefined) return known(key, one as T, other as T);
  return precedes(key, one, other, writes, new Set());
}

/** Written, or read, by the writer of the other before it wrote; or so through others. */
function precedes<T>(
  key: string,
  one: T | undefined,
  other: T | undefined,
  writes: Writes<T>,
  asked: Set<T | undefined>,
): boolean {
  if (asked.has(other)) return false;
  asked.add(other);
  const write = writes.get(key)?.get(other);
  if (write === undefined) return false;
  const before = [...write.written, ...write.read];
  return before.some((value) => Object.is(value, one) || precedes(key, one, value, writes, asked));
}

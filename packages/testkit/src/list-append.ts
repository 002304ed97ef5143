/**
 * Transactions that append to lists and read them: anomalies as cycles, after Elle.
 *
 * The elements of a list are distinct, so a read tells which appends came before it, and in which order.
 * From that follow the dependencies between transactions; a history that could have been serial has no
 * cycle in them. Kingsbury and Alvaro, Elle: inferring isolation anomalies from experimental
 * observations (2020); the names of the anomalies are Adya's.
 */
import { checkKeys } from "@coppice/core";
import { checkList, checkOneOf } from "./arguments.js";
import { clientOrder, dependencies, realTime } from "./append-dependencies.js";
import { factsOf } from "./append-facts.js";
import { cyclesIn } from "./dependency-cycles.js";

export type Micro =
  | { readonly append: string; readonly value: unknown }
  /** `list` is what it saw; nothing where the transaction did not commit. */
  | { readonly read: string; readonly list?: readonly unknown[] };

export interface Transaction {
  readonly id: string;
  readonly client: string;
  readonly operations: readonly Micro[];
  /** `"unknown"`: it may have happened, or not. `"aborted"`: nobody may see anything of it. */
  readonly status: "committed" | "aborted" | "unknown";
  readonly invokedAt: number;
  readonly returnedAt?: number | undefined;
}

/**
 * | anomaly | |
 * | --- | --- |
 * | `"duplicate"` | an element that was appended once stands twice in a list |
 * | `"unwritten"` | a list has an element that nobody appended |
 * | `"internal"` | a transaction does not see what it did itself |
 * | `"incompatible-order"` | two reads disagree on the order of a list |
 * | `"G1a"` | something was read of an aborted transaction |
 * | `"G1b"` | something was read from the middle of a transaction |
 * | `"G0"` | a cycle of appends that followed each other |
 * | `"G1c"` | a cycle of appends and reads that followed each other |
 * | `"G-single"` | a cycle in which one read was overtaken by an append |
 * | `"G2"` | a cycle in which several were |
 *
 * With the order of clients, `-process` is added to the name of a cycle that needs it; with real time,
 * `-realtime`.
 */
export interface Anomaly {
  readonly type: string;
  /** The transactions concerned; a cycle in its order, from one back to itself. */
  readonly transactions: readonly string[];
  readonly message: string;
}

export interface ListAppendOptions {
  /**
   * `"serializable"`: some serial order. `"sessionSerializable"`: one that keeps the order of each client.
   * `"strictSerializable"`, the default: one that keeps real time, too.
   */
  readonly level?: "serializable" | "sessionSerializable" | "strictSerializable";
}

const LEVELS: readonly string[] = ["serializable", "sessionSerializable", "strictSerializable"];

function isTransaction(value: unknown): boolean {
  const { id, client, operations } = (value ?? {}) as Partial<Transaction>;
  return typeof id === "string" && typeof client === "string" && Array.isArray(operations);
}

/**
 * Finds what contradicts the level. No anomaly is no proof of it; each anomaly is a proof against it.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { checkListAppend } from "@coppice/testkit";
 * const lost = (id: string, value: number) => ({
 *   id, client: id, status: "committed", invokedAt: 0, returnedAt: 9,
 *   operations: [{ read: "x", list: [] }, { append: "x", value }],
 * } as const);
 * const both = { ...lost("c", 0), operations: [{ read: "x", list: [1, 2] }] };
 * checkListAppend([lost("a", 1), lost("b", 2), both]).map(({ type }) => type); // => ["G-single"]
 */
export function checkListAppend(
  transactions: readonly Transaction[],
  options: ListAppendOptions = {},
): readonly Anomaly[] {
  checkList("checkListAppend: transactions", transactions, "transactions", isTransaction);
  checkKeys("checkListAppend: options", options, ["level"]);
  checkOneOf("checkListAppend: options.level", options.level, LEVELS);
  const { level = "strictSerializable" } = options;
  const facts = factsOf(transactions);
  const edges = [...dependencies(facts)];
  const cycles: Anomaly[] = cyclesIn(edges, "");
  if (level !== "serializable" && cycles.length === 0) {
    edges.push(...clientOrder(transactions));
    cycles.push(...cyclesIn(edges, "-process"));
  }
  if (level === "strictSerializable" && cycles.length === 0) {
    edges.push(...realTime(transactions));
    cycles.push(...cyclesIn(edges, "-realtime"));
  }
  return [...facts.anomalies, ...cycles];
}

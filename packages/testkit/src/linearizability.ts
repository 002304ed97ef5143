/**
 * Linearizability: could each operation have happened at one moment between its call and its return?
 *
 * Herlihy and Wing, Linearizability (1990). Objects that know nothing of each other are checked one by
 * one: Horn and Kroening, Faster linearizability checking via P-compositionality (2015).
 */
import { checkKeys, formatTerm, InvalidArgumentError } from "@coppice/core";
import { describeOperation, type Operation } from "./history.js";
import { searchOrder } from "./linearization-search.js";
import { checkModelled, successorsOf, type SequentialModel } from "./sequential-model.js";

export type LinearizabilityVerdict<S, I, O> =
  | {
      readonly ok: true;
      /** For each part of the history an order that explains it. Pending operations without effect are left out. */
      readonly orders: ReadonlyMap<string | number, readonly Operation<I, O>[]>;
    }
  | {
      /** There was more to try than `maxConfigurations`: nobody knows. */
      readonly ok: undefined;
      readonly part: string | number;
      readonly configurations: number;
    }
  | {
      readonly ok: false;
      /** What the part is about that cannot be explained; `"all"` where the model has no parts. */
      readonly part: string | number;
      /**
       * The longest prefix that can be explained, in an order that explains it. What had been invoked by
       * then and returns later may stand in it, with what it will return.
       */
      readonly prefix: readonly Operation<I, O>[];
      /** The operation whose return nothing explains. */
      readonly blocked: Operation<I, O>;
      /** All states in which the object may be before that return. */
      readonly states: readonly S[];
    };

export interface LinearizabilityOptions {
  /**
   * How many configurations are looked at for each part of a history, an object and which operations have
   * had their moment; 1,000,000 by default, some seconds. In the worst case there are more than anyone can
   * look at: to decide it is NP-complete.
   */
  readonly maxConfigurations?: number;
}

/** Some seconds, and some hundred megabytes. */
export const MOST_CONFIGURATIONS = 1_000_000;

/** @throws InvalidArgumentError it is no whole number of at least 1 */
export function checkMostConfigurations(operation: string, most: number): void {
  if (Number.isInteger(most) && most >= 1) return;
  const option = `${operation}: options.maxConfigurations`;
  throw new InvalidArgumentError(option, "a whole number of at least 1", most);
}

/**
 * Checks that a history is linearizable.
 *
 * Operations that are pending may have taken effect at any time after their call, or not at all. Where there
 * is too much to try, `ok` is `undefined`.
 *
 * @throws InvalidArgumentError an option is of the wrong kind
 * @example
 * import { checkLinearizability, register } from "@coppice/testkit";
 * const write = { client: "a", input: { write: 1 }, output: undefined, invokedAt: 0, returnedAt: 1 };
 * const stale = { client: "b", input: "read", output: 0, invokedAt: 2, returnedAt: 3 } as const;
 * const verdict = checkLinearizability(register(0), [write, stale]);
 * verdict.ok; // => false
 * if (verdict.ok === false) verdict.states; // => [1]
 */
export function checkLinearizability<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  options: LinearizabilityOptions = {},
): LinearizabilityVerdict<S, I, O> {
  checkModelled("checkLinearizability", model as never, history);
  checkKeys("checkLinearizability: options", options, ["maxConfigurations"]);
  const { maxConfigurations: limit = MOST_CONFIGURATIONS } = options;
  checkMostConfigurations("checkLinearizability", limit);
  const search = { successors: successorsOf(model), stateKey: model.stateKey, limit };
  let undecided: string | number | undefined;
  const orders = new Map<string | number, readonly Operation<I, O>[]>();
  for (const [part, operations] of partsOf(model, history)) {
    const found = searchOrder(operations, model.initial, search);
    if (found.order === undefined) return { ok: false, part, ...found.explain() };
    if (found.order === "undecided") undecided ??= part;
    else orders.set(part, found.order);
  }
  // Another part that cannot be explained would have decided it.
  if (undecided !== undefined) return { ok: undefined, part: undecided, configurations: limit };
  return { ok: true, orders };
}

function partsOf<S, I, O>(
  { partition }: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
): Map<string | number, readonly Operation<I, O>[]> {
  if (partition === undefined) return new Map([["all", history]]);
  const parts = new Map<string | number, Operation<I, O>[]>();
  for (const operation of history) {
    const part = partition(operation.input);
    const operations = parts.get(part);
    if (operations === undefined) parts.set(part, [operation]);
    else operations.push(operation);
  }
  return parts;
}

/** Says what no order explains: the prefix, the states it may lead to, and the return that fits none. */
export function formatVerdict<S, I, O>(
  verdict: LinearizabilityVerdict<S, I, O>,
  describe: (operation: Operation<I, O>) => string = describeOperation,
): string {
  if (verdict.ok) return "linearizable";
  if (verdict.ok === undefined) {
    const { part, configurations } = verdict;
    return `undecided${part === "all" ? "" : ` (${part})`}: no order found in ${configurations} configurations, and there are more`;
  }
  const { part, prefix, blocked, states } = verdict;
  return [
    `not linearizable${part === "all" ? "" : ` (${part})`}: no order explains ${blocked.client}: ${describe(blocked)}`,
    "longest prefix that has an order:",
    ...prefix.map((operation) => `  ${operation.client}: ${describe(operation)}`),
    `states it may lead to: ${states.map((state) => formatTerm(state)).join(" or ")}`,
  ].join("\n");
}

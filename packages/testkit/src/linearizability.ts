/**
 * Linearizability: could each operation have happened at one moment between its call and its return?
 *
 * Herlihy and Wing, Linearizability (1990). Objects that know nothing of each other are checked one by
 * one: Horn and Kroening, Faster linearizability checking via P-compositionality (2015).
 */
import { formatTerm } from "@coppice/core";
import { describeOperation, type Operation } from "./history.js";
import { searchOrder } from "./linearization-search.js";
import { successorsOf, type SequentialModel } from "./sequential-model.js";

export type LinearizabilityVerdict<S, I, O> =
  | {
      readonly ok: true;
      /** For each part of the history an order that explains it. Pending operations without effect are left out. */
      readonly orders: ReadonlyMap<string | number, readonly Operation<I, O>[]>;
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

/**
 * Checks that a history is linearizable.
 *
 * Operations that are pending may have taken effect at any time after their call, or not at all.
 *
 * @example
 * import { checkLinearizability, register } from "@coppice/testkit";
 * const write = { client: "a", input: { write: 1 }, output: undefined, invokedAt: 0, returnedAt: 1 };
 * const stale = { client: "b", input: "read", output: 0, invokedAt: 2, returnedAt: 3 } as const;
 * const verdict = checkLinearizability(register(0), [write, stale]);
 * verdict.ok; // => false
 * if (!verdict.ok) verdict.states; // => [1]
 */
export function checkLinearizability<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
): LinearizabilityVerdict<S, I, O> {
  const orders = new Map<string | number, readonly Operation<I, O>[]>();
  for (const [part, operations] of partsOf(model, history)) {
    const found = searchOrder(operations, model.initial, successorsOf(model), model.stateKey);
    if (found.order === undefined) return { ok: false, part, ...found.explain() };
    orders.set(part, found.order);
  }
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
  const { part, prefix, blocked, states } = verdict;
  return [
    `not linearizable${part === "all" ? "" : ` (${part})`}: no order explains ${blocked.client}: ${describe(blocked)}`,
    "longest prefix that has an order:",
    ...prefix.map((operation) => `  ${operation.client}: ${describe(operation)}`),
    `states it may lead to: ${states.map((state) => formatTerm(state)).join(" or ")}`,
  ].join("\n");
}

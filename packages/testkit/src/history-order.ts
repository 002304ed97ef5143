/** The order in which the operations of a history were invoked and returned, and which were open at each return. */
import type { Operation } from "./history.js";

/** Operations by their place in the history. */
export interface HistoryOrder {
  /** All, in the order of their invocation. */
  readonly invocations: readonly number[];
  /** Those that returned, in the order of their return. */
  readonly returns: readonly number[];
  /** How many invocations come before each return. */
  readonly invokedBefore: Int32Array;
  /** Where among the returns each operation stands; that of a pending one is after all. */
  readonly rank: Int32Array;
}

/** What is invoked before a return and has not returned before it. */
export interface Open {
  readonly all: readonly number[];
  /** In the order of `all`: those that return later, and those that never do. */
  readonly returning: readonly number[];
  readonly pending: readonly number[];
}

export function orderOf(operations: readonly Operation<unknown, unknown>[]): HistoryOrder {
  const invokedAt = operations.map((operation) => operation.invokedAt);
  const returnedAt = operations.map((operation) => operation.returnedAt ?? Infinity);
  const invocations: number[] = [];
  const returns: number[] = [];
  for (let op = 0; op < operations.length; op++) {
    insert(invocations, op, invokedAt);
    if (returnedAt[op] !== Infinity) insert(returns, op, returnedAt);
  }
  const rank = new Int32Array(operations.length).fill(returns.length);
  const invokedBefore = new Int32Array(returns.length);
  let invoked = 0;
  returns.forEach((op, place) => {
    rank[op] = place;
    const at = returnedAt[op] as number;
    // What is invoked at the very position of the return is concurrent.
    while (
      invoked < invocations.length &&
      (invokedAt[invocations[invoked] as number] as number) <= at
    ) {
      invoked++;
    }
    invokedBefore[place] = invoked;
  });
  return { invocations, returns, invokedBefore, rank };
}

/**
 * All of a history that decides how it is judged, whatever comes after it: of each client its operations, and which
 * of all had returned when each was invoked. What was concurrent has no order.
 */
export function outlineOfHistory(
  operations: readonly Operation<unknown, unknown>[],
): Readonly<Record<string, unknown>> {
  const outline: Record<string, unknown[]> = {};
  const names: string[] = [];
  for (const { client } of operations) {
    const own = (outline[client] ??= []);
    names.push(`${client} ${own.push(undefined)}`);
  }
  const places: Record<string, number> = {};
  for (const { client, input, output, invokedAt, returnedAt } of operations) {
    const before = names.filter((_, at) => {
      const endedAt = operations[at]?.returnedAt;
      return endedAt !== undefined && endedAt < invokedAt;
    });
    const returned = returnedAt === undefined ? "pending" : ["returned", output];
    const place = (places[client] ??= 0);
    places[client] = place + 1;
    (outline[client] as unknown[])[place] = [input, returned, new Set(before)];
  }
  return outline;
}

export function openAt(order: HistoryOrder, at: number): Open {
  const { invocations, returns, invokedBefore, rank } = order;
  const all = invocations.slice(0, invokedBefore[at]).filter((op) => (rank[op] as number) >= at);
  const isPending = (op: number): boolean => rank[op] === returns.length;
  return {
    all,
    returning: all.filter((op) => !isPending(op)),
    pending: all.filter(isPending),
  };
}

/** Histories are nearly in order: from the end it is not far. */
function insert(sorted: number[], op: number, positions: readonly number[]): void {
  const own = positions[op] as number;
  let place = sorted.length;
  while (place > 0 && (positions[sorted[place - 1] as number] as number) > own) {
    sorted[place] = sorted[place - 1] as number;
    place--;
  }
  sorted[place] = op;
}

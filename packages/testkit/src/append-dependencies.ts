/** Which transaction has to come before which, by what they appended and read, by client, and by time. */
import { formatTerm } from "@coppice/core";
import { externalReads, type Facts } from "./append-facts.js";
import type { Transaction } from "./list-append.js";

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly type: "ww" | "wr" | "rw" | "process" | "realtime";
  readonly why: string;
}

export function* dependencies({ transactions, orders, writers }: Facts): Generator<Edge> {
  const happened = (transaction: Transaction | undefined): transaction is Transaction =>
    transaction !== undefined && transaction.status !== "aborted";
  for (const [key, order] of orders) {
    for (let at = 1; at < order.length; at++) {
      const from = writers.get(key)?.get(order[at - 1]);
      const to = writers.get(key)?.get(order[at]);
      if (!happened(from) || !happened(to) || from === to) continue;
      const why = `appended ${formatTerm(order[at - 1])} to ${key}, and then came ${formatTerm(order[at])}`;
      yield { from: from.id, to: to.id, type: "ww", why };
    }
  }
  for (const reader of transactions) {
    if (reader.status !== "committed") continue;
    for (const { key, list } of externalReads(reader)) {
      const last = list.at(-1);
      const writer = list.length === 0 ? undefined : writers.get(key)?.get(last);
      if (happened(writer) && writer !== reader) {
        const why = `appended ${formatTerm(last)} to ${key}, which was read`;
        yield { from: writer.id, to: reader.id, type: "wr", why };
      }
      const overtakers = nextWriters(list, orders.get(key) ?? [], writers.get(key));
      for (const [value, next] of overtakers) {
        if (!happened(next) || next === reader) continue;
        const why = `read ${key} without ${formatTerm(value)}`;
        yield { from: reader.id, to: next.id, type: "rw", why };
      }
    }
  }
}

/** Who appended what came right after what was read; where nobody read on, all whom nobody has seen. */
function nextWriters(
  list: readonly unknown[],
  order: readonly unknown[],
  writers: ReadonlyMap<unknown, Transaction> | undefined,
): [unknown, Transaction | undefined][] {
  if (list.length < order.length) {
    const value = order[list.length];
    return [[value, writers?.get(value)]];
  }
  return [...(writers ?? [])].filter(
    ([value, { status }]) => status === "committed" && !order.includes(value),
  );
}

export function* clientOrder(transactions: readonly Transaction[]): Generator<Edge> {
  const last = new Map<string, Transaction>();
  for (const transaction of [...transactions].sort((a, b) => a.invokedAt - b.invokedAt)) {
    if (transaction.status !== "committed") continue;
    const before = last.get(transaction.client);
    const why = `came before it at ${transaction.client}`;
    if (before !== undefined) yield { from: before.id, to: transaction.id, type: "process", why };
    last.set(transaction.client, transaction);
  }
}

export function* realTime(transactions: readonly Transaction[]): Generator<Edge> {
  const committed = transactions.filter(({ status }) => status === "committed");
  for (const from of committed) {
    const { returnedAt } = from;
    if (returnedAt === undefined) continue;
    const later = committed.filter(({ invokedAt }) => invokedAt > returnedAt);
    // Those that begin after one of these has returned are after that one anyway.
    const until = Math.min(...later.map((each) => each.returnedAt ?? Infinity));
    for (const to of later) {
      if (to.invokedAt <= until) {
        yield { from: from.id, to: to.id, type: "realtime", why: "had returned before it began" };
      }
    }
  }
}

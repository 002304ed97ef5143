/** What transactions on lists tell by their reads: orders, writers, and what is wrong at first sight. */
import { formatTerm } from "@coppice/core";
import type { Anomaly, Transaction } from "./list-append.js";

export interface Facts {
  readonly transactions: readonly Transaction[];
  /** By key: the order of its elements, as far as it was read. */
  readonly orders: ReadonlyMap<string, readonly unknown[]>;
  /** By key and element: who appended it. */
  readonly writers: ReadonlyMap<string, ReadonlyMap<unknown, Transaction>>;
  readonly anomalies: readonly Anomaly[];
}

export function factsOf(transactions: readonly Transaction[]): Facts {
  const anomalies: Anomaly[] = [];
  const report = (type: string, ids: readonly string[], message: string): void => {
    anomalies.push({ type, transactions: ids, message });
  };
  const writers = new Map<string, Map<unknown, Transaction>>();
  for (const transaction of transactions) {
    for (const operation of transaction.operations) {
      if (!("append" in operation)) continue;
      const { append: key, value } = operation;
      const ofKey = writers.get(key) ?? new Map<unknown, Transaction>();
      writers.set(key, ofKey);
      const other = ofKey.get(value);
      if (other !== undefined) {
        report(
          "duplicate",
          [other.id, transaction.id],
          `${formatTerm(value)} was appended twice to ${key}`,
        );
      }
      ofKey.set(value, transaction);
    }
  }
  const orders = new Map<string, { list: readonly unknown[]; by: Transaction }>();
  for (const transaction of transactions) {
    if (transaction.status !== "committed") continue;
    checkInternal(transaction, report);
    for (const { key, list } of externalReads(transaction)) {
      checkRead(transaction, key, list, writers.get(key), report);
      const known = orders.get(key);
      const [short, long] =
        known !== undefined && known.list.length > list.length
          ? [list, known.list]
          : [known?.list ?? [], list];
      if (!short.every((element, at) => Object.is(element, long[at]))) {
        const ids = [(known as { by: Transaction }).by.id, transaction.id];
        const lists = `${formatTerm(known?.list)} and ${formatTerm(list)}`;
        report("incompatible-order", ids, `${key} was read as ${lists}`);
      } else if (known === undefined || list.length > known.list.length) {
        orders.set(key, { list, by: transaction });
      }
    }
  }
  return {
    transactions,
    orders: new Map([...orders].map(([key, { list }]) => [key, list])),
    writers,
    anomalies,
  };
}

type Report = (type: string, ids: readonly string[], message: string) => void;

export interface Read {
  readonly key: string;
  readonly list: readonly unknown[];
}

/** What it saw of others: its reads, without what it had appended itself. */
export function externalReads({ operations }: Transaction): Read[] {
  const reads: Read[] = [];
  const appended = new Map<string, number>();
  for (const operation of operations) {
    if ("append" in operation) {
      appended.set(operation.append, (appended.get(operation.append) ?? 0) + 1);
    } else if (operation.list !== undefined) {
      const own = appended.get(operation.read) ?? 0;
      const { list } = operation;
      reads.push({ key: operation.read, list: list.slice(0, Math.max(0, list.length - own)) });
    }
  }
  return reads;
}

/** A read has to end with what the transaction appended itself, and to begin as its earlier reads. */
function checkInternal({ id, operations }: Transaction, report: Report): void {
  const own = new Map<string, unknown[]>();
  const base = new Map<string, readonly unknown[]>();
  for (const operation of operations) {
    if ("append" in operation) {
      own.set(operation.append, [...(own.get(operation.append) ?? []), operation.value]);
      continue;
    }
    const { read: key, list } = operation;
    if (list === undefined) continue;
    const mine = own.get(key) ?? [];
    const others = list.slice(0, Math.max(0, list.length - mine.length));
    const before = base.get(key) ?? others;
    base.set(key, before);
    const expected = [...before, ...mine];
    if (
      expected.length !== list.length ||
      !expected.every((each, at) => Object.is(each, list[at]))
    ) {
      report(
        "internal",
        [id],
        `${id} read ${key} as ${formatTerm(list)}, but it should be ${formatTerm(expected)} to it`,
      );
    }
  }
}

function checkRead(
  reader: Transaction,
  key: string,
  list: readonly unknown[],
  writers: ReadonlyMap<unknown, Transaction> | undefined,
  report: Report,
): void {
  const seen = new Set<unknown>();
  for (const element of list) {
    const said = `${reader.id} read ${formatTerm(element)} in ${key}`;
    const writer = writers?.get(element);
    if (seen.has(element)) report("duplicate", [reader.id], `${said} twice`);
    seen.add(element);
    if (writer === undefined) report("unwritten", [reader.id], `${said}, which nobody appended`);
    else if (writer.status === "aborted") {
      report("G1a", [reader.id, writer.id], `${said}, although ${writer.id} was aborted`);
    }
  }
  const last = list.at(-1);
  const writer = writers?.get(last);
  if (writer === undefined || writer === reader) return;
  const final = writer.operations.findLast((each) => "append" in each && each.append === key) as {
    value: unknown;
  };
  if (!Object.is(final.value, last)) {
    report(
      "G1b",
      [reader.id, writer.id],
      `${reader.id} read ${key} from the middle of ${writer.id}`,
    );
  }
}

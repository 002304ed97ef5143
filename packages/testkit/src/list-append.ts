/**
 * Transactions that append to lists and read them: anomalies as cycles, after Elle.
 *
 * The elements of a list are distinct, so a read tells which appends came before it, and in which order.
 * From that follow the dependencies between transactions; a history that could have been serial has no
 * cycle in them. Kingsbury and Alvaro, Elle: inferring isolation anomalies from experimental
 * observations (2020); the names of the anomalies are Adya's.
 */
import { formatTerm } from "@coppice/core";

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

/**
 * Finds what contradicts the level. No anomaly is no proof of it; each anomaly is a proof against it.
 *
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

// ── what the reads tell ─────────────────────────────────────────────────────────────────────────

interface Facts {
  readonly transactions: readonly Transaction[];
  /** By key: the order of its elements, as far as it was read. */
  readonly orders: ReadonlyMap<string, readonly unknown[]>;
  /** By key and element: who appended it. */
  readonly writers: ReadonlyMap<string, ReadonlyMap<unknown, Transaction>>;
  readonly anomalies: readonly Anomaly[];
}

function factsOf(transactions: readonly Transaction[]): Facts {
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

interface Read {
  readonly key: string;
  readonly list: readonly unknown[];
}

/** What it saw of others: its reads, without what it had appended itself. */
function externalReads({ operations }: Transaction): Read[] {
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

// ── dependencies ────────────────────────────────────────────────────────────────────────────────

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly type: "ww" | "wr" | "rw" | "process" | "realtime";
  readonly why: string;
}

function* dependencies({ transactions, orders, writers }: Facts): Generator<Edge> {
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

function* clientOrder(transactions: readonly Transaction[]): Generator<Edge> {
  const last = new Map<string, Transaction>();
  for (const transaction of [...transactions].sort((a, b) => a.invokedAt - b.invokedAt)) {
    if (transaction.status !== "committed") continue;
    const before = last.get(transaction.client);
    const why = `came before it at ${transaction.client}`;
    if (before !== undefined) yield { from: before.id, to: transaction.id, type: "process", why };
    last.set(transaction.client, transaction);
  }
}

function* realTime(transactions: readonly Transaction[]): Generator<Edge> {
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

// ── cycles ──────────────────────────────────────────────────────────────────────────────────────

/** Of each connected part one shortest cycle of the worst kind, by the weakest edges that make one. */
function cyclesIn(edges: readonly Edge[], suffix: string): Anomaly[] {
  const order = new Set<Edge["type"]>(["process", "realtime"]);
  const isOf = (...types: Edge["type"][]): ((edge: Edge) => boolean) => {
    const all = new Set<Edge["type"]>([...types, ...order]);
    return ({ type }) => all.has(type);
  };
  const found: Anomaly[] = [];
  const reported = new Set<string>();
  const report = (type: string, cycle: readonly Edge[]): void => {
    const ids = cycle.map(({ from }) => from);
    if (ids.some((id) => reported.has(id))) return;
    for (const id of ids) reported.add(id);
    const message = cycle.map(({ from, to, why }) => `${from} → ${to}: ${from} ${why}`).join("; ");
    found.push({ type: type + suffix, transactions: ids, message });
  };
  for (const [type, kinds] of [
    ["G0", isOf("ww")],
    ["G1c", isOf("ww", "wr")],
  ] as const) {
    for (const cycle of shortestCycles(edges.filter(kinds))) report(type, cycle);
  }
  const forward = graphOf(edges.filter(isOf("ww", "wr")));
  for (const overtaken of edges.filter(({ type }) => type === "rw")) {
    const back = shortestPath(forward, overtaken.to, overtaken.from);
    if (back !== undefined) report("G-single", [overtaken, ...back]);
  }
  for (const cycle of shortestCycles(edges)) report("G2", cycle);
  return found;
}

/** By transaction: the edges that leave it. */
type Graph = ReadonlyMap<string, readonly Edge[]>;

function graphOf(edges: readonly Edge[]): Graph {
  const graph = new Map<string, Edge[]>();
  for (const edge of edges) {
    const leaving = graph.get(edge.from);
    if (leaving === undefined) graph.set(edge.from, [edge]);
    else leaving.push(edge);
  }
  return graph;
}

/** A shortest cycle through each edge that is in one, shortest first. */
function shortestCycles(edges: readonly Edge[]): Edge[][] {
  const inCycles = withoutLooseEnds(edges);
  const graph = graphOf(inCycles);
  return inCycles
    .flatMap((edge) => {
      const back = shortestPath(graph, edge.to, edge.from);
      return back === undefined ? [] : [[edge, ...back]];
    })
    .sort((a, b) => a.length - b.length);
}

/** Takes off what nothing leads to or from, again and again: of a graph without cycles nothing is left. */
function withoutLooseEnds(edges: readonly Edge[]): readonly Edge[] {
  const from = new Set(edges.map((edge) => edge.from));
  const to = new Set(edges.map((edge) => edge.to));
  const rest = edges.filter((edge) => to.has(edge.from) && from.has(edge.to));
  return rest.length === edges.length ? rest : withoutLooseEnds(rest);
}

/** The edges from one to the other, fewest first; `[]` when they are the same. */
function shortestPath(graph: Graph, from: string, to: string): Edge[] | undefined {
  const cameBy = new Map<string, Edge | undefined>([[from, undefined]]);
  const queue = [from];
  for (const at of queue) {
    if (at === to) {
      const path: Edge[] = [];
      for (let edge = cameBy.get(at); edge !== undefined; edge = cameBy.get(edge.from))
        path.push(edge);
      return path.reverse();
    }
    for (const edge of graph.get(at) ?? []) {
      if (cameBy.has(edge.to)) continue;
      cameBy.set(edge.to, edge);
      queue.push(edge.to);
    }
  }
  return undefined;
}

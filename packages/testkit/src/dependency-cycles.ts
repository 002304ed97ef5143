/** Cycles of dependencies between transactions, by the anomaly that they are. */
import type { Edge } from "./append-dependencies.js";
import type { Anomaly } from "./list-append.js";

/** Of each connected part one shortest cycle of the worst kind, by the weakest edges that make one. */
export function cyclesIn(edges: readonly Edge[], suffix: string): Anomaly[] {
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

/** Deadlock: nothing can happen any more, and somebody still waits. */
import { checkKeys, isPid, keyOf, type AnyPid, type Node, type ProcessInfo } from "@coppice/core";
import { checkList, checkOptionalList, checkNode, checkSimulation, isText } from "./arguments.js";
import type { Simulation } from "./simulation.js";

export interface StuckOptions {
  /**
   * Who may wait for ever: names, labels, or a function that knows. A process that runs a handler, as all
   * behaviours do, is idle by itself while it waits for its next message.
   */
  readonly idle?: readonly string[] | ((process: ProcessInfo) => boolean);
}

export interface StuckProcess {
  readonly pid: AnyPid;
  readonly path: string;
  /** `"call"`: for a reply, or for something else on the runtime; `"receive"`: for a message. */
  readonly waitsIn: "call" | "receive";
  /** Whom it monitors, as who waits for a reply does. */
  readonly waitsFor: readonly AnyPid[];
}

/**
 * The processes that wait for a reply or a message and are not idle. At rest, these will wait for ever.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import { findStuck, quiesce } from "@coppice/testkit";
 * const node = createNode();
 * node.spawnOpt<string>({ label: "waiter" }, async (self) => void (await self.receive()));
 * await quiesce();
 * findStuck([node]).map(({ path, waitsIn }) => [path, waitsIn]); // => [["waiter", "receive"]]
 * findStuck([node], { idle: ["waiter"] }); // => []
 * await node.stop();
 */
export function findStuck(nodes: readonly Node[], options: StuckOptions = {}): StuckProcess[] {
  checkStuck("findStuck", nodes, options);
  const { idle = [] } = options;
  const mayWait = (info: ProcessInfo): boolean =>
    typeof idle === "function"
      ? idle(info)
      : [info.name, info.label].some((each) => each !== undefined && idle.includes(each));
  const stuck: StuckProcess[] = [];
  for (const node of nodes) {
    for (const pid of node.processes()) {
      const info = node.processInfo(pid);
      if (info === undefined || (info.status !== "waiting" && info.status !== "receiving"))
        continue;
      if (mayWait(info)) continue;
      stuck.push({
        pid,
        path: info.path,
        waitsIn: info.status === "waiting" ? "call" : "receive",
        waitsFor: info.monitors.filter((each) => isPid(each)),
      });
    }
  }
  return stuck;
}

function checkStuck(operation: string, nodes: readonly Node[], options: StuckOptions): void {
  checkList(`${operation}: nodes`, nodes, "nodes", () => true);
  for (const [place, node] of nodes.entries()) checkNode(`${operation}: nodes[${place}]`, node);
  checkKeys(`${operation}: options`, options, ["idle"]);
  const { idle } = options;
  if (typeof idle !== "function") {
    checkOptionalList(`${operation}: options.idle`, idle, "names and labels", isText);
  }
}

/** Processes each of which waits for the next, and the last for the first; the shortest such circle. */
export function waitCycle(stuck: readonly StuckProcess[]): readonly StuckProcess[] | undefined {
  const byPid = new Map(stuck.map((each) => [each.pid, each]));
  let shortest: readonly StuckProcess[] | undefined;
  for (const first of stuck) {
    const ways: (readonly StuckProcess[])[] = [[first]];
    const seen = new Set([first]);
    for (const way of ways) {
      for (const pid of (way.at(-1) as StuckProcess).waitsFor) {
        const next = byPid.get(pid);
        if (next === first && (shortest === undefined || way.length < shortest.length))
          shortest = way;
        if (next === undefined || seen.has(next)) continue;
        seen.add(next);
        ways.push([...way, next]);
      }
    }
  }
  return shortest;
}

/** One line for each process, and the circle if there is one. */
export function formatStuck(stuck: readonly StuckProcess[]): string {
  const name = ({ path, pid }: StuckProcess): string => `${path} ${String(pid)}`;
  const cycle = waitCycle(stuck);
  const lines = stuck.map((each) => {
    const others = each.waitsFor.map(String).join(", ");
    const what = each.waitsIn === "receive" ? "a message" : "a reply";
    return `${name(each)} waits for ${what}${others === "" ? "" : ` of ${others}`}`;
  });
  if (cycle !== undefined) {
    const first = cycle[0] as StuckProcess;
    lines.push(`each waits for the next: ${[...cycle, first].map(name).join(" → ")}`);
  }
  return lines.join("\n");
}

/**
 * When nothing can happen any more, nobody may wait who is not idle. The violation is called `deadlock`.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function checkDeadlock(
  sim: Simulation,
  nodes: readonly Node[],
  options: StuckOptions = {},
): void {
  checkSimulation("checkDeadlock: sim", sim);
  checkStuck("checkDeadlock", nodes, options);
  sim.finally("deadlock", () => {
    const stuck = findStuck(nodes, options).sort((a, b) => (keyOf(a.pid) < keyOf(b.pid) ? -1 : 1));
    if (stuck.length > 0) throw new Error(formatStuck(stuck));
  });
}

/**
 * The cluster: nodes that are processes of the system, connected with this one by WebSockets, and where
 * among them a worker is started.
 */
import { schedulerOf, type Node, type Startable } from "@coppice/core";
import { generateCookie, startRemote, type Remote } from "@coppice/remote";
import { filter, firstValueFrom, map, merge, startWith, timer } from "rxjs";
import type { WorkerMessage } from "./hash-worker.js";

/** What the nodes list, to be started for the fleet. */
export const WORKER = "hash worker";

/** A node that is silent for so long is dead, if need be because it is killed. */
const HEAR_MS = 1_000;

/** So long workers wait for all nodes when the fleet starts, and for any when there is none. */
const GATHER_MS = 5_000;

/** What a node is told by who started its process. */
export interface Introduction {
  readonly name: string;
  /** The node of the fleet, and where it listens. */
  readonly home: string;
  readonly address: string;
  readonly cookie: string;
}

export interface Cluster {
  readonly remote: Remote;
  /** How many nodes there are besides this one. */
  readonly size: number;
  /** The module that their processes run. */
  readonly program: URL;
  introduction(number: number): Introduction;
  /** A hash worker on the node that has the fewest. */
  worker(number: number): Startable<WorkerMessage>;
}

/** Listens on this machine for nodes that know a secret which nobody has known before. */
export async function startCluster(node: Node, size: number, program: URL): Promise<Cluster> {
  const cookie = generateCookie();
  const remote = await startRemote(node, {
    cookie,
    listen: { port: 0 },
    connect: "never",
    hearMs: HEAR_MS,
  });
  const [address = ""] = remote.addresses;
  const placement = new Placement();
  const gathered = connected(remote, size);
  return {
    remote,
    size,
    program,
    introduction: (number) => ({ name: nodeName(number), home: node.name, address, cookie }),
    worker: (number) => {
      const far = remote.behaviour<Startable<WorkerMessage, [number]>>(
        (names) => placement.choose(number, names, node.now()),
        WORKER,
      );
      return {
        start: async (starter, options) => {
          await gathered;
          await connected(remote, 1);
          const result = await far.start(starter, options, number);
          if (typeof result === "object" && "error" in result) placement.failed(number, node.now());
          return result;
        },
      };
    },
  };
}

export function nodeName(number: number): string {
  return `node-${number}`;
}

/** Resolves when so many nodes are connected, or after a while. */
async function connected(remote: Remote, count: number): Promise<void> {
  const enough = remote.events.pipe(
    startWith(undefined),
    map(() => remote.nodes().length >= count),
    filter((isEnough) => isEnough),
  );
  const late = timer(GATHER_MS, schedulerOf(remote.node));
  await firstValueFrom(merge(enough, late), { defaultValue: undefined });
}

/**
 * Which worker was started where, so that the next goes where the fewest are; but not at once again where
 * a start has failed, as long as there is another node.
 */
export class Placement {
  readonly #nodes = new Map<number, string>();
  /** Until when. */
  readonly #suspects = new Map<string, number>();

  /** @returns `undefined` when there is no node */
  choose(worker: number, nodes: readonly string[], nowMs: number): string | undefined {
    this.#nodes.delete(worker);
    const load = (node: string): number =>
      [...this.#nodes.values()].filter((where) => where === node).length;
    const isSuspect = (node: string): number => ((this.#suspects.get(node) ?? 0) > nowMs ? 1 : 0);
    const [best] = [...nodes].sort(
      (a, b) => isSuspect(a) - isSuspect(b) || load(a) - load(b) || (a < b ? -1 : 1),
    );
    if (best !== undefined) this.#nodes.set(worker, best);
    return best;
  }

  /** The start of that worker, where it was to be, has failed. */
  failed(worker: number, nowMs: number): void {
    const node = this.#nodes.get(worker);
    if (node !== undefined) this.#suspects.set(node, nowMs + HEAR_MS);
    this.#nodes.delete(worker);
  }
}

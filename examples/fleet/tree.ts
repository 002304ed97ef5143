/**
 * The tree: who watches whom.
 *
 * ```text
 * fleet         rest_for_one: who comes later depends on who comes earlier
 * ├─ nodes      one_for_one: processes of the system, if there are any
 * │  ├─ node-1 …
 * ├─ dispatcher what is done and what is not
 * ├─ workers    one_for_one: the death of one is no concern of the others
 * │  ├─ worker 1 … on the nodes, or here
 * ├─ walker     finds the files, then it has ended
 * ├─ chaos      among workers
 * └─ node chaos
 * ```
 *
 * Should the dispatcher die, the results die with it: all after it are stopped and started, the walk
 * begins anew, and everything is hashed again. Late, and still right.
 */
import { child, defineSupervisor, type SupervisorDefinition } from "@coppice/supervisor";
import { chaos } from "./chaos.js";
import { nodeName, type Cluster } from "./cluster.js";
import { Dispatcher, dispatcher } from "./dispatcher.js";
import { hashWorker } from "./hash-worker.js";
import { nodeChaos, nodeStrikesPerSecond } from "./node-chaos.js";
import { nodeProcess, nodeProcessName } from "./node-process.js";
import type { RawPath } from "./raw-path.js";
import { walker } from "./walker.js";

export interface FleetOptions {
  /** The directory: absolute, with symbolic links resolved. */
  readonly root: RawPath;
  /** Files to leave out. */
  readonly except: readonly RawPath[];
  readonly workers: number;
  /** How many workers chaos crashes a second, on average. */
  readonly chaosPerSecond: number;
  readonly seed: number;
}

export function fleetTree(options: FleetOptions, cluster?: Cluster): SupervisorDefinition {
  const { root, except, chaosPerSecond, seed } = options;
  const nodes = cluster === undefined ? [] : [child("nodes", nodesTree(cluster, chaosPerSecond))];
  const strikes = chaosPerSecond > 0 ? [child("chaos", chaos, seed, chaosPerSecond)] : [];
  if (cluster !== undefined && chaosPerSecond > 0) {
    strikes.push(child("node chaos", nodeChaos, seed, nodeStrikesPerSecond(chaosPerSecond)));
  }
  return defineSupervisor({
    strategy: "rest_for_one",
    children: [
      ...nodes,
      child({ id: "dispatcher", name: Dispatcher }, dispatcher),
      child("workers", workersTree(options, cluster)),
      child({ id: "walker", restart: "transient" }, walker, root, except),
      ...strikes,
    ],
  });
}

function nodesTree(cluster: Cluster, chaosPerSecond: number): SupervisorDefinition {
  return defineSupervisor({
    strategy: "one_for_one",
    ...restartLimit(nodeStrikesPerSecond(chaosPerSecond), cluster.size),
    children: Array.from({ length: cluster.size }, (_, index) => {
      const id = nodeName(index + 1);
      const options = { id, name: nodeProcessName(id), shutdown: "brutal_kill" } as const;
      return child(options, nodeProcess, cluster, index + 1);
    }),
  });
}

function workersTree(
  { workers, chaosPerSecond }: FleetOptions,
  cluster: Cluster | undefined,
): SupervisorDefinition {
  // With its node die all who work there.
  const lost = cluster === undefined ? 0 : nodeStrikesPerSecond(chaosPerSecond) * workers;
  return defineSupervisor({
    strategy: "one_for_one",
    ...restartLimit(chaosPerSecond + lost, workers),
    children: Array.from({ length: workers }, (_, index) => {
      const number = index + 1;
      // Killed, not asked: one that hangs would not hear it, and what they own is closed all the same.
      const options = { id: `worker ${number}`, shutdown: "brutal_kill" } as const;
      return cluster === undefined
        ? child(options, hashWorker, number, Dispatcher)
        : // A node that stands still keeps nobody from being started elsewhere.
          child({ ...options, startTimeoutMs: START_MS }, cluster.worker(number));
    }),
  });
}

const START_MS = 200;

const PERIOD_MS = 5_000;

/**
 * How many restarts are too many. OTP's default, one in 5 s, is for crashes nobody expects; here
 * `chaosPerSecond` are ordered, and the fleet must not be given up for them.
 *
 * Three times the mean plus twenty is more than chance will ever bring (for 1 a second: 35 where 5 are
 * the mean). A disk that stands still makes every worker look hung; as the dispatcher's patience
 * doubles each time, not five times in a period. Crashes beyond that are a fault of the program, and
 * end it.
 */
export function restartLimit(
  chaosPerSecond: number,
  workers: number,
): { readonly intensity: number; readonly periodMs: number } {
  const mean = (chaosPerSecond * PERIOD_MS) / 1_000;
  return { intensity: Math.ceil(3 * mean) + 20 + 5 * workers, periodMs: PERIOD_MS };
}

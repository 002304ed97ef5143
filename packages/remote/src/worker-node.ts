/** A node in a worker thread for those who have no tree to put it into: it is started with a supervisor of its own. */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { child, defineSupervisor, startSupervisor, type SupervisorPid } from "@coppice/supervisor";
import type { Remote } from "./remote.js";
import { threadNode, type ThreadWorkerOptions } from "./thread-node.js";

export interface WorkerNodeOptions {
  /** What the node is called; by default as its module is, without the extension. */
  readonly name?: string;
  /** As of a supervisor: how often it may be started again within `periodMs`; 1 in 5000 by default. */
  readonly intensity?: number;
  readonly periodMs?: number;
  /** How the thread is run, as for `Worker` of Node. */
  readonly worker?: ThreadWorkerOptions;
}

export interface WorkerNode {
  /** What the node is called: a place for `remote.behaviour`, and for `at`. */
  readonly name: string;
  /** Restarts the thread, and ends it when it ends itself: `node.exit(supervisor, "shutdown")`. */
  readonly supervisor: SupervisorPid;
}

/**
 * Starts a node in a worker thread, and a supervisor that starts it again, with all that its module starts, when the
 * thread dies or hangs. Resolves when the two nodes are connected. Where there is a tree, `threadNode` is a child of
 * it, and `threadGroup` several.
 *
 * @param url the module that the thread runs: it calls `startInThread`
 * @throws InvalidArgumentError `remote` was not made by `startRemote`, or an option is wrong
 * @throws StartError the thread did not start, or another node has its name
 */
export async function startWorkerNode(
  remote: Remote,
  url: URL,
  options: WorkerNodeOptions = {},
): Promise<WorkerNode> {
  checkKeys("startWorkerNode: options", options, ["name", "intensity", "periodMs", "worker"]);
  const { name = moduleName(url), worker, ...limits } = options;
  const thread = threadNode(remote, { url, name, ...(worker && { worker }) });
  const tree = defineSupervisor({ ...limits, children: [child(name, thread)] });
  return { name, supervisor: await startSupervisor(remote.node, tree) };
}

function moduleName(url: URL): string {
  const { pathname } = Object(url) as { readonly pathname?: unknown };
  const [, name] = /([^/]+?)(?:\.\w+)?$/.exec(String(pathname)) ?? [];
  if (name === undefined) {
    throw new InvalidArgumentError("startWorkerNode: url", "the URL of a module", url);
  }
  return name;
}

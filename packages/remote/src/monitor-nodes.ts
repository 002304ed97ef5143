/** Telling a process by messages which nodes are connected. */
import { checkKeys, formatThrown, InvalidArgumentError, type Pid } from "@coppice/core";
import type { Observable } from "rxjs";
import { UnreachableError } from "./errors.js";
import { processFeed } from "./process-feed.js";
import type { MonitorNodesOptions, NodeStatus, Remote } from "./remote.js";
import type { RemoteEvent } from "./remote-event.js";

/** As `Remote.monitorNodes`. @param events of `remote`, before its subscribers hear of them */
export function monitorNodes<M>(
  remote: Pick<Remote, "node" | "nodes" | "connect">,
  events: Pick<Observable<RemoteEvent>, "subscribe">,
  pid: Pid<M>,
  map: (status: NodeStatus) => M,
  options: MonitorNodesOptions = {},
): () => void {
  const { node } = remote;
  const feed = processFeed(node, "monitorNodes", pid, map, "NodeStatus");
  checkKeys("monitorNodes: options", options, ["node", "role"]);
  const { node: wanted, role = wanted === undefined ? "node" : "all" } = options;
  if (wanted !== undefined && (typeof wanted !== "string" || wanted === "")) {
    throw new InvalidArgumentError("monitorNodes: options.node", "the name of a node", wanted);
  }
  if (!["node", "client", "all"].includes(role)) {
    const expected = `"node", "client" or "all"`;
    throw new InvalidArgumentError("monitorNodes: options.role", expected, role);
  }
  const tell = (status: NodeStatus): void => {
    if (wanted !== undefined && wanted !== status.node) return;
    if (role !== "all" && status.role !== undefined && status.role !== role) return;
    feed.tell(status);
  };
  const subscription = events.subscribe((event) => {
    if (event.type === "up") {
      const { node: name, incarnation, role: its } = event;
      tell({ type: "nodeup", node: name, incarnation, role: its });
    } else if (event.type === "down") {
      const { node: name, incarnation, role: its, code, text } = event;
      tell({ type: "nodedown", node: name, incarnation, role: its, code, text });
    }
  });
  const over = feed.until(() => subscription.unsubscribe());
  // This node is always there.
  if (
    wanted !== undefined &&
    wanted !== node.name &&
    !remote.nodes().some(({ name }) => name === wanted)
  ) {
    remote.connect(wanted).catch((error: unknown) => {
      if (subscription.closed) return;
      const [incarnation, its] = [undefined, undefined];
      tell({ type: "nodedown", node: wanted, incarnation, role: its, ...whyNot(error) });
    });
  }
  return over;
}

function whyNot(error: unknown): { readonly code: number | undefined; readonly text: string } {
  return error instanceof UnreachableError
    ? { code: error.closeCode, text: error.why }
    : { code: undefined, text: formatThrown(error) };
}

/** Telling a process by messages which nodes are connected. */
import {
  checkFunction,
  checkKeys,
  crashProcess,
  InvalidArgumentError,
  isPid,
  type Pid,
} from "@coppice/core";
import type { Observable } from "rxjs";
import type { NodeStatus, Remote } from "./remote.js";
import type { RemoteEvent } from "./remote-event.js";

/** As `Remote.monitorNodes`. @param events of `remote`, before its subscribers hear of them */
export function monitorNodes<M>(
  remote: Pick<Remote, "node" | "nodes" | "connect">,
  events: Pick<Observable<RemoteEvent>, "subscribe">,
  pid: Pid<M>,
  map: (status: NodeStatus) => M,
  options: { readonly node?: string } = {},
): () => void {
  const { node } = remote;
  if (!isPid(pid) || pid.node !== node.name || pid.incarnation !== node.incarnation) {
    throw new InvalidArgumentError("monitorNodes: pid", "a pid of this node", pid);
  }
  checkFunction("monitorNodes: map", map);
  checkKeys("monitorNodes: options", options, ["node"]);
  const { node: wanted } = options;
  if (wanted !== undefined && (typeof wanted !== "string" || wanted === "")) {
    throw new InvalidArgumentError("monitorNodes: options.node", "the name of a node", wanted);
  }
  const tell = (type: NodeStatus["type"], name: string, incarnation?: number): void => {
    if (wanted !== undefined && wanted !== name) return;
    try {
      node.send(pid, map({ type, node: name, incarnation }));
    } catch (error) {
      // As of every translation: it is the process's own, and nobody else has called it.
      crashProcess(node, pid, error, "mapping a NodeStatus to a message");
    }
  };
  const subscription = events.subscribe((event) => {
    if (event.type === "up") tell("nodeup", event.node, event.incarnation);
    else if (event.type === "down") tell("nodedown", event.node, event.incarnation);
  });
  const gone = new AbortController();
  const over = (): void => {
    subscription.unsubscribe();
    gone.abort();
  };
  node.whenExited(pid, { signal: gone.signal }).then(over, () => undefined);
  // This node is always there.
  if (
    wanted !== undefined &&
    wanted !== node.name &&
    !remote.nodes().some(({ name }) => name === wanted)
  ) {
    remote.connect(wanted).catch(() => void (subscription.closed || tell("nodedown", wanted)));
  }
  return over;
}

/** A node in a worker thread to talk to. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Node } from "@coppice/core";
import { startRemote, threadNode, type Remote } from "@coppice/remote";
import { startNode } from "./bench-node.js";
import { COOKIE } from "./remote-services.js";

// As it is built: Node runs no TypeScript, and tests import the sources.
const PEER = new URL("../dist/thread-peer.js", import.meta.url);

type Act<T> = (node: Node, remote: Remote) => Promise<T>;

/** Runs `act` with a node that is connected with the node `peer` in a thread, over a MessagePort. */
export async function overPort<T>(act: Act<T>): Promise<T> {
  const node = startNode();
  try {
    const remote = await startRemote(node, { cookie: COOKIE });
    await node.start(threadNode(remote, { url: PEER, name: "peer" }));
    return await act(node, remote);
  } finally {
    await node.stop();
  }
}

/** Likewise over a WebSocket. */
export async function overWebSocket<T>(act: Act<T>): Promise<T> {
  const thread = new Worker(PEER, { workerData: "listen" });
  const node = startNode();
  try {
    const [address] = (await once(thread, "message")) as [string];
    const remote = await startRemote(node, { cookie: COOKIE, resolve: () => address });
    await remote.connect("peer");
    return await act(node, remote);
  } finally {
    await node.stop();
    await thread.terminate();
  }
}

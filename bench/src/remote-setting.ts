/** Another process to talk to, and the node or the socket that talks to it. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Node } from "@coppice/core";
import { startRemote, type Remote } from "@coppice/remote";
import { WebSocket } from "ws";
import { startNode } from "./bench-node.js";
import { COOKIE } from "./remote-services.js";

// As it is built: Node runs no TypeScript, and tests import the sources.
const PEER = fileURLToPath(new URL("../dist/remote-peer.js", import.meta.url));

async function startPeer(
  kind: "coppice" | "ws",
): Promise<{ child: ChildProcess; address: string }> {
  const child = fork(PEER, [kind]);
  const [address] = (await once(child, "message")) as [string];
  return { child, address };
}

/** Runs `act` with a node that is connected with the node `peer` in another process. */
export async function withRemote<T>(
  act: (node: Node, remote: Remote, child: ChildProcess) => Promise<T>,
): Promise<T> {
  const { child, address } = await startPeer("coppice");
  const node = startNode();
  try {
    const remote = await startRemote(node, { cookie: COOKIE, resolve: () => address });
    await remote.connect("peer");
    return await act(node, remote, child);
  } finally {
    await node.stop();
    child.kill("SIGKILL");
  }
}

/** Likewise with a socket of `ws`, one message to a frame. */
export async function withSocket<T>(act: (socket: WebSocket) => Promise<T>): Promise<T> {
  const { child, address } = await startPeer("ws");
  const socket = new WebSocket(address, { perMessageDeflate: false });
  try {
    await once(socket, "open");
    return await act(socket);
  } finally {
    socket.terminate();
    child.kill("SIGKILL");
  }
}

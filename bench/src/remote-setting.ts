/** Another process to talk to, and the node or the socket that talks to it. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Node } from "@coppice/core";
import { startRemote, type Remote, type RemoteOptions } from "@coppice/remote";
import { WebSocket } from "ws";
import { startNode } from "./bench-node.js";
import { COOKIE } from "./remote-services.js";

// As it is built: Node runs no TypeScript, and tests import the sources.
const PEER = fileURLToPath(new URL("../dist/remote-peer.js", import.meta.url));

/** What the two nodes are started with, beyond what they need to find each other. */
export type Settings = Pick<RemoteOptions, "limits" | "hearMs" | "overflow">;

async function startPeer(
  kind: "coppice" | "ws",
  settings: Settings = {},
): Promise<{ child: ChildProcess; address: string }> {
  const child = fork(PEER, [kind, JSON.stringify(settings)]);
  const [address] = (await once(child, "message")) as [string];
  return { child, address };
}

/** Runs `act` with a node that is connected with the node `peer` in another process. */
export async function withRemote<T>(
  act: (node: Node, remote: Remote, child: ChildProcess) => Promise<T>,
  settings: Settings = {},
): Promise<T> {
  const { child, address } = await startPeer("coppice", settings);
  const node = startNode();
  try {
    const remote = await startRemote(node, { cookie: COOKIE, resolve: () => address, ...settings });
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

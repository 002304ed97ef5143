/**
 * The node `peer` in a worker thread: over its MessagePort when `threadNode` started it, over a WebSocket when
 * it is given a port of its own to say at which address it listens.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createNode } from "@coppice/core";
import { startInThread, startRemote } from "@coppice/remote";
import { COOKIE, serve } from "./remote-services.js";

if (workerData === "listen") {
  const node = createNode({ name: "peer", logger: false });
  serve(node);
  const { addresses } = await startRemote(node, { cookie: COOKIE, listen: { port: 0 } });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of Node has none
  parentPort?.postMessage(addresses[0]);
} else serve((await startInThread({}, { logger: false })).node);

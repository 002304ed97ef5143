/** The other process of the benchmarks of remoting: `node remote-peer.js coppice|ws`, driven over IPC. */
import { createNode } from "@coppice/core";
import { startRemote } from "@coppice/remote";
import { WebSocketServer } from "ws";
import { COOKIE, serve } from "./remote-services.js";

async function coppice(): Promise<string> {
  const node = createNode({ name: "peer", logger: false });
  serve(node);
  const { addresses } = await startRemote(node, { cookie: COOKIE, listen: { port: 0 } });
  return addresses[0] ?? "";
}

/** One message to a frame: texts are answered, bytes are counted until a text says how many there are. */
async function ws(): Promise<string> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => {
    let counted = 0;
    socket.on("message", (data, isBinary) => {
      if (isBinary) counted++;
      else if (String(data) === "count") {
        socket.send(String(counted));
        counted = 0;
      } else socket.send(data, { binary: false });
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

process.send?.(await (process.argv[2] === "ws" ? ws() : coppice()));
process.on("disconnect", () => process.exit());

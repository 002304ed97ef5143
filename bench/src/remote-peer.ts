/** The other process of the benchmarks of remoting: `node remote-peer.js coppice|ws SETTINGS`, driven over IPC. */
import { createNode } from "@coppice/core";
import { startRemote } from "@coppice/remote";
import { WebSocketServer } from "ws";
import { COOKIE, serve } from "./remote-services.js";
import type { Settings } from "./remote-setting.js";

async function coppice(settings: Settings): Promise<string> {
  const node = createNode({ name: "peer", logger: false });
  serve(node);
  const { addresses } = await startRemote(node, {
    cookie: COOKIE,
    listen: { port: 0 },
    ...settings,
  });
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

const [kind, settings = "{}"] = process.argv.slice(2);
process.send?.(await (kind === "ws" ? ws() : coppice(JSON.parse(settings) as Settings)));
process.on("disconnect", () => process.exit());

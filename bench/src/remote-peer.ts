/** The other process of the benchmarks of remoting: `node remote-peer.js coppice|ws`, driven over IPC. */
import { createNode, name, type Call, type Pid } from "@coppice/core";
import { startRemote } from "@coppice/remote";
import { WebSocketServer } from "ws";

/** Shared by the two processes of a benchmark; nobody else gets to them. */
export const COOKIE = "only for these benchmarks";

export const Echo = name<Call<unknown, unknown>>("echo");
/** Takes casts, and answers `["whenAt", count]` when so many have come. */
export const Sink = name<
  Uint8Array | { readonly type: "whenAt"; readonly count: number; readonly from: Pid<"done"> }
>("sink");

async function coppice(): Promise<string> {
  const node = createNode({ name: "peer", logger: false });
  node.register(
    Echo,
    node.spawn<Call<unknown, unknown>>(async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request);
      }
    }),
  );
  let counted = 0;
  let waiting: { readonly count: number; readonly from: Pid<"done"> } | undefined;
  node.register(
    Sink,
    node.spawn<
      Uint8Array | { readonly type: "whenAt"; readonly count: number; readonly from: Pid<"done"> }
    >(async (self) => {
      for (;;) {
        const message = await self.receive();
        if (message instanceof Uint8Array) counted++;
        else waiting = message;
        if (waiting !== undefined && counted >= waiting.count) {
          self.send(waiting.from, "done");
          waiting = undefined;
          counted = 0;
        }
      }
    }),
  );
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

if (process.argv[1]?.endsWith("remote-peer.js") === true && process.send !== undefined) {
  process.send(await (process.argv[2] === "ws" ? ws() : coppice()));
  process.on("disconnect", () => process.exit());
}

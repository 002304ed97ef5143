/** What the other node of a benchmark of remoting has: a process that answers, and one that counts. */
import { name, type Call, type Node, type Pid } from "@coppice/core";

/** Shared by the nodes of a benchmark; nobody else gets to them. */
export const COOKIE = "only for these benchmarks";

type SinkMessage =
  Uint8Array | { readonly type: "whenAt"; readonly count: number; readonly from: Pid<"done"> };

export const Echo = name<Call<unknown, unknown>>("echo");
/** Takes casts, and answers `whenAt` when so many have come. */
export const Sink = name<SinkMessage>("sink");

/** Starts both. */
export function serve(node: Node): void {
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
    node.spawn<SinkMessage>(async (self) => {
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
}

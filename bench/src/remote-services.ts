/** What the other node of a benchmark of remoting has: processes that answer, and that count. */
import { name, type Call, type Node, type Pid } from "@coppice/core";

/** Shared by the nodes of a benchmark; nobody else gets to them. */
export const COOKIE = "only for these benchmarks";

type SinkMessage =
  Uint8Array | { readonly type: "whenAt"; readonly count: number; readonly from: Pid<"done"> };

/** Answers with what it is asked, and `"who"` with its pid. */
export const Echo = name<Call<unknown, unknown>>("echo");
/** Takes casts, and answers `whenAt` when so many have come. */
export const Sink = name<SinkMessage>("sink");

/** What came of the numbers 1, 2, 3, …, each in the first eight of some bytes. */
export interface LedgerState {
  readonly taken: number;
  /** How many came twice, or behind a greater one. */
  readonly disorder: number;
}

/** Takes numbers, and says what came. */
export const Ledger = name<Uint8Array | Call<"ledger", LedgerState>>("ledger");

/** Starts all of them. */
export function serve(node: Node): void {
  serveLedger(node);
  node.register(
    Echo,
    node.spawn<Call<unknown, unknown>>(async (self) => {
      for (;;) {
        const { from, request } = await self.receive();
        self.reply(from, request === "who" ? self.pid : request);
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

function serveLedger(node: Node): void {
  let [taken, disorder, last] = [0, 0, 0];
  node.register(
    Ledger,
    node.spawn<Uint8Array | Call<"ledger", LedgerState>>(async (self) => {
      for (;;) {
        const message = await self.receive();
        if (message instanceof Uint8Array) {
          const number = new DataView(message.buffer, message.byteOffset).getFloat64(0);
          taken++;
          if (number <= last) disorder++;
          last = Math.max(last, number);
        } else self.reply(message.from, { taken, disorder });
      }
    }),
  );
}

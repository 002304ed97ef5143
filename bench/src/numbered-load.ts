/** Full load: a process sends numbers, one after the other, in 100 bytes each, to the ledger of the node `peer`. */
import { at, type Node } from "@coppice/core";
import type { Remote } from "@coppice/remote";
import { Ledger, type LedgerState } from "./remote-services.js";

/** How long is sent before others have their turn. */
const BURST_MS = 5;
const BYTES = 100;
/** What did not happen in so long will not. */
const PATIENCE_MS = 60_000;

export interface LoadOptions {
  /** How long at least. */
  readonly ms: number;
  /** Waits while the session is busy. */
  readonly awaits: boolean;
  /** What has to have happened besides. */
  readonly until?: () => boolean;
}

export class NumberedLoad {
  readonly #node: Node;
  readonly #remote: Remote;
  readonly #undeliveredBefore: number;
  sent = 0;

  constructor(node: Node, remote: Remote) {
    this.#node = node;
    this.#remote = remote;
    this.#undeliveredBefore = node.counts.undelivered;
  }

  /** How many of the messages became dead letters here. */
  get dropped(): number {
    return this.#node.counts.undelivered - this.#undeliveredBefore;
  }

  /** @throws Error the sender has crashed, or a message was sent by `trySend` though the session was busy */
  async run({ ms, awaits, until = () => true }: LoadOptions): Promise<void> {
    const remote = this.#remote;
    const target = at("peer", Ledger);
    const startMs = performance.now();
    const goesOn = (): boolean => {
      const sinceMs = performance.now() - startMs;
      return sinceMs < ms || (sinceMs < PATIENCE_MS && !until());
    };
    let sentWhileBusy = 0;
    const sender = this.#node.spawn(async (self) => {
      while (goesOn()) {
        const burstUntilMs = performance.now() + BURST_MS;
        do {
          for (let i = 0; i < 100; i++) self.send(target, numbered(++this.sent));
        } while (performance.now() < burstUntilMs && !(awaits && remote.isBusy("peer")));
        await self.sleep(0);
        if (!awaits || !remote.isBusy("peer")) continue;
        if (remote.trySend(self, target, numbered(0)) === "sent") sentWhileBusy++;
        const leftMs = Math.max(0, startMs + ms - performance.now());
        await Promise.race([remote.ready("peer"), self.sleep(leftMs)]);
      }
    });
    const reason = await this.#node.whenExited(sender);
    if (reason !== "normal") throw new Error(`the sender ended: ${JSON.stringify(reason)}`);
    if (sentWhileBusy > 0) throw new Error(`trySend has sent ${sentWhileBusy} to a busy peer`);
  }

  /** What the peer has taken. */
  ledger(): Promise<LedgerState> {
    return this.#node.call(at("peer", Ledger), "ledger", { timeoutMs: PATIENCE_MS });
  }
}

function numbered(number: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  new DataView(bytes.buffer).setFloat64(0, number);
  return bytes;
}

/**
 * What a session gives out: signals go into the outbox, frames of it into the transport, no more than that
 * can send soon, so that what waits can still be dropped.
 */
import type { FrameMac } from "./frame-mac.js";
import type { BreachCounts, Limits } from "./limits.js";
import type { Outbox } from "./outbox.js";
import type { SharedQueue, SharedQueues } from "./shared-queues.js";
import type { Transport } from "./transport.js";
import { admit, exceededBy, isBusy, marksAmong, type OverflowPolicy } from "./watermark.js";
import { CLOSE_CODES, type CloseCode, type WireSignal } from "./wire-signal.js";

/** So much may wait in the transport before the rest waits in the outbox, where it can still be dropped. */
const TRANSPORT_BYTES = 256 * 1024;

/** What it needs of its connection. */
export interface OutletPort {
  readonly limits: Limits;
  readonly overflow: OverflowPolicy;
  readonly breaches: BreachCounts;
  /** Runs `task` when the code that runs now, and what it has made ready, is done. */
  readonly soon: (task: () => void) => void;
  readonly isOpen: () => boolean;
  /** Frames are about to be sent: the last moment to say something more. */
  readonly flushing: () => void;
  /** Frames were sent. */
  readonly spoke: () => void;
  /** More, or not so much any more, is waiting than goes out. */
  readonly busy: (isBusy: boolean) => void;
  readonly close: (code: CloseCode, text: string) => void;
  /** What waits here is counted along with what waits for others. */
  readonly shared: SharedQueues | undefined;
}

/**
 * A client keeps so many times its soft mark while too much waits for all clients. Messages stop at that mark, by the
 * overflow policy; beyond it are signals that are never dropped, and a message as big as may be.
 */
const KEPT = 2;

export class Outlet implements SharedQueue {
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #sealer: FrameMac | undefined;
  readonly #port: OutletPort;
  #flushing = false;
  #busy = false;
  readonly #flushed = (): void => {
    this.#flushing = false;
    this.flush();
  };

  constructor(
    transport: Transport,
    outbox: Outbox,
    sealer: FrameMac | undefined,
    port: OutletPort,
  ) {
    this.#transport = transport;
    this.#outbox = outbox;
    this.#sealer = sealer;
    this.#port = port;
  }

  /** How many bytes wait to be sent, here and in the transport. */
  get queuedBytes(): number {
    return this.#outbox.bytes + this.#transport.bufferedBytes;
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /** The transport has as much as it may have. */
  get isBlocked(): boolean {
    return this.#transport.bufferedBytes >= TRANSPORT_BYTES;
  }

  /** As `Connection.push`. */
  push(sender: number, signal: WireSignal<unknown>): boolean {
    const { limits, overflow, breaches, isOpen, close, shared } = this.#port;
    if (!isOpen()) return false;
    const waiting = this.queuedBytes - this.#outbox.bigBytes;
    const marks = marksAmong(shared, limits);
    const verdict = admit(signal.op, 0, waiting, marks, overflow);
    if (verdict !== "queue") {
      breaches.count(waiting > limits.hardQueueBytes ? exceededBy(signal.op) : "clientQueueBytes");
      if (verdict === "close") close(CLOSE_CODES.OVERLOAD, "too much waits to be sent");
      return false;
    }
    this.#outbox.push(sender, signal);
    this.#flushSoon();
    shared?.relieve(KEPT * limits.softQueueBytes);
    return isOpen();
  }

  giveWay(): void {
    const { breaches, close } = this.#port;
    breaches.count("clientQueueBytes");
    close(CLOSE_CODES.OVERLOAD, "too much waits to be sent to clients");
  }

  /** As `push`, of a signal that was encoded before the session was open. */
  pushEncoded(sender: number, bytes: Uint8Array): void {
    this.#outbox.pushEncoded(sender, bytes);
    this.#flushSoon();
  }

  /** Something about the session itself, which goes with the next frame. */
  add(signal: WireSignal): void {
    this.#outbox.push(0, signal);
    this.#flushSoon();
  }

  /** Something that passes all that waits. */
  say(signal: WireSignal): void {
    this.#outbox.push(0, signal);
    // Not held back by what waits in the transport: a frame more makes no difference.
    const frame = this.#outbox.take();
    if (frame !== undefined) this.#send(frame);
    this.flush();
  }

  /** The peer grants more. `false`: more than there is, which breaks the protocol. */
  grant(bytes: number, signals: number): boolean {
    if (!this.#outbox.grant(bytes, signals)) return false;
    this.flush();
    return true;
  }

  /** Gives the transport what it may have. */
  flush(): void {
    const { isOpen, flushing, spoke } = this.#port;
    if (!isOpen()) return;
    flushing();
    let sent = false;
    while (!this.isBlocked) {
      const frame = this.#outbox.take();
      if (frame === undefined) break;
      this.#send(frame);
      sent = true;
    }
    if (sent) spoke();
    this.#watch();
  }

  #flushSoon(): void {
    if (this.#outbox.full) this.flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      this.#port.soon(this.#flushed);
    }
    this.#watch();
  }

  #send(frame: Uint8Array): void {
    this.#transport.send(this.#sealer === undefined ? frame : this.#sealer.seal(frame));
  }

  /** The session is over: nothing waits any more. */
  end(): void {
    this.#count(0);
  }

  #count(queuedBytes: number): void {
    this.#port.shared?.count(this, queuedBytes);
  }

  #watch(): void {
    const { limits, breaches, isOpen, busy } = this.#port;
    if (!isOpen()) return;
    const { queuedBytes } = this;
    this.#count(queuedBytes);
    const is = isBusy(this.#busy, queuedBytes, limits);
    if (is === this.#busy) return;
    this.#busy = is;
    if (is) breaches.count("softQueueBytes");
    busy(is);
  }
}

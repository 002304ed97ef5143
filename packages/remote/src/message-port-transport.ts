/**
 * A transport over a `MessagePort`, or anything like one: worker threads, `MessageChannel`, a worker in
 * a browser.
 *
 * What is posted is a frame (its bytes), a number (how many bytes the other end has taken), or
 * `{ close, text }`. So each end knows what is on its way, which ports themselves do not tell.
 */
import { CLOSED_ABNORMALLY, type Transport, type TransportEvents } from "./transport.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** What ports of Node and of browsers have in common. */
export interface PortLike {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** The event of a `"message"` has what was posted as its `data`. */
  addEventListener(type: "message" | "close", listener: (event: object) => void): void;
  start?(): void;
  close?(): void;
}

/**
 * Makes one end of a transport of a port that nobody else uses.
 *
 * @param remoteAddress what the other end is called in reports, e.g. `worker://7`
 */
export function messagePortTransport(port: PortLike, remoteAddress: string): Transport {
  return new PortTransport(port, remoteAddress);
}

class PortTransport implements Transport {
  readonly remoteAddress: string;
  readonly #port: PortLike;
  #events: TransportEvents | undefined;
  #closed = false;
  bufferedBytes = 0;

  constructor(port: PortLike, remoteAddress: string) {
    this.#port = port;
    this.remoteAddress = remoteAddress;
  }

  start(events: TransportEvents): void {
    if (this.#closed) return;
    this.#events = events;
    this.#port.addEventListener("message", (event) =>
      this.#received((event as { readonly data?: unknown }).data),
    );
    this.#port.addEventListener("close", () =>
      this.#over(CLOSED_ABNORMALLY, "the other end is gone"),
    );
    this.#port.start?.();
    events.opened();
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    this.bufferedBytes += frame.length;
    // Of a view the port would clone all that is behind it. The copy is handed over, not cloned again.
    const copy = new Uint8Array(frame);
    this.#port.postMessage(copy, [copy.buffer]);
  }

  close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#port.postMessage({ close: code, text }, []);
    // What was posted still arrives.
    this.#port.close?.();
  }

  #received(data: unknown): void {
    if (this.#closed) return;
    if (data instanceof Uint8Array || isBytes(data)) {
      this.#port.postMessage(data.length, []);
      this.#events?.frame(data);
    } else if (typeof data === "number") {
      this.bufferedBytes -= data;
      this.#events?.drained();
    } else {
      const { close, text } = Object(data) as { readonly close?: unknown; readonly text?: unknown };
      if (typeof close === "number") this.#over(close, String(text));
      else {
        const events = this.#events;
        this.close(CLOSE_CODES.PROTOCOL, "no frame");
        events?.closed(CLOSE_CODES.PROTOCOL, "no frame");
      }
    }
  }

  #over(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    this.#port.close?.();
    events?.closed(code, text);
  }
}

/** Bytes of another realm, such as a test's. */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}

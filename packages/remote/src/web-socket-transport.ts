/**
 * A transport over a WebSocket that is there: the platform's own, in browsers and workers, or any that
 * looks like it. One binary message is one frame.
 */
import type { Transport, TransportEvents } from "./transport.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** What WebSockets of browsers and of the library `ws` have in common. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  /** In Node it says why; in a browser nobody is told. */
  onerror: ((event: { readonly message?: string; readonly error?: unknown }) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

export const SUBPROTOCOL = "coppice.1";

/** The path of the protocol, version included. */
export const WEB_SOCKET_PATH = "/coppice/1";

/** An address without a path means that of the protocol. */
export function withPath(address: string): string {
  const url = new URL(address);
  if (url.pathname === "/" || url.pathname === "") url.pathname = WEB_SOCKET_PATH;
  return url.href;
}

/** Is it one that a WebSocket takes? A part behind `#` none takes. */
export function isWebSocketAddress(address: string): boolean {
  try {
    const { protocol, hash } = new URL(address);
    return (protocol === "ws:" || protocol === "wss:") && hash === "";
  } catch {
    return false;
  }
}

const CONNECTING = 0;
const OPEN = 1;

/** WebSockets do not tell when they have sent something. */
const POLL_MS = 5;

/** The code of the error of `ws` for a message that is longer than it was told to take. */
const TOO_LONG = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

/** A reason of a close has at most 123 bytes. */
const MAX_REASON = 120;

export interface WebSocketOptions {
  readonly remoteAddress: string;
  readonly channelBinding?: () => Uint8Array | undefined;
  /** As what binary messages come: `"arraybuffer"`, or whatever else is a view of bytes. */
  readonly binaryType?: string;
  /** How to send, where that is better done otherwise; `sent` is to be called when it has left. */
  readonly sendWith?: (frame: Uint8Array, sent: () => void) => void;
  /** Ends the connection at once. */
  readonly terminate?: () => void;
}

export function webSocketTransport(socket: WebSocketLike, options: WebSocketOptions): Transport {
  return new SocketTransport(socket, options);
}

class SocketTransport implements Transport {
  readonly remoteAddress: string;
  readonly #socket: WebSocketLike;
  readonly #options: WebSocketOptions;
  #events: TransportEvents | undefined;
  #early: ((events: TransportEvents) => void)[] = [];
  /** Sent while it was opening. */
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #closed = false;
  #problem = "";
  /** What came is longer than a frame may be. */
  #isTooLong = false;
  #polling = false;

  constructor(socket: WebSocketLike, options: WebSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.remoteAddress = options.remoteAddress;
    socket.binaryType = options.binaryType ?? "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => this.#over(code, reason);
    // That something is wrong comes with `close`, and why it is, here.
    socket.onerror = ({ message = "", error }) => {
      const { code } = Object(error) as { readonly code?: unknown };
      this.#isTooLong = code === TOO_LONG;
      // That of OpenSSL has a line for each function it came through.
      this.#problem = message.trim().replaceAll(/\s+/g, " ");
    };
  }

  get bufferedBytes(): number {
    return this.#unsentBytes + this.#socket.bufferedAmount;
  }

  get channelBinding(): Uint8Array | undefined {
    return this.#options.channelBinding?.();
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (!this.#closed && this.#socket.readyState === OPEN) events.opened();
    const early = this.#early;
    this.#early = [];
    for (const tell of early) tell(events);
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    const { readyState } = this.#socket;
    if (readyState === CONNECTING) {
      this.#unsent.push(frame);
      this.#unsentBytes += frame.length;
    } else if (readyState === OPEN) this.#send(frame);
  }

  close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#early = [];
    if (this.#socket.readyState === CONNECTING && this.#options.terminate !== undefined) {
      this.#options.terminate();
    } else this.#socket.close(closeCode(code), short(text));
  }

  #opened(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (this.#closed) return;
    this.#events?.opened();
    for (const frame of unsent) this.#send(frame);
  }

  #send(frame: Uint8Array): void {
    const { sendWith } = this.#options;
    if (sendWith !== undefined) {
      sendWith(frame, () => this.#tell((events) => events.drained()));
      return;
    }
    this.#socket.send(frame);
    this.#poll();
  }

  #poll(): void {
    if (this.#polling) return;
    this.#polling = true;
    const before = this.bufferedBytes;
    setTimeout(() => {
      this.#polling = false;
      if (this.#closed) return;
      const left = this.bufferedBytes;
      if (left < before || left === 0) this.#tell((events) => events.drained());
      if (left > 0) this.#poll();
    }, POLL_MS);
  }

  #received(data: unknown): void {
    const bytes = bytesOf(data);
    if (bytes !== undefined) {
      this.#tell((events) => events.frame(bytes));
      return;
    }
    const events = this.#events;
    this.close(CLOSE_CODES.PROTOCOL, "no binary message");
    events?.closed(CLOSE_CODES.PROTOCOL, "no binary message");
  }

  #over(code: number, text: string): void {
    const why = text === "" ? this.#problem : text;
    const breached = this.#isTooLong ? "maxFrameBytes" : undefined;
    this.#tell((events) => events.closed(code, why, breached));
    this.#closed = true;
    this.#unsent = [];
    this.#unsentBytes = 0;
  }

  #tell(tell: (events: TransportEvents) => void): void {
    if (this.#closed) return;
    if (this.#events === undefined) this.#early.push(tell);
    else tell(this.#events);
  }
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const isBuffer = Object.prototype.toString.call(data) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(data as ArrayBuffer) : undefined;
}

/** A WebSocket throws at codes that are not the application's; the code may be one that a peer made up. */
function closeCode(code: number): number {
  return code >= 3000 && code <= 4999 ? code : CLOSE_CODES.NORMAL;
}

function short(text: string): string {
  // The limit is one of bytes.
  return text.replaceAll(/[^ -~]/g, "?").slice(0, MAX_REASON);
}

/** Transports that users made: whatever they throw ends their connection, and nothing else. */
import { checkFunction, formatThrown } from "@coppice/core";
import {
  CLOSED_ABNORMALLY,
  type Dialler,
  type Transport,
  type TransportEvents,
} from "./transport.js";

/** @throws InvalidArgumentError it is no transport */
export function carefulTransport(argument: string, transport: Transport): Transport {
  for (const method of ["start", "send", "close"] as const) {
    checkFunction(`${argument}.${method}`, (Object(transport) as Partial<Transport>)[method]);
  }
  return new CarefulTransport(transport);
}

export function carefulDialler(dialler: Dialler): Dialler {
  const what = "startRemote: options.diallers: what dial returned";
  return {
    accepts: (address) => dialler.accepts(address),
    dial: (address) => carefulTransport(what, dialler.dial(address)),
  };
}

class CarefulTransport implements Transport {
  readonly #transport: Transport;
  #events: TransportEvents | undefined = undefined;
  #closed = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  get channelBinding(): Uint8Array | undefined {
    return this.#transport.channelBinding;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#try(() =>
      this.#transport.start({
        opened: () => this.#events?.opened(),
        frame: (bytes) => this.#events?.frame(bytes),
        drained: () => this.#events?.drained(),
        closed: (code, text) => this.#over(code, text),
      }),
    );
  }

  send(frame: Uint8Array): void {
    if (!this.#closed) this.#try(() => this.#transport.send(frame));
  }

  close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    try {
      this.#transport.close(code, text);
    } catch {
      // It is closed for us all the same.
    }
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      const text = formatThrown(error);
      const events = this.#events;
      this.close(CLOSED_ABNORMALLY, text);
      // Not within what has something to send.
      queueMicrotask(() => events?.closed(CLOSED_ABNORMALLY, text));
    }
  }

  #over(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    events?.closed(code, text);
  }
}

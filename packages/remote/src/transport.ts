/**
 * Transports, as a port: what carries whole frames between two ends, in order, until it closes.
 *
 * A transport supplies no semantics. What it loses, repeats or turns around the session notices by the
 * numbers of its frames, and ends.
 */

/** What a transport tells its user. */
export interface TransportEvents {
  /** The other end is there; told once, before anything else, unless it never is. */
  opened(): void;
  /** One whole frame has come. The bytes are the receiver's, to keep for ever; nobody changes them. */
  frame(bytes: Uint8Array): void;
  /** Some of what was sent has left: `bufferedBytes` is less than it was. */
  drained(): void;
  /**
   * It is over, or never came about; told once, and nothing is told after it. Not told of an own `close`.
   *
   * @param breached the limit, where that is why this end has ended it
   */
  closed(code: number, text: string, breached?: "maxFrameBytes"): void;
}

/** One end. It may still be opening: what is sent meanwhile waits. */
export interface Transport {
  /** Where the other end is, for people and for limits by address. */
  readonly remoteAddress: string;
  /** How many bytes were sent and have not left yet, as far as can be known. */
  readonly bufferedBytes: number;
  /** What both ends of this very connection know, and nobody else: the exported secret of its TLS. */
  readonly channelBinding?: Uint8Array | undefined;
  /** Tells `events` from now on; before, nothing is told and nothing is lost. Once. */
  start(events: TransportEvents): void;
  /** Sends a frame. Its bytes must not be changed afterwards. When it is closed nothing happens. */
  send(frame: Uint8Array): void;
  /**
   * Closes it; what was sent before is still delivered, unless it is still opening. The other end hears the code, if
   * that is one of 3000 to 4999. Never throws, whatever the code: a peer may have chosen it.
   */
  close(code: number, text: string): void;
}

/** Makes connections to addresses of one kind. */
export interface Dialler {
  /** Does it know how to reach such an address? */
  accepts(address: string): boolean;
  /** Never throws for what happens on the way: that is told as `closed`. */
  dial(address: string): Transport;
}

/** Takes connections. */
export interface Listener {
  /** Where it listens, in the form that a dialler takes. */
  readonly address: string;
  /** Takes no more; those that were taken stay. */
  close(): Promise<void>;
}

/** Code for what ended without a code of its own: the connection broke, or never came about. */
export const CLOSED_ABNORMALLY = 1006;

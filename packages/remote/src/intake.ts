/**
 * What a session takes in: frames that came are looked at one after the other, and their signals handed on
 * in slices, so that others are heard in between.
 */
import { MalformedError } from "./cbor-reader.js";
import type { ReceivedSignal } from "./frame.js";
import type { Inbox } from "./inbox.js";
import type { BreachCounts } from "./limits.js";
import { CLOSE_CODES, isCounted, type CloseCode, type WireSignal } from "./wire-signal.js";

/**
 * So many signals of one peer are taken in before the event loop turns: however much it says, others are
 * heard in between.
 */
const SLICE = 128;

/** Big ones take longer: for each so many bytes a signal counts once more. A whole slice is 64 KiB of them. */
const BYTES_AS_SIGNAL = 512;

/** Fewer signals in a turn than this are not counted at all. */
const COUNTED_FROM = 32;

/** Beside what is counted against the window: heads of frames, and signals that keep the session alive. */
const MAX_UNCOUNTED = 1 << 20;

/** What it needs of its connection. */
export interface IntakePort {
  readonly breaches: BreachCounts;
  /** Of both directions: the number of the last frame that was sent, and of the last that was taken in. */
  readonly outbox: { readonly seq: number; ack: number };
  /** Runs `task` when the event loop has turned, and others had theirs. */
  readonly nextTurn: (task: () => void) => void;
  readonly isDown: () => boolean;
  /** May the peer say so much more? If not, the session is over. */
  readonly withinRate: (signals: number) => boolean;
  /** A signal that counts, for a process. */
  readonly signal: (signal: WireSignal) => void;
  /** One that is about the session itself. */
  readonly control: (signal: WireSignal) => void;
  /** The peer has taken in more of our frames. */
  readonly acked: () => void;
  /** Some was taken in: time to answer and to grant. */
  readonly tookIn: () => void;
  /** All that came was taken in. */
  readonly emptied: () => void;
  readonly close: (code: CloseCode, text: string) => void;
}

export class Intake {
  readonly #inbox: Inbox;
  readonly #maxBytes: number;
  readonly #port: IntakePort;
  /** Frames that came and were not looked at, those from `#arrivedAt` on. */
  readonly #arrived: Uint8Array[] = [];
  #arrivedAt = 0;
  #arrivedBytes = 0;
  /** Of the frame under way, the signals from `#takenAt` on are not taken in. */
  #taking: readonly ReceivedSignal[] = [];
  #takenAt = 0;
  /** How many were taken in since the event loop turned, the big ones as more than one. */
  #slice = 0;
  #resting = false;
  /** Up to which of our frames the peer has taken in. */
  #acked = 0;
  readonly #turned = (): void => {
    this.#slice = 0;
  };

  /** @param windowBytes how much the peer may send that was not granted again */
  constructor(inbox: Inbox, windowBytes: number, port: IntakePort) {
    this.#inbox = inbox;
    this.#maxBytes = 2 * windowBytes + MAX_UNCOUNTED;
    this.#port = port;
  }

  /** Nothing that came waits. */
  get isEmpty(): boolean {
    return this.#arrivedAt === this.#arrived.length && this.#takenAt === this.#taking.length;
  }

  /** A frame came. */
  arrive(frame: Uint8Array): void {
    this.#arrived.push(frame);
    this.#arrivedBytes += frame.length;
    if (this.#arrivedBytes > this.#maxBytes) {
      // Nobody who keeps to his credit gets there.
      this.#port.breaches.count("windowBytes");
      this.#port.close(CLOSE_CODES.LIMIT, "more than was granted waits to be taken in");
    } else this.#takeIn();
  }

  /** Takes in what has come, until it is all or the slice is used up. */
  #takeIn(): void {
    if (this.#resting) return;
    while (!this.#port.isDown()) {
      if (this.#takenAt === this.#taking.length && !this.#nextFrame()) break;
      if (!this.#takeSome()) return;
    }
    this.#port.emptied();
  }

  /** Looks at the frame that has waited longest. */
  #nextFrame(): boolean {
    const bytes = this.#arrived[this.#arrivedAt];
    if (bytes === undefined) {
      this.#arrived.length = this.#arrivedAt = 0;
      return false;
    }
    this.#arrivedAt++;
    this.#arrivedBytes -= bytes.length;
    const { breaches, outbox, withinRate, acked, close } = this.#port;
    try {
      const { signals, dropped, ack, idle } = this.#inbox.accept(bytes, outbox.seq);
      if (idle > 0 && !withinRate(idle)) return false;
      this.#taking = signals;
      this.#takenAt = 0;
      for (let i = 0; i < dropped; i++) breaches.count("maxMessageBytes");
      if (ack > this.#acked) {
        this.#acked = ack;
        acked();
      }
      return true;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      if (error.limit !== undefined) breaches.count(error.limit);
      close(error.limit === undefined ? CLOSE_CODES.PROTOCOL : CLOSE_CODES.LIMIT, error.message);
      return false;
    }
  }

  /** Takes in signals of the frame under way; `false` when the rest has to wait. */
  #takeSome(): boolean {
    const signals = this.#taking;
    const port = this.#port;
    let takenBytes = 0;
    let taken = 0;
    while (this.#takenAt < signals.length && this.#slice < SLICE) {
      const { signal, bytes } = signals[this.#takenAt++] as ReceivedSignal;
      if (!port.withinRate(1)) return false;
      const before = this.#slice;
      this.#slice = before + sliceOf(bytes);
      if (before < COUNTED_FROM && this.#slice >= COUNTED_FROM) port.nextTurn(this.#turned);
      if (isCounted(signal.op)) {
        port.signal(signal);
        takenBytes += bytes;
        taken++;
      } else port.control(signal);
      // It may have ended it.
      if (port.isDown()) return false;
    }
    this.#inbox.takenIn(takenBytes, taken);
    const isWhole = this.#takenAt === signals.length;
    if (isWhole) port.outbox.ack = this.#inbox.seq;
    else this.#rest();
    port.tookIn();
    return isWhole;
  }

  #rest(): void {
    this.#resting = true;
    this.#port.nextTurn(() => {
      this.#resting = false;
      this.#slice = 0;
      if (!this.#port.isDown()) this.#takeIn();
    });
  }
}

/** How much of a slice a signal of this size is. One that came in pieces, of no size here, is all of it. */
function sliceOf(bytes: number): number {
  return bytes === 0 ? SLICE : 1 + Math.floor(bytes / BYTES_AS_SIGNAL);
}

/**
 * What a session takes in: frames that came are read one after the other, and their signals handed on, both in
 * slices, so that others are heard in between. A frame is read whole before anything of it is handed on.
 */
import { MalformedError } from "./cbor-reader.js";
import type { Amount } from "./credit.js";
import type { ReceivedSignal } from "./frame.js";
import type { Inbox } from "./inbox.js";
import type { BreachCounts } from "./limits.js";
import { CLOSE_CODES, isCounted, type CloseCode, type WireSignal } from "./wire-signal.js";

/**
 * So much work is done for one peer before the event loop turns: however much it says, others are heard in
 * between. What it takes to read a signal and do nothing with it is 1.
 */
const SLICE = 4096;

/** To hand a signal on: 128 of them are a slice. */
const SIGNAL_WORK = 32;

/** Big ones take longer: for each so many bytes a signal counts once more. A whole slice is 64 KiB of them. */
const BYTES_AS_SIGNAL = 512;

/** To begin and to end a frame, whatever is in it. */
const FRAME_WORK = 16;

/** Less than this in a turn is not counted at all. */
const COUNTED_FROM = SLICE / 2;

/** What a frame that waits costs besides its bytes. */
const FRAME_BYTES = 64;

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
  /** What was done since the event loop turned. */
  #work = 0;
  #resting = false;
  /** Up to which of our frames the peer has taken in. */
  #acked = 0;
  readonly #turned = (): void => {
    this.#work = 0;
  };

  /** @param window how much the peer may send that was not granted again */
  constructor(inbox: Inbox, window: Amount, port: IntakePort) {
    this.#inbox = inbox;
    this.#maxBytes = 2 * (window.bytes + FRAME_BYTES * window.signals) + MAX_UNCOUNTED;
    this.#port = port;
  }

  /** Nothing that came waits. */
  get isEmpty(): boolean {
    return (
      this.#arrivedAt === this.#arrived.length &&
      this.#takenAt === this.#taking.length &&
      !this.#inbox.isReading
    );
  }

  /** A frame came. */
  arrive(frame: Uint8Array): void {
    this.#arrived.push(frame);
    this.#arrivedBytes += frame.length + FRAME_BYTES;
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
      if (this.isEmpty) {
        this.#port.emptied();
        return;
      }
      if (this.#work >= SLICE) {
        this.#rest();
        return;
      }
      if (this.#takenAt < this.#taking.length || this.#read()) this.#takeSome();
    }
  }

  /** Reads on in the frame that has waited longest; `true` when it is read, and was what it should be. */
  #read(): boolean {
    const inbox = this.#inbox;
    const { breaches, outbox, withinRate, acked, close } = this.#port;
    try {
      if (!inbox.isReading) {
        this.#spend(FRAME_WORK);
        inbox.begin(this.#nextFrame(), outbox.seq);
      }
      const before = inbox.left;
      const accepted = inbox.read(Math.max(1, SLICE - this.#work));
      this.#spend(before - inbox.left);
      if (accepted === undefined) return false;
      const { signals, dropped, ack, idle } = accepted;
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

  /** The frame that has waited longest. Of those before it no more are kept than wait still. */
  #nextFrame(): Uint8Array {
    const bytes = this.#arrived[this.#arrivedAt++] as Uint8Array;
    this.#arrivedBytes -= bytes.length + FRAME_BYTES;
    if (this.#arrivedAt * 2 >= this.#arrived.length) {
      this.#arrived.splice(0, this.#arrivedAt);
      this.#arrivedAt = 0;
    }
    return bytes;
  }

  /** Takes in signals of the frame that was read, as far as the slice goes. */
  #takeSome(): void {
    const signals = this.#taking;
    const port = this.#port;
    let takenBytes = 0;
    let taken = 0;
    while (this.#takenAt < signals.length && this.#work < SLICE) {
      const { signal, bytes } = signals[this.#takenAt++] as ReceivedSignal;
      if (!port.withinRate(1)) return;
      this.#spend(workOf(bytes));
      if (isCounted(signal.op)) {
        port.signal(signal);
        takenBytes += bytes;
        taken++;
      } else port.control(signal);
      // It may have ended it.
      if (port.isDown()) return;
    }
    this.#inbox.takenIn(takenBytes, taken);
    if (this.#takenAt === signals.length) port.outbox.ack = this.#inbox.seq;
    port.tookIn();
  }

  #spend(work: number): void {
    const before = this.#work;
    this.#work = before + work;
    if (before < COUNTED_FROM && this.#work >= COUNTED_FROM) this.#port.nextTurn(this.#turned);
  }

  #rest(): void {
    this.#resting = true;
    this.#port.nextTurn(() => {
      this.#resting = false;
      this.#work = 0;
      if (!this.#port.isDown()) this.#takeIn();
    });
  }
}

/** What it takes to hand on a signal of this size. One that came in pieces, of no size here, is a whole slice. */
function workOf(bytes: number): number {
  return bytes === 0 ? SLICE : SIGNAL_WORK * (1 + Math.floor(bytes / BYTES_AS_SIGNAL));
}

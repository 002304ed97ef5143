/**
 * The inbox of a session: frames go in, signals come out, or the session has to close. What comes out of
 * one frame comes whole or not at all.
 */
import { KnownTexts, MalformedError } from "./cbor-reader.js";
import {
  due,
  openReceiveWindow,
  receive,
  takeIn,
  type Amount,
  type ReceiveWindow,
} from "./credit.js";
import { Assembly, type Fragment } from "./fragment.js";
import { FrameReader, type ReceivedSignal } from "./frame.js";
import type { Limits, NegotiatedLimits } from "./limits.js";
import type { SharedBytes } from "./shared-bytes.js";
import { parseHead, parseSignal } from "./signal-reader.js";
import { isCounted } from "./wire-signal.js";

/** What came in one frame. */
export interface Accepted {
  /** In order. `bytes` is what to give to `takenIn` once the signal has reached its mailbox. */
  readonly signals: readonly ReceivedSignal[];
  /** The last of our frames that the peer has dispatched. */
  readonly ack: number;
  /** How many signals were too big and were dropped. */
  readonly dropped: number;
  /** How much of it was for nothing: signals that are passed over, crumbs of big ones, a frame of none. */
  readonly idle: number;
}

/** A frame of which some was read. */
interface Reading {
  readonly frame: FrameReader;
  readonly signals: ReceivedSignal[];
  dropped: number;
  idle: number;
}

/** Who sends something big sends it in pieces longer than this. */
const CRUMB_BYTES = 512;

export class Inbox {
  readonly #limits: Limits;
  readonly #full: Amount;
  readonly #assembly: Assembly;
  readonly #names: KnownTexts = new KnownTexts();
  #window: ReceiveWindow;
  #seq = 0;
  #ack = 0;
  #reading: Reading | undefined = undefined;

  /**
   * @param negotiated what both sides agreed on takes the place of our own `limits`
   * @param shared counts what this peer has sent in part along with what others have
   */
  constructor(limits: Limits, negotiated: NegotiatedLimits, shared?: SharedBytes) {
    this.#limits = { ...limits, ...negotiated };
    this.#full = { bytes: negotiated.windowBytes, signals: negotiated.windowSignals };
    this.#window = openReceiveWindow(this.#full);
    this.#assembly = new Assembly(this.#limits, shared);
  }

  /** The session is over. */
  end(): void {
    this.#assembly.end();
  }

  /** The number of the last frame that was accepted: what to acknowledge. */
  get seq(): number {
    return this.#seq;
  }

  /** A frame is half read. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /** How many signals of the frame under way were not read. */
  get left(): number {
    return this.#reading?.frame.left ?? 0;
  }

  /** How much is kept of signals that are not whole. */
  get assemblyBytes(): number {
    return this.#assembly.bytes;
  }

  /**
   * Reads a frame whole.
   *
   * @param sentSeq the number of the last frame we sent
   * @throws MalformedError the session must close; nothing of this frame may be dispatched
   */
  accept(bytes: Uint8Array, sentSeq: number): Accepted {
    this.begin(bytes, sentSeq);
    return this.read(Infinity) as Accepted;
  }

  /** Begins to read a frame; the one before was read. As `accept`. */
  begin(bytes: Uint8Array, sentSeq: number): void {
    const frame = new FrameReader(bytes, this.#limits, this.#names);
    if (frame.seq !== this.#seq + 1) {
      const what = frame.seq > this.#seq ? "a gap before" : "a repetition of";
      throw new MalformedError(`${what} frame ${frame.seq}`);
    }
    if (frame.ack < this.#ack || frame.ack > sentSeq) {
      throw new MalformedError(`an acknowledgement of ${frame.ack}, which cannot be`);
    }
    this.#reading = { frame, signals: [], dropped: 0, idle: frame.left === 0 ? 1 : 0 };
  }

  /**
   * Reads at most so many signals more of the frame under way. What came of it when that was all of it;
   * `undefined` when some is left. As `accept`.
   */
  read(most: number): Accepted | undefined {
    const reading = this.#reading as Reading;
    const { frame, signals } = reading;
    const received: ReceivedSignal[] = [];
    for (let i = 0; i < most && frame.left > 0; i++) {
      const one = frame.next();
      if (one === undefined) reading.idle++;
      else received.push(one);
    }
    this.#receive(received);
    for (const one of received) {
      if (one.signal.op === "frag") this.#assemble(one.signal, one.bytes, reading);
      else signals.push(one);
    }
    if (frame.left > 0) return undefined;
    this.#reading = undefined;
    this.#seq = frame.seq;
    this.#ack = frame.ack;
    return { signals, ack: frame.ack, dropped: reading.dropped, idle: reading.idle };
  }

  /** A piece came: the signal, when it was the last. */
  #assemble(fragment: Fragment, bytes: number, reading: Reading): void {
    // What is in pieces is limited by itself, and the rest of it needs credit to come.
    this.#window = takeIn(this.#window, bytes, 0);
    const assembled = this.#assembly.accept(fragment);
    switch (assembled.type) {
      case "more":
        if (fragment.bytes.length < CRUMB_BYTES) reading.idle++;
        return;
      case "dropped": {
        reading.dropped++;
        // Whom it is from, and for whom, is to be told.
        const rest = parseHead(assembled.head, this.#limits);
        if (rest === undefined) this.#window = takeIn(this.#window, 0, 1);
        else reading.signals.push({ signal: rest, bytes: 0 });
        return;
      }
      case "violation":
        throw assembled.limit === undefined
          ? new MalformedError("a stream of fragments that is not new")
          : new MalformedError("fragments beyond the limit", assembled.limit);
      case "whole": {
        const whole = parseSignal(assembled.bytes, this.#limits);
        if (whole === undefined) this.#window = takeIn(this.#window, 0, 1);
        else if (whole.op === "frag" || !isCounted(whole.op)) {
          throw new MalformedError(`a ${whole.op} in fragments`);
        } else reading.signals.push({ signal: whole, bytes: 0 });
        return;
      }
      default:
        assembled satisfies never;
    }
  }

  /** All that came counts against what was granted. */
  #receive(received: readonly ReceivedSignal[]): void {
    let allBytes = 0;
    let count = 0;
    for (const { signal, bytes } of received) {
      if (!isCounted(signal.op)) continue;
      allBytes += bytes;
      if (signal.op !== "frag" || signal.last) count++;
    }
    const window = receive(this.#window, allBytes, count);
    if (window === undefined) {
      const tooMany = count > this.#window.left.signals;
      const limit = tooMany ? "windowSignals" : "windowBytes";
      throw new MalformedError("more than was granted", limit);
    }
    this.#window = window;
  }

  /** So many signals that count have reached their mailboxes, or went nowhere. */
  takenIn(bytes: number, signals: number): void {
    this.#window = takeIn(this.#window, bytes, signals);
  }

  /** What to grant the peer now, if it is worth a CREDIT. */
  due(): Amount | undefined {
    const { window, granted } = due(this.#window, this.#full);
    this.#window = window;
    return granted;
  }
}

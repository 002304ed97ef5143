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
import { Assembly } from "./fragment.js";
import { parseFrame, type Frame, type ReceivedSignal } from "./frame.js";
import type { Limits, NegotiatedLimits } from "./limits.js";
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

  /** @param negotiated what both sides agreed on takes the place of our own `limits` */
  constructor(limits: Limits, negotiated: NegotiatedLimits) {
    this.#limits = { ...limits, ...negotiated };
    this.#full = { bytes: negotiated.windowBytes, signals: negotiated.windowSignals };
    this.#window = openReceiveWindow(this.#full);
    this.#assembly = new Assembly(this.#limits);
  }

  /** The number of the last frame that was accepted: what to acknowledge. */
  get seq(): number {
    return this.#seq;
  }

  /** How much is kept of signals that are not whole. */
  get assemblyBytes(): number {
    return this.#assembly.bytes;
  }

  /**
   * @param sentSeq the number of the last frame we sent
   * @throws MalformedError the session must close; nothing of this frame may be dispatched
   */
  accept(bytes: Uint8Array, sentSeq: number): Accepted {
    const frame = parseFrame(bytes, this.#limits, this.#names);
    if (frame.seq !== this.#seq + 1) {
      const what = frame.seq > this.#seq ? "a gap before" : "a repetition of";
      throw new MalformedError(`${what} frame ${frame.seq}`);
    }
    if (frame.ack < this.#ack || frame.ack > sentSeq) {
      throw new MalformedError(`an acknowledgement of ${frame.ack}, which cannot be`);
    }
    this.#receive(frame.signals);
    let dropped = 0;
    let idle = frame.signals.length === 0 ? Math.max(1, frame.ignored) : frame.ignored;
    const hasFragments = frame.signals.some(({ signal }) => signal.op === "frag");
    if (!hasFragments) return this.#accepted(frame, frame.signals, dropped, idle);
    const signals: ReceivedSignal[] = [];
    for (const received of frame.signals) {
      const { signal: fragment } = received;
      if (fragment.op !== "frag") {
        signals.push(received);
        continue;
      }
      // What is in pieces is limited by itself, and the rest of it needs credit to come.
      this.#window = takeIn(this.#window, received.bytes, 0);
      const assembled = this.#assembly.accept(fragment);
      switch (assembled.type) {
        case "more":
          if (fragment.bytes.length < CRUMB_BYTES) idle++;
          break;
        case "dropped": {
          dropped++;
          // Whom it is from, and for whom, is to be told.
          const rest = parseHead(assembled.head, this.#limits);
          if (rest === undefined) this.#window = takeIn(this.#window, 0, 1);
          else signals.push({ signal: rest, bytes: 0 });
          break;
        }
        case "violation":
          throw new MalformedError("fragments beyond the limit", assembled.limit);
        case "whole": {
          const whole = parseSignal(assembled.bytes, this.#limits);
          if (whole === undefined) this.#window = takeIn(this.#window, 0, 1);
          else if (whole.op === "frag" || !isCounted(whole.op)) {
            throw new MalformedError(`a ${whole.op} in fragments`);
          } else signals.push({ signal: whole, bytes: 0 });
          break;
        }
        default:
          assembled satisfies never;
      }
    }
    return this.#accepted(frame, signals, dropped, idle);
  }

  #accepted(
    { seq, ack }: Frame,
    signals: readonly ReceivedSignal[],
    dropped: number,
    idle: number,
  ): Accepted {
    this.#seq = seq;
    this.#ack = ack;
    return { signals, ack, dropped, idle };
  }

  /** All that came in a frame counts against what was granted. */
  #receive(received: readonly ReceivedSignal[]): void {
    let allBytes = 0;
    let count = 0;
    for (const { signal, bytes } of received) {
      if (!isCounted(signal.op)) continue;
      allBytes += bytes;
      if (signal.op !== "frag" || signal.last) count++;
    }
    const window = receive(this.#window, allBytes, count);
    if (window === undefined) throw new MalformedError("more than was granted", "windowBytes");
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

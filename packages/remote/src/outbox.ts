/**
 * The outbox of a session: signals go in, frames come out, in an order that keeps that of each sender,
 * within the peer's credit, the big ones in pieces.
 */
import type { Codec } from "./codec.js";
import { canSpend, grant, spend, type SendWindow } from "./credit.js";
import { nextFragment, type Outgoing } from "./fragment.js";
import { FrameWriter, MAX_SIGNALS_PER_FRAME } from "./frame-writer.js";
import type { NegotiatedLimits } from "./limits.js";
import { encodeSignal } from "./signal-writer.js";
import { isCounted, type WireSignal } from "./wire-signal.js";

/** A frame that has grown to this is finished: a longer one would only delay what is in it. */
export const FLUSH_BYTES: number = 16 * 1024;

/** What the place of a signal takes besides its bytes: the view of them, and what holds it. */
const PLACE_BYTES = 160;

/** What a fragment takes besides the bytes of its piece. */
const FRAGMENT_HEAD_BYTES = 1 + 1 + 9 + 1 + 5;

/** Made by a constructor, as the one of a peer is. */
class Waiting {
  readonly sender: number;
  readonly bytes: Uint8Array;

  constructor(sender: number, bytes: Uint8Array) {
    this.sender = sender;
    this.bytes = bytes;
  }
}

/** A sender with a big signal under way. */
interface Held {
  outgoing: Outgoing;
  readonly behind: Waiting[];
}

export class Outbox {
  readonly #codec: Codec;
  readonly #limits: NegotiatedLimits;
  readonly #frame: FrameWriter;
  readonly #finished: Uint8Array[] = [];
  /** First in, first out; what waits for credit. */
  #backlog: Waiting[] = [];
  #backlogFrom = 0;
  /** By sender. The first is the one whose turn it is. */
  readonly #held = new Map<number, Held>();
  #window: SendWindow;
  #streams = 0;
  /** Whose turn it is when both wait: the next piece of a big signal, or the backlog. */
  #fragmentNext = true;
  #waitingBytes = 0;
  #finishedBytes = 0;
  #sentSeq = 0;
  /** The number of the peer's last frame that was dispatched; goes into the next frame. */
  ack = 0;

  constructor(codec: Codec, limits: NegotiatedLimits) {
    this.#codec = codec;
    this.#limits = limits;
    this.#frame = new FrameWriter(codec);
    this.#window = { bytes: limits.windowBytes, signals: limits.windowSignals };
  }

  /** All that has been pushed and not been taken. */
  get bytes(): number {
    return (
      this.#waitingBytes + this.#finishedBytes + (this.#frame.signals > 0 ? this.#frame.bytes : 0)
    );
  }

  /**
   * What is left of a big signal that goes out in pieces, of one if there are several. It does not count
   * when it is asked whether too much waits: beside one message, as big as may be, there is room for others.
   */
  get bigBytes(): number {
    if (this.#held.size === 0) return 0;
    for (const { outgoing } of this.#held.values()) return outgoing.bytes.length - outgoing.sent;
    return 0;
  }

  /** A whole frame is there to be taken: better now than at the end of the turn. */
  get full(): boolean {
    return this.#finished.length > 0;
  }

  /** The number of the last frame that was finished. */
  get seq(): number {
    return this.#sentSeq;
  }

  /** What may still be sent before the peer grants more. */
  get window(): SendWindow {
    return this.#window;
  }

  /**
   * Puts a signal in; its term is encoded now.
   *
   * @param sender the serial of the process that sends it: signals of one sender keep their order
   * @throws UnsendableTermError nothing was put in
   */
  push(sender: number, signal: WireSignal<unknown>): void {
    const frame = this.#frame;
    if (frame.writing) {
      // A getter in the term that is being written sends something itself.
      this.#wait(new Waiting(sender, encodeSignal(signal, this.#codec)));
      return;
    }
    if (!isCounted(signal.op)) {
      this.#finishIfFull(frame.add(signal));
      return;
    }
    const hasTurn = this.#backlog.length === 0 && !this.#held.has(sender);
    if (!hasTurn || this.#starving() || !canSpend(this.#window, 1, 1)) {
      this.#park(sender, frame.aside(signal), hasTurn);
      return;
    }
    const size = frame.add(signal);
    if (size <= this.#limits.fragmentBytes && canSpend(this.#window, size, 1)) {
      this.#window = spend(this.#window, size, 1);
      this.#finishIfFull(size);
    } else this.#park(sender, frame.takeBack(size), hasTurn);
  }

  /** @param hasTurn nothing waits that has to go out before it */
  #park(sender: number, bytes: Uint8Array, hasTurn: boolean): void {
    const isBig = bytes.length > this.#limits.fragmentBytes;
    if (isBig && hasTurn) this.#hold(sender, bytes);
    else this.#wait(new Waiting(sender, bytes));
  }

  /** As `push`, of a signal that was encoded before there was a session. */
  pushEncoded(sender: number, bytes: Uint8Array): void {
    this.#wait(new Waiting(sender, bytes));
  }

  /** The peer grants more. `false`: more than there is, which breaks the protocol. */
  grant(bytes: number, signals: number): boolean {
    const { windowBytes, windowSignals } = this.#limits;
    const full = { bytes: windowBytes, signals: windowSignals };
    const next = grant(this.#window, { bytes, signals }, full);
    if (next === undefined) return false;
    this.#window = next;
    return true;
  }

  /**
   * The next frame; `undefined` when there is nothing to send, or no credit for it. Big signals come at
   * one piece per frame: take no more frames than the transport can send soon.
   */
  take(): Uint8Array | undefined {
    if (this.#finished.length === 0) {
      this.#fill();
      if (this.#finished.length === 0 && this.#frame.signals > 0) this.#finish();
    }
    const frame = this.#finished.shift();
    if (frame !== undefined) this.#finishedBytes -= frame.length;
    return frame;
  }

  /** Moves what waits into the frame, as far as the credit goes. */
  #fill(): void {
    const fragmentFirst = this.#fragmentNext;
    this.#fragmentNext = !fragmentFirst;
    if (fragmentFirst) this.#fillFragment();
    this.#fillBacklog();
    if (this.#finished.length > 0) return;
    // What waited may have been nothing but a big one, whose turn had just been.
    if (!fragmentFirst || this.#frame.signals === 0) this.#fillFragment();
  }

  #fillBacklog(): void {
    while (this.#backlogFrom < this.#backlog.length && this.#finished.length === 0) {
      const next = this.#backlog[this.#backlogFrom] as Waiting;
      const held = this.#held.get(next.sender);
      if (held !== undefined) held.behind.push(next);
      else if (next.bytes.length > this.#limits.fragmentBytes) {
        this.#waitingBytes -= cost(next.bytes);
        this.#hold(next.sender, next.bytes);
      } else if (!this.#pass(next.bytes)) break;
      this.#backlogFrom++;
    }
    this.#compact();
  }

  /** One piece of the sender whose turn it is. */
  #fillFragment(): void {
    for (const [sender, held] of this.#held) {
      const { fragment, rest } = nextFragment(held.outgoing, this.#limits.fragmentBytes);
      const size = fragment.bytes.length + FRAGMENT_HEAD_BYTES;
      if (!canSpend(this.#window, size, 1) || this.#underWay >= this.#bulk) return;
      const encoded = encodeSignal(fragment);
      this.#window = spend(this.#window, encoded.length, fragment.last ? 1 : 0);
      this.#waitingBytes -= fragment.bytes.length;
      this.#held.delete(sender);
      if (rest === undefined) this.#waitingBytes -= PLACE_BYTES;
      this.#frame.addEncoded(encoded);
      // To the end of the line; what waited behind it goes on from here.
      if (rest !== undefined) this.#held.set(sender, { outgoing: rest, behind: held.behind });
      else this.#release(sender, held.behind);
      this.#finishIfFull(encoded.length);
      return;
    }
  }

  /** How much was sent and not granted again. */
  get #underWay(): number {
    return this.#limits.windowBytes - this.#window.bytes;
  }

  /**
   * With so much under way no further piece of a big signal follows, so that what others say is not
   * behind a whole window of it. More than the peer may owe us for ever, or nothing would go on.
   */
  get #bulk(): number {
    return this.#limits.windowBytes / 4 + this.#limits.fragmentBytes;
  }

  /** What waited behind a big signal that is sent now. */
  #release(sender: number, behind: Waiting[]): void {
    while (behind.length > 0) {
      const { bytes } = behind[0] as Waiting;
      if (bytes.length > this.#limits.fragmentBytes) {
        behind.shift();
        this.#waitingBytes -= cost(bytes);
        this.#hold(sender, bytes, behind);
        return;
      }
      if (!this.#pass(bytes)) {
        // No credit. They were sent before all that this sender has in the backlog.
        this.#backlog = [...behind, ...this.#backlog.slice(this.#backlogFrom)];
        this.#backlogFrom = 0;
        return;
      }
      behind.shift();
    }
  }

  /** Puts a signal that waited into the frame, if there is credit for it. */
  #pass(bytes: Uint8Array): boolean {
    if (!canSpend(this.#window, bytes.length, 1)) return false;
    this.#window = spend(this.#window, bytes.length, 1);
    this.#waitingBytes -= cost(bytes);
    this.#frame.addEncoded(bytes);
    this.#finishIfFull(bytes.length);
    return true;
  }

  #wait(waiting: Waiting): void {
    this.#waitingBytes += cost(waiting.bytes);
    const held = this.#held.get(waiting.sender);
    // The backlog may hold older ones of this sender.
    if (held !== undefined && this.#backlog.length === 0) held.behind.push(waiting);
    else this.#backlog.push(waiting);
  }

  #hold(sender: number, bytes: Uint8Array, behind: Waiting[] = []): void {
    this.#waitingBytes += cost(bytes);
    this.#streams++;
    this.#held.set(sender, { outgoing: { stream: this.#streams, bytes, sent: 0 }, behind });
  }

  /** A big signal waits for credit: others must not take all of it before there is enough. */
  #starving(): boolean {
    const { fragmentBytes } = this.#limits;
    return this.#held.size > 0 && !canSpend(this.#window, fragmentBytes + FRAGMENT_HEAD_BYTES, 1);
  }

  #compact(): void {
    if (this.#backlogFrom === 0) return;
    if (this.#backlogFrom === this.#backlog.length) this.#backlog = [];
    else if (this.#backlogFrom > 1024) this.#backlog = this.#backlog.slice(this.#backlogFrom);
    else return;
    this.#backlogFrom = 0;
  }

  /** @param lastBytes the size of the signal that was added last */
  #finishIfFull(lastBytes: number): void {
    const frame = this.#frame;
    const { maxFrameBytes } = this.#limits;
    if (frame.bytes > maxFrameBytes && frame.signals > 1) {
      const last = frame.takeBack(lastBytes);
      this.#finish();
      frame.addEncoded(last);
    }
    const isFull =
      frame.bytes >= Math.min(FLUSH_BYTES, maxFrameBytes) ||
      frame.signals === MAX_SIGNALS_PER_FRAME;
    if (isFull) this.#finish();
  }

  #finish(): void {
    const bytes = this.#frame.finish(this.ack);
    this.#sentSeq++;
    this.#finished.push(bytes);
    this.#finishedBytes += bytes.length;
  }
}

function cost(bytes: Uint8Array): number {
  return bytes.length + PLACE_BYTES;
}

/** Builds frames out of signals. */
import { ARRAY, CborWriter } from "./cbor-writer.js";
import type { Codec } from "./codec.js";
import { SIGNAL_ROOM_BYTES, writeSignal } from "./signal-writer.js";
import { copyOf } from "./term.js";
import type { WireSignal } from "./wire-signal.js";

/** The most a frame can hold: its count stands in two bytes, and to read it takes no more than a moment. */
export const MAX_SIGNALS_PER_FRAME = 16_384;

/** In front of the signals: head, `seq`, `ack`, and the head of the signals, whose width is fixed. */
const FRAME_HEAD_BYTES = 1 + 9 + 9 + 3;

const SLAB_BYTES = 64 * 1024;

/** So much of a slab must be left for another frame to begin in it. */
const MIN_ROOM = 2 * 1024;

/**
 * Builds frames, one after the other. Terms are encoded straight into the frame when they are sent.
 *
 * A frame that was taken is never changed afterwards, however long it waits in a transport.
 */
export class FrameWriter {
  readonly #codec: Codec;
  readonly #writer: CborWriter;
  #asideWriter: CborWriter | undefined = undefined;
  #seq = 0;
  #signals = 0;
  #writing = false;

  constructor(codec: Codec) {
    this.#codec = codec;
    this.#writer = new CborWriter(SLAB_BYTES, codec.limits.maxMessageBytes + SIGNAL_ROOM_BYTES);
    this.#writer.begin(FRAME_HEAD_BYTES, MIN_ROOM);
  }

  /** How many signals the frame under way holds. */
  get signals(): number {
    return this.#signals;
  }

  /** How long the frame under way is. */
  get bytes(): number {
    return this.#writer.end - this.#writer.start;
  }

  /** A signal is being written: what a getter in its term sends has to wait. */
  get writing(): boolean {
    return this.#writing;
  }

  /**
   * Adds a signal, whose payload is a term that is encoded now.
   *
   * @returns how many bytes it takes
   * @throws UnsendableTermError the frame is as it was before
   */
  add(signal: WireSignal<unknown>): number {
    const size = this.#write(this.#writer, signal);
    this.#signals++;
    return size;
  }

  /**
   * The bytes of a signal that has to wait, encoded now, beside the frame. Many share one allocation.
   *
   * @throws UnsendableTermError
   */
  aside(signal: WireSignal<unknown>): Uint8Array {
    const { maxBytes } = this.#writer;
    const writer = (this.#asideWriter ??= new CborWriter(SLAB_BYTES, maxBytes));
    writer.begin(0, MIN_ROOM);
    const size = this.#write(writer, signal);
    const bytes = writer.cut();
    if (size <= SLAB_BYTES) return bytes;
    // A slab for it alone may be twice as big as it is, and is not to be kept for others.
    this.#asideWriter = undefined;
    return copyOf(bytes);
  }

  /** Gives the size. */
  #write(writer: CborWriter, signal: WireSignal<unknown>): number {
    const before = writer.end - writer.start;
    this.#writing = true;
    try {
      writeSignal(writer, signal, this.#codec);
    } catch (error) {
      writer.end = writer.start + before;
      throw error;
    } finally {
      this.#writing = false;
    }
    return writer.end - writer.start - before;
  }

  /** Adds a signal that was encoded before. */
  addEncoded(signal: Uint8Array): void {
    this.#writer.raw(signal);
    this.#signals++;
  }

  /** Takes the last signal, of that many bytes, out of the frame again: a copy of it. */
  takeBack(bytes: number): Uint8Array {
    const writer = this.#writer;
    const signal = copyOf(writer.bytes.subarray(writer.end - bytes, writer.end));
    writer.end -= bytes;
    this.#signals--;
    return signal;
  }

  /**
   * Ends the frame under way and begins the next.
   *
   * @param ack the number of the peer's last frame that was dispatched
   */
  finish(ack: number): Uint8Array {
    const writer = this.#writer;
    const from = writer.start + FRAME_HEAD_BYTES;
    let at = from - 3;
    writer.bytes[at] = ARRAY | 25;
    writer.bytes[at + 1] = this.#signals >> 8;
    writer.bytes[at + 2] = this.#signals & 0xff;
    at = writer.headBefore(at, 0, ack);
    at = writer.headBefore(at, 0, ++this.#seq);
    writer.start = at - 1;
    writer.bytes[at - 1] = ARRAY | 3;
    const frame = writer.cut();
    this.#signals = 0;
    writer.begin(FRAME_HEAD_BYTES, MIN_ROOM);
    return frame;
  }
}

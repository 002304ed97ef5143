/**
 * Frames: what is sent as one message of the transport. A frame is `[seq, ack, [signal, …]]`, a batch of
 * the signals of one turn.
 */
import { CborReader, MalformedError, type KnownTexts } from "./cbor-reader.js";
import { MAX_SIGNALS_PER_FRAME } from "./frame-writer.js";
import type { Limits } from "./limits.js";
import { readSignal, type SignalLimits } from "./signal-reader.js";
import type { WireSignal } from "./wire-signal.js";

/** What came in one frame, checked. */
export interface Frame {
  readonly seq: number;
  readonly ack: number;
  readonly signals: readonly ReceivedSignal[];
  /** How many signals of an op that is not known were passed over. */
  readonly ignored: number;
}

export interface ReceivedSignal {
  readonly signal: WireSignal;
  /** How many bytes of the frame it takes: what it counts in the credit window. */
  readonly bytes: number;
}

type FrameLimits = SignalLimits & Pick<Limits, "maxFrameBytes">;

/**
 * Reads one frame, a signal at a time: a long one can wait half read. Payloads are views of its bytes, not
 * yet looked into.
 */
export class FrameReader {
  readonly seq: number;
  readonly ack: number;
  readonly #reader: CborReader;
  readonly #limits: FrameLimits;
  readonly #names: KnownTexts | undefined;
  #left: number;

  /**
   * @param names that came in frames before
   * @throws MalformedError it is too long, or does not begin as a frame
   */
  constructor(bytes: Uint8Array, limits: FrameLimits, names?: KnownTexts) {
    if (bytes.length > limits.maxFrameBytes) {
      throw new MalformedError(`a frame of ${bytes.length} bytes`, "maxFrameBytes");
    }
    const reader = new CborReader(bytes);
    reader.arrayOf(3);
    this.seq = reader.unsigned();
    this.ack = reader.unsigned();
    const count = reader.arrayHead();
    if (count > MAX_SIGNALS_PER_FRAME) throw new MalformedError("too many signals in a frame");
    if (count === 0) reader.finish();
    this.#reader = reader;
    this.#limits = limits;
    this.#names = names;
    this.#left = count;
  }

  /** How many signals were not read. */
  get left(): number {
    return this.#left;
  }

  /**
   * The next signal; `undefined` for one of an op that is not known, which is passed over.
   *
   * @throws MalformedError it has not the form of its op, or it is the last and something follows
   */
  next(): ReceivedSignal | undefined {
    const reader = this.#reader;
    const from = reader.at;
    const signal = readSignal(reader, this.#limits, this.#names);
    if (--this.#left === 0) reader.finish();
    return signal && { signal, bytes: reader.at - from };
  }
}

/**
 * The frame in these bytes.
 *
 * @throws MalformedError they are not exactly one frame whose every signal has the form of its op
 */
export function parseFrame(bytes: Uint8Array, limits: FrameLimits, names?: KnownTexts): Frame {
  const reader = new FrameReader(bytes, limits, names);
  const count = reader.left;
  const signals: ReceivedSignal[] = [];
  while (reader.left > 0) {
    const received = reader.next();
    if (received !== undefined) signals.push(received);
  }
  return { seq: reader.seq, ack: reader.ack, signals, ignored: count - signals.length };
}

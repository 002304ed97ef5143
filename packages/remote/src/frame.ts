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
 * The frame in these bytes. Payloads are views of them, not yet looked into.
 *
 * @param names that came in frames before
 * @throws MalformedError they are not exactly one frame whose every signal has the form of its op
 */
export function parseFrame(bytes: Uint8Array, limits: FrameLimits, names?: KnownTexts): Frame {
  if (bytes.length > limits.maxFrameBytes) {
    throw new MalformedError(`a frame of ${bytes.length} bytes`, "maxFrameBytes");
  }
  const reader = new CborReader(bytes);
  reader.arrayOf(3);
  const seq = reader.unsigned();
  const ack = reader.unsigned();
  const count = reader.arrayHead();
  if (count > MAX_SIGNALS_PER_FRAME) throw new MalformedError("too many signals in a frame");
  const signals: ReceivedSignal[] = [];
  for (let i = 0; i < count; i++) {
    const from = reader.at;
    const signal = readSignal(reader, limits, names);
    if (signal !== undefined) signals.push({ signal, bytes: reader.at - from });
  }
  reader.finish();
  return { seq, ack, signals, ignored: count - signals.length };
}

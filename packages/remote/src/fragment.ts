/**
 * Fragments: a signal that is too big for one frame travels in pieces, between which those of other
 * senders pass. The sender's own wait, so that the order of each pair is kept.
 */
import type { LimitName, Limits } from "./limits.js";
import type { SharedBytes } from "./shared-bytes.js";
import type { WireSignal } from "./wire-signal.js";

export type Fragment = Extract<WireSignal, { op: "frag" }>;

/** A big signal on its way out, and those of the same sender that wait behind it. */
export interface Outgoing {
  readonly stream: number;
  readonly bytes: Uint8Array;
  /** How much of it has been sent. */
  readonly sent: number;
}

/** The next piece, of at most `fragmentBytes`. */
export function nextFragment(
  { stream, bytes, sent }: Outgoing,
  fragmentBytes: number,
): { readonly fragment: Fragment; readonly rest: Outgoing | undefined } {
  const end = Math.min(sent + fragmentBytes, bytes.length);
  const last = end === bytes.length;
  return {
    fragment: { op: "frag", stream, last, bytes: bytes.subarray(sent, end) },
    rest: last ? undefined : { stream, bytes, sent: end },
  };
}

/** What a fragment that came led to. */
export type Assembled =
  | { readonly type: "more" }
  /** The bytes of a signal. */
  | { readonly type: "whole"; readonly bytes: Uint8Array }
  /** The signal was too big; all of it has come, and nothing was kept but its first bytes. */
  | { readonly type: "dropped"; readonly head: Uint8Array }
  /** The session must close: a limit is exceeded, or a stream begins with the number of an earlier one. */
  | { readonly type: "violation"; readonly limit: LimitName | undefined };

export type AssemblyLimits = Pick<
  Limits,
  "fragmentBytes" | "maxFragmentStreams" | "maxAssemblyBytes" | "maxMessageBytes"
>;

interface Stream {
  pieces: Uint8Array[];
  bytes: number;
  /** Too big: what still comes of it is not kept, only how it began. */
  head: Uint8Array | undefined;
}

/**
 * So many pieces are kept, and one more for each KiB in them; then they are joined. A piece costs memory,
 * however short it is.
 */
const MOST_PIECES = 64;

/** Around a message of the greatest size there is the signal that carries it. */
const SIGNAL_OVERHEAD_BYTES = 1024;

/** More than all that stands before the payload of a signal. */
const HEAD_BYTES = 2048;

/** Puts together what a peer sends in pieces. Gone with its session, half messages included. */
export class Assembly {
  readonly #limits: AssemblyLimits;
  readonly #shared: SharedBytes | undefined;
  readonly #streams = new Map<number, Stream>();
  #bytes = 0;
  /** The stream that began last. */
  #latest = -1;

  /** @param shared counts what is kept here along with what others keep */
  constructor(limits: AssemblyLimits, shared?: SharedBytes) {
    this.#limits = limits;
    this.#shared = shared;
  }

  /** How much is kept of signals that are not whole. */
  get bytes(): number {
    return this.#bytes;
  }

  get streams(): number {
    return this.#streams.size;
  }

  accept({ stream: id, last, bytes }: Fragment): Assembled {
    const limits = this.#limits;
    if (bytes.length > limits.fragmentBytes) return { type: "violation", limit: "fragmentBytes" };
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      if (id <= this.#latest) return { type: "violation", limit: undefined };
      this.#latest = id;
      if (this.#streams.size >= limits.maxFragmentStreams) {
        return { type: "violation", limit: "maxFragmentStreams" };
      }
      stream = { pieces: [], bytes: 0, head: undefined };
      this.#streams.set(id, stream);
    }
    const kept = stream.bytes;
    const isTooBig = kept + bytes.length > limits.maxMessageBytes + SIGNAL_OVERHEAD_BYTES;
    if (isTooBig && stream.head === undefined) {
      stream.head = joined([...stream.pieces, bytes], kept + bytes.length).slice(0, HEAD_BYTES);
      this.#count(-kept);
      stream.pieces = [];
      stream.bytes = 0;
    }
    if (stream.head === undefined) {
      if (this.#bytes + bytes.length > limits.maxAssemblyBytes) {
        return { type: "violation", limit: "maxAssemblyBytes" };
      }
      const shared = this.#shared;
      if (shared !== undefined && shared.bytes + bytes.length > shared.maxBytes) {
        return { type: "violation", limit: "clientAssemblyBytes" };
      }
      // A copy: a view would keep the whole frame.
      stream.pieces.push(new Uint8Array(bytes));
      stream.bytes += bytes.length;
      this.#count(bytes.length);
      if (stream.pieces.length > MOST_PIECES + stream.bytes / 1024) {
        stream.pieces = [joined(stream.pieces, stream.bytes)];
      }
    }
    if (!last) return { type: "more" };
    this.#streams.delete(id);
    if (stream.head !== undefined) return { type: "dropped", head: stream.head };
    this.#count(-stream.bytes);
    return { type: "whole", bytes: joined(stream.pieces, stream.bytes) };
  }

  /** Nothing more comes: what is not whole never will be. */
  end(): void {
    this.#count(-this.#bytes);
    this.#streams.clear();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#shared !== undefined) this.#shared.bytes += bytes;
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

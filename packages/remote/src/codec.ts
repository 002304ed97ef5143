/**
 * The codec of a session: terms to bytes and back, between two nodes that know each other.
 */
import { formatReason, isErrorLike, type ExitReason } from "@coppice/core";
import { wellFormed } from "./built-in.js";
import { MalformedError } from "./cbor-reader.js";
import { CborWriter } from "./cbor-writer.js";
import type { LimitName, Limits } from "./limits.js";
import { errorFacts } from "./remote-error.js";
import { TermDecoder } from "./term-decoder.js";
import { TermEncoder, type ErrorDetail } from "./term-encoder.js";
import type { Identities } from "./term.js";

export interface CodecOptions {
  readonly identities: Identities;
  readonly limits: Limits;
  /** What the peer is told of errors. @default "full" */
  readonly errorDetail?: ErrorDetail;
  /** How many numbers may be keys in a term that comes. @default any number */
  readonly maxNumberKeys?: number;
  /** What came exceeds this limit, or a reason does that is to go out. */
  readonly breached?: (limit: LimitName) => void;
}

const SLAB_BYTES = 8 * 1024;

/** So much of a slab must be left for another term to begin in it. */
const MIN_ROOM = 512;

/** How much of an error that is too big, or cannot be sent, is told. */
const SUMMARY_CHARACTERS = 1000;

/** Of an error that is its name, its message, its code and its stack; beside these stand heads and keys. */
const SUMMARY_PARTS = 4;
const SUMMARY_ROOM_BYTES = 64;
const MAX_UTF8_BYTES = 3;

export class Codec {
  readonly #options: CodecOptions;
  readonly #encoder: TermEncoder;
  readonly #decoder: TermDecoder;
  readonly #writer: CborWriter;
  #busy = false;
  #itemsRead = 0;

  constructor(options: CodecOptions) {
    this.#options = options;
    const { limits } = options;
    this.#encoder = new TermEncoder(options);
    this.#decoder = new TermDecoder(options);
    this.#writer = new CborWriter(SLAB_BYTES, limits.maxMessageBytes);
  }

  get limits(): Limits {
    return this.#options.limits;
  }

  /**
   * Writes a term behind what the writer holds. When it throws, a part of the term may be there.
   *
   * @throws UnsendableTermError it holds something that cannot be sent; the error has the path to it
   */
  write(writer: CborWriter, term: unknown, rootName?: string): void {
    if (this.#busy) {
      // A getter of the term that is being written sends: it needs an encoder of its own.
      new TermEncoder(this.#options).encode(writer, term, rootName);
      return;
    }
    this.#busy = true;
    try {
      this.#encoder.encode(writer, term, rootName);
    } finally {
      this.#busy = false;
    }
  }

  /** The bytes of a term. @throws UnsendableTermError */
  encode(term: unknown, rootName?: string): Uint8Array {
    const writer = this.#busy
      ? new CborWriter(SLAB_BYTES, this.#options.limits.maxMessageBytes)
      : this.#writer;
    writer.begin(0, MIN_ROOM);
    this.write(writer, term, rootName);
    return writer.cut();
  }

  /**
   * The bytes of an exit reason. Never throws: a reason that is too big or cannot be sent becomes a
   * summary of itself, because the end of a process has to be told in any case.
   */
  encodeReason(reason: ExitReason): Uint8Array {
    const { maxReasonBytes } = this.#options.limits;
    const least = Math.floor(
      (maxReasonBytes - SUMMARY_ROOM_BYTES) / SUMMARY_PARTS / MAX_UTF8_BYTES,
    );
    let bytes = this.#encodeWithin(reason, maxReasonBytes);
    for (let most = SUMMARY_CHARACTERS; bytes === undefined && most > least; most /= 2) {
      bytes = this.#encodeWithin(summaryOf(reason, most), maxReasonBytes);
    }
    return bytes ?? this.encode(summaryOf(reason, Math.min(least, SUMMARY_CHARACTERS)), "reason");
  }

  /** `undefined`: it cannot be sent, or is longer than that. */
  #encodeWithin(reason: ExitReason, maxBytes: number): Uint8Array | undefined {
    try {
      const bytes = this.encode(reason, "reason");
      if (bytes.length <= maxBytes) return bytes;
      this.#options.breached?.("maxReasonBytes");
      return undefined;
    } catch {
      // A getter or a proxy may throw whatever it likes.
      return undefined;
    }
  }

  /** The term in these bytes. @throws MalformedError */
  decode(bytes: Uint8Array): unknown {
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      const limit = error instanceof MalformedError ? error.limit : undefined;
      if (limit !== undefined) this.#options.breached?.(limit);
      throw error;
    } finally {
      this.#itemsRead += this.#decoder.items;
    }
  }

  /** How many items there were in what was read since this was asked. */
  takeItemsRead(): number {
    const items = this.#itemsRead;
    this.#itemsRead = 0;
    return items;
  }
}

/** A reason that says what the other one was, in parts of so many characters, and surely can be sent. */
function summaryOf(reason: ExitReason, characters: number): ExitReason {
  const part = (text: string): string => wellFormed(text.slice(0, characters));
  try {
    if (typeof reason === "object" && reason !== null) {
      const { error, shutdown } = reason as {
        readonly error?: unknown;
        readonly shutdown?: unknown;
      };
      if (isErrorLike(error)) {
        const { name, message, code, stack = "" } = errorFacts(error);
        const short = { name: part(name), message: part(message), stack: part(stack) };
        return {
          error: Object.assign(new Error(short.message), short, code && { code: part(code) }),
        };
      }
      if (shutdown !== undefined) return { shutdown: part(formatReason(shutdown as ExitReason)) };
    }
    return part(formatReason(reason));
  } catch {
    return "a reason that cannot be sent";
  }
}

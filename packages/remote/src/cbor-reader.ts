/**
 * Reads CBOR strictly: nothing is believed before it is checked.
 *
 * Refused are indefinite lengths, lengths that exceed the bytes left, more items or levels than the
 * limits allow, invalid UTF-8, and everything else that the reader of a value did not ask for. A claim
 * costs nothing before the bytes that make it true are there.
 *
 * CBOR: RFC 8949
 */
import type { LimitName } from "./limits.js";

/** Bytes that are not what the protocol allows. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
  /** The limit that was exceeded, if it was one. */
  readonly limit: LimitName | undefined;
  constructor(what: string, limit?: LimitName) {
    super(what);
    this.limit = limit;
  }
}

const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Longer texts go to the decoder of the host. */
const SHORT_TEXT = 24;

export class CborReader {
  bytes: Uint8Array;
  end: number;
  #view: DataView | undefined;
  at: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** Goes on with other bytes, from their beginning. */
  restart(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.#view = undefined;
  }

  get left(): number {
    return this.end - this.at;
  }

  get view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return (this.#view ??= new DataView(buffer, byteOffset, byteLength));
  }

  /** The first byte of the next item. */
  initial(): number {
    if (this.at >= this.end) throw new MalformedError("the bytes end too early");
    return this.bytes[this.at++] as number;
  }

  /**
   * The argument of a head whose first byte is `initial`. Those of 2^53 and more come as they are
   * nearest; `bigArgument` reads them exactly.
   */
  argument(initial: number): number {
    const short = initial & 0x1f;
    if (short < 24) return short;
    const { at } = this;
    const width = short === 24 ? 1 : short === 25 ? 2 : short === 26 ? 4 : short === 27 ? 8 : 0;
    if (width === 0) throw new MalformedError("an indefinite or reserved length");
    if (width > this.end - at) throw new MalformedError("the bytes end too early");
    this.at = at + width;
    const { bytes } = this;
    if (width === 1) return bytes[at] as number;
    if (width === 2) return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (width === 4) return this.view.getUint32(at);
    return this.view.getUint32(at) * 0x1_0000_0000 + this.view.getUint32(at + 4);
  }

  /** The argument of the head of eight bytes that was read last. */
  bigArgument(): bigint {
    return this.view.getBigUint64(this.at - 8);
  }

  /** The length of a string, which is there. */
  length(initial: number): number {
    const length = this.argument(initial);
    if (length > this.end - this.at) throw new MalformedError("a length beyond the end");
    return length;
  }

  /** The count of an array, of whose elements each takes a byte at least. */
  arrayHead(): number {
    const initial = this.initial();
    if (initial >> 5 !== 4) throw new MalformedError("no array where one is due");
    return this.length(initial);
  }

  /** The array has to have exactly this many elements. */
  arrayOf(count: number): void {
    if (this.arrayHead() !== count) throw new MalformedError(`no array of ${count}`);
  }

  /** An integer from 0 to 2^53 - 1. */
  unsigned(): number {
    const initial = this.initial();
    if (initial < 24) return initial;
    if (initial >> 5 !== 0) throw new MalformedError("no unsigned integer where one is due");
    const value = this.argument(initial);
    if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError("an integer of 2^53 or more");
    return value;
  }

  boolean(): boolean {
    const initial = this.initial();
    if (initial !== 0xf4 && initial !== 0xf5) {
      throw new MalformedError("no boolean where one is due");
    }
    return initial === 0xf5;
  }

  /** Is the next item this one byte? Takes it if so. */
  skipIf(initial: number): boolean {
    if (this.bytes[this.at] !== initial || this.at >= this.end) return false;
    this.at++;
    return true;
  }

  /** The major type of the next item, which stays. */
  peekMajor(): number {
    if (this.at >= this.end) throw new MalformedError("the bytes end too early");
    return (this.bytes[this.at] as number) >> 5;
  }

  /** @param known texts that came before, where they come again and again */
  text(maxBytes: number, limit: LimitName, known?: KnownTexts): string {
    const initial = this.initial();
    if (initial >> 5 !== 3) throw new MalformedError("no text where one is due");
    const length = this.length(initial);
    if (length > maxBytes) throw new MalformedError(`a text of ${length} bytes`, limit);
    return known === undefined ? this.textOf(length) : this.keyOf(length, known);
  }

  /** A view of the bytes of the next byte string, not a copy. */
  byteString(): Uint8Array {
    const initial = this.initial();
    if (initial >> 5 !== 2) throw new MalformedError("no byte string where one is due");
    return this.view8(this.length(initial));
  }

  /** The next bytes, not a copy. */
  view8(length: number): Uint8Array {
    const from = this.at;
    this.at += length;
    return this.bytes.subarray(from, this.at);
  }

  /** The text in the next bytes, whose number was checked. */
  textOf(length: number): string {
    const { bytes, at } = this;
    const end = at + length;
    this.at = end;
    if (length <= SHORT_TEXT) {
      const text = shortAscii(bytes, at, end);
      if (text !== undefined) return text;
    }
    try {
      return textDecoder.decode(bytes.subarray(at, end));
    } catch {
      throw new MalformedError("text that is no UTF-8");
    }
  }

  /** As `textOf`, for keys and names: they come again and again, and those met before are `known`. */
  keyOf(length: number, known: KnownTexts): string {
    const slot = known.slotOf(this.bytes, this.at, length);
    const key = known.at(slot, this.bytes, this.at, length);
    if (key !== undefined) {
      this.at += length;
      return key;
    }
    return known.keep(slot, this.textOf(length), length);
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.at !== this.end) throw new MalformedError("bytes behind the end");
  }
}

/** Text of ASCII alone, which most short ones are; `undefined` for others. */
function shortAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = "";
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    if ((a | b | c | d) >= 0x80) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Longer texts are not remembered. */
const MAX_KNOWN_BYTES = 24;

/** A power of two. */
const KNOWN_SLOTS = 256;

/** Short ASCII texts that were met before: to compare bytes costs less than to make a text of them. */
export class KnownTexts {
  readonly #slots: (string | undefined)[] = Array.from({ length: KNOWN_SLOTS });

  /** Where a text of these bytes would be; -1 when it would not. */
  slotOf(bytes: Uint8Array, from: number, length: number): number {
    if (length === 0 || length > MAX_KNOWN_BYTES) return -1;
    const first = bytes[from] as number;
    const middle = bytes[from + (length >> 1)] as number;
    const last = bytes[from + length - 1] as number;
    return (length + first * 7 + middle * 31 + last * 131) & (KNOWN_SLOTS - 1);
  }

  at(slot: number, bytes: Uint8Array, from: number, length: number): string | undefined {
    const known = this.#slots[slot];
    if (known === undefined || known.length !== length) return undefined;
    for (let i = 0; i < length; i++) {
      if (known.charCodeAt(i) !== bytes[from + i]) return undefined;
    }
    return known;
  }

  keep(slot: number, text: string, length: number): string {
    // Others than ASCII have other bytes than character codes: they would be found under bytes that are none of theirs.
    if (slot >= 0 && text.length === length) this.#slots[slot] = text;
    return text;
  }
}

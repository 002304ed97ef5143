/**
 * Writes CBOR: heads, numbers, text and bytes, one after the other into a slab of memory.
 *
 * CBOR: RFC 8949. Only definite lengths are written.
 */

/** Major types, in the place where they stand in the first byte of an item. */
const UNSIGNED = 0x00;
const NEGATIVE = 0x20;
export const BYTES = 0x40;
export const TEXT = 0x60;
export const ARRAY = 0x80;
export const MAP = 0xa0;
export const TAG = 0xc0;

export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
export const UNDEFINED = 0xf7;
const FLOAT64 = 0xfb;

/** The most a head takes: one byte and a length of eight. */
const MAX_HEAD_BYTES = 9;

/** Shorter texts are written by hand: calling the encoder costs more than that. */
const SHORT_TEXT = 48;

const textEncoder = new TextEncoder();

/** More would have been written than the limit allows. */
export class TooManyBytesError extends Error {
  override readonly name = "TooManyBytesError";
}

/** A text has a surrogate without its other half: no UTF-8 stands for that. */
export class LoneSurrogateError extends Error {
  override readonly name = "LoneSurrogateError";
}

/**
 * What has been written from `start` to `end` is the item or items under way. `cut` hands them over and
 * goes on behind them in the same slab, so that many small frames share one allocation; a slab is
 * never written twice, because what was handed over may still be waiting to be sent.
 */
export class CborWriter {
  readonly #slabBytes: number;
  bytes: Uint8Array;
  #view: DataView;
  start = 0;
  end = 0;
  /** Nothing may be written past `start + maxBytes`. */
  maxBytes: number;

  constructor(slabBytes: number, maxBytes: number) {
    this.#slabBytes = slabBytes;
    this.maxBytes = maxBytes;
    this.bytes = new Uint8Array(0);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Starts anew with `gap` bytes left free in front, in a new slab when less than `room` is left of this one. */
  begin(gap: number, room: number): void {
    if (this.bytes.length - this.end < gap + room) {
      this.#adopt(new Uint8Array(Math.max(this.#slabBytes, gap + room)));
      this.end = 0;
    }
    this.start = this.end;
    this.end += gap;
  }

  /** What has been written since `begin`, not to be changed any more. */
  cut(): Uint8Array {
    const written = this.bytes.subarray(this.start, this.end);
    this.start = this.end;
    return written;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.end + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const used = this.end - this.start;
    if (needed - this.start > this.maxBytes) throw new TooManyBytesError();
    const room = Math.min(Math.max(2 * (needed - this.start), this.#slabBytes), this.maxBytes);
    const slab = new Uint8Array(room);
    slab.set(this.bytes.subarray(this.start, this.end));
    this.#adopt(slab);
    this.start = 0;
    this.end = used;
  }

  #adopt(slab: Uint8Array): void {
    this.bytes = slab;
    this.#view = new DataView(slab.buffer);
  }

  byte(value: number): void {
    if (this.end === this.bytes.length) this.#grow(this.end + 1);
    this.bytes[this.end++] = value;
  }

  /** The head of an item: its major type with a length, a number or a tag. */
  head(major: number, value: number): void {
    this.reserve(MAX_HEAD_BYTES);
    this.end = writeHead(this.bytes, this.#view, this.end, major, value);
  }

  /** An integer of at most 2^53 - 1, whatever its sign. */
  integer(value: number): void {
    if (value >= 0) this.head(UNSIGNED, value);
    else this.head(NEGATIVE, -1 - value);
  }

  float(value: number): void {
    this.reserve(9);
    this.bytes[this.end] = FLOAT64;
    this.#view.setFloat64(this.end + 1, value);
    this.end += 9;
  }

  /** @throws LoneSurrogateError */
  text(value: string): void {
    const { length } = value;
    if (length < SHORT_TEXT) {
      // All its characters may take three bytes.
      this.reserve(2 + 3 * length);
      if (length < 24 && this.#shortAscii(value)) return;
      const at = this.end;
      const headBytes = length < 24 ? 1 : 2;
      const bytes = this.#utf8(value, at + headBytes);
      this.#closeText(at, headBytes, bytes);
      return;
    }
    if (/\p{Surrogate}/u.test(value)) throw new LoneSurrogateError();
    this.reserve(5 + 3 * length > this.maxBytes ? 5 + utf8Length(value) : 5 + 3 * length);
    const at = this.end;
    const headBytes = length < 256 ? 2 : length < 65_536 ? 3 : 5;
    const { written } = textEncoder.encodeInto(value, this.bytes.subarray(at + headBytes));
    this.#closeText(at, headBytes, written);
  }

  #shortAscii(value: string): boolean {
    const { bytes } = this;
    let at = this.end + 1;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at++] = code;
    }
    bytes[this.end] = TEXT | value.length;
    this.end = at;
    return true;
  }

  /** Gives the number of bytes. */
  #utf8(value: string, from: number): number {
    const { bytes } = this;
    let at = from;
    for (let i = 0; i < value.length; i++) {
      let code = value.charCodeAt(i);
      if (code < 0x80) bytes[at++] = code;
      else if (code < 0x800) {
        bytes[at++] = 0xc0 | (code >> 6);
        bytes[at++] = 0x80 | (code & 0x3f);
      } else if (code < 0xd800 || code > 0xdfff) {
        bytes[at++] = 0xe0 | (code >> 12);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
      } else {
        const low = code < 0xdc00 ? value.charCodeAt(++i) : 0;
        // NaN behind the last character.
        if (!(low >= 0xdc00 && low <= 0xdfff)) throw new LoneSurrogateError();
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
      }
    }
    return at - from;
  }

  /** Puts the head in front of a text that was written behind a guess of the head's length. */
  #closeText(at: number, guessed: number, length: number): void {
    const headBytes = headLength(length);
    if (headBytes !== guessed) {
      this.bytes.copyWithin(at + headBytes, at + guessed, at + guessed + length);
    }
    writeHead(this.bytes, this.#view, at, TEXT, length);
    this.end = at + headBytes + length;
  }

  byteString(value: Uint8Array): void {
    const { length } = value;
    this.reserve(MAX_HEAD_BYTES + length);
    this.end = writeHead(this.bytes, this.#view, this.end, BYTES, length);
    this.bytes.set(value, this.end);
    this.end += length;
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.end);
    this.end += value.length;
  }

  /** Leaves room for the head of a byte string whose length is known later. Gives the place for `closeBytes`. */
  openBytes(): number {
    this.reserve(3);
    this.end += 3;
    return this.end - this.start;
  }

  /** What has been written since `openBytes` is the byte string. */
  closeBytes(opened: number): void {
    const length = this.end - this.start - opened;
    let from = this.start + opened;
    if (length > 0xffff) {
      this.reserve(2);
      // `reserve` may have moved everything.
      from = this.start + opened;
      this.bytes.copyWithin(from + 2, from, this.end);
      this.end += 2;
      this.bytes[from - 3] = BYTES | 26;
      this.#view.setUint32(from - 2, length);
      return;
    }
    this.bytes[from - 3] = BYTES | 25;
    this.#view.setUint16(from - 2, length);
  }

  /** Writes a head so that it ends where the byte at `at` begins; gives where it starts. */
  headBefore(at: number, major: number, value: number): number {
    const from = at - headLength(value);
    writeHead(this.bytes, this.#view, from, major, value);
    return from;
  }
}

/** How many bytes the shortest head for this length or number takes. */
function headLength(value: number): number {
  return value < 24 ? 1 : value < 0x100 ? 2 : value < 0x10000 ? 3 : value < 0x1_0000_0000 ? 5 : 9;
}

function writeHead(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  major: number,
  value: number,
): number {
  if (value < 24) {
    bytes[at] = major | value;
    return at + 1;
  }
  if (value < 0x100) {
    bytes[at] = major | 24;
    bytes[at + 1] = value;
    return at + 2;
  }
  if (value < 0x10000) {
    bytes[at] = major | 25;
    view.setUint16(at + 1, value);
    return at + 3;
  }
  if (value < 0x1_0000_0000) {
    bytes[at] = major | 26;
    view.setUint32(at + 1, value);
    return at + 5;
  }
  bytes[at] = major | 27;
  view.setUint32(at + 1, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 5, value >>> 0);
  return at + 9;
}

/** How many bytes a well-formed text takes as UTF-8. */
export function utf8Length(value: string): number {
  let bytes = value.length;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 0x80) bytes += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/**
 * cbor-x behind a fence: what a wire that trusts nobody needs before cbor-x sees bytes, and before it is
 * given a term. Without it cbor-x takes and makes much that our wire must not carry: see docs/decisions/0008.
 */
import { isUtf8 } from "node:buffer";
import { CborReader, DEFAULT_LIMITS, MalformedError } from "@coppice/remote/wire";
import { Encoder } from "cbor-x";

/** Plain CBOR: no records, no sharing, nothing compiled. */
export const cborX: Encoder = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
});

/** Likewise, and byte strings are memory of their own: a view would keep the whole frame. */
const copying = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  copyBuffers: true,
} as ConstructorParameters<typeof Encoder>[0]);

/** Not 27, of errors: cbor-x makes regular expressions under it. They are not in these terms. */
const ALLOWED_TAGS = new Set([1, 2, 3, 40_900, 40_901, 40_902, 258, 259]);
for (let tag = 64; tag <= 87; tag++) ALLOWED_TAGS.add(tag);

const { maxDepth, maxItems, maxBigintBits } = DEFAULT_LIMITS;

/** Bytes to a term. @throws MalformedError what no wire of ours may carry */
export function decodeFenced(bytes: Uint8Array): unknown {
  const reader = new CborReader(bytes);
  scan(reader, 0, { items: maxItems });
  reader.finish();
  return copying.decode(bytes);
}

function scan(reader: CborReader, depth: number, budget: { items: number }): void {
  if (--budget.items < 0) throw new MalformedError("too many items");
  const initial = reader.initial();
  switch (initial >> 5) {
    case 0:
    case 1:
      reader.argument(initial);
      return;
    case 2: {
      const length = reader.length(initial);
      reader.at += length;
      return;
    }
    case 3: {
      const length = reader.length(initial);
      const from = reader.at;
      reader.at = from + length;
      if (!isText(reader.bytes, from, reader.at)) throw new MalformedError("no UTF-8");
      return;
    }
    case 4:
    case 5: {
      if (depth >= maxDepth) throw new MalformedError("nested too deeply");
      const count = reader.argument(initial) * (initial >> 5 === 5 ? 2 : 1);
      if (count > reader.left) throw new MalformedError("a count beyond the end");
      for (let i = 0; i < count; i++) scan(reader, depth + 1, budget);
      return;
    }
    case 6: {
      const tag = reader.argument(initial);
      if (!ALLOWED_TAGS.has(tag)) throw new MalformedError("a tag that is not allowed");
      if (tag === 2 || tag === 3) {
        if (reader.byteString().length * 8 > maxBigintBits) throw new MalformedError("a bigint");
      } else scan(reader, depth + 1, budget);
      return;
    }
    default:
      if (
        initial !== 0xfb &&
        initial !== 0xfa &&
        initial !== 0xf9 &&
        !(initial >= 0xf4 && initial <= 0xf7)
      ) {
        throw new MalformedError("a simple value without a meaning");
      }
      if (initial >= 0xf9) reader.argument(initial);
  }
}

/** UTF-8? Most of it is ASCII. */
function isText(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > 64) return isUtf8(bytes.subarray(from, to));
  for (let at = from; at < to; at++) {
    if ((bytes[at] as number) >= 0x80) return isUtf8(bytes.subarray(at, to));
  }
  return true;
}

/** A term to bytes. @throws TypeError cbor-x would write something else in its place */
export function encodeFenced(term: unknown): Uint8Array {
  check(term, 0, { items: maxItems });
  return cborX.encode(term);
}

function check(value: unknown, depth: number, budget: { items: number }): void {
  if (--budget.items < 0 || depth > maxDepth) throw new TypeError("too much");
  switch (typeof value) {
    case "string":
      if (!wellFormed.call(value)) throw new TypeError("half a surrogate pair");
      return;
    case "number":
      // Cbor-x writes it as a float.
      if (Number.isInteger(value) && Math.abs(value) >= 2 ** 32)
        throw new TypeError("a big integer");
      return;
    case "boolean":
    case "undefined":
      return;
    case "object": {
      if (value === null || value instanceof Uint8Array) return;
      if (Array.isArray(value)) {
        for (const part of value) check(part, depth + 1, budget);
        return;
      }
      if (Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError("an instance");
      for (const key of Object.keys(value)) {
        if (key === "__proto__" || !wellFormed.call(key)) throw new TypeError("a key");
        check((value as Record<string, unknown>)[key], depth + 1, budget);
      }
      return;
    }
    default:
      throw new TypeError(typeof value);
  }
}

/** Node has it; the types of ES2023 do not. */
const wellFormed = (String.prototype as unknown as { isWellFormed(this: string): boolean })
  .isWellFormed;

/**
 * Terms on the wire: what of JavaScript's values travels, and under which tag.
 *
 * | JavaScript | CBOR |
 * | --- | --- |
 * | integer, less than 2^53 either way | integer |
 * | `-0`, any other number | float64 |
 * | bigint | tag 2 or 3, always |
 * | string, well formed | text |
 * | `true`, `false`, `null`, `undefined` | simple values |
 * | array; a hole is `undefined` | array |
 * | plain object, its enumerable string keys | map with text keys |
 * | `Map`, `Set` | tag 259 over a map, tag 258 over an array |
 * | `Date` | tag 1 over seconds |
 * | `Uint8Array` | byte string |
 * | other typed arrays | tags 68 to 72, 77 to 79, 85, 86 over bytes, little-endian (RFC 8746) |
 * | error | tag 27 over `[name, message, { code?, cause?, stack? }]`; comes as `RemoteError` |
 * | pid, reference, name | tags 40900, 40901, 40902 |
 */
import { CoppiceError, type AnyPid, type Ref } from "@coppice/core";
import type { LimitName } from "./limits.js";

export const TAG_DATE = 1;
export const TAG_POSITIVE_BIGINT = 2;
export const TAG_NEGATIVE_BIGINT = 3;
export const TAG_OBJECT = 27;
export const TAG_SET = 258;
export const TAG_MAP = 259;

/** Over `serial` (of the sender's node), `[serial]` (of the receiver's) or `[node, incarnation, serial]`. */
export const TAG_PID = 40_900;

/** Over `[owner, serial]`, where `owner` is what tag 40900 would be over. */
export const TAG_REF = 40_901;

/** Over `name`, or `[node, name]` for a name at a node. */
export const TAG_NAME = 40_902;

/** One life of a node, by name. */
export interface NodeLife {
  readonly name: string;
  readonly incarnation: number;
}

/** What the codec of a session knows of its two nodes; how pids and references are made here. */
export interface Identities {
  readonly home: NodeLife;
  readonly peer: NodeLife;
  /** Called before a term is read. */
  readonly begins?: () => void;
  /** The pid of a process of any node; the same object each time, as pids are compared by `===`. */
  readonly pid: (node: NodeLife, serial: number) => AnyPid;
  readonly ref: (owner: AnyPid, serial: number) => Ref;
  /** Called for each of our own pids and references that is written: the peer may use it from now on. */
  readonly exported?: (what: AnyPid | Ref) => void;
  /** Called for each pid or reference of a third node that is written: the peer has it from us. */
  readonly mentioned?: (what: AnyPid | Ref) => void;
  /** May the peer say this name, at `node` or at whoever gets it? All may be said if it is missing. */
  readonly mayName?: (node: string | undefined, name: string) => boolean;
}

/** Something in a term cannot be sent to another node. Nothing of the term was sent. */
export class UnsendableTermError extends CoppiceError {
  override readonly name = "UnsendableTermError";
  readonly code = "UNSENDABLE_TERM";
  /** Where in the term, e.g. `message.user.onClick`. */
  readonly path: string;
  /** @param limit what it is too much for; else it is of a kind that does not travel */
  constructor(path: string, what: string, limit?: LimitName) {
    const why =
      limit === undefined
        ? "another node can be sent plain objects, arrays, primitives, Map, Set, Date, Error, typed arrays, pids, references and names"
        : `see limits.${limit}`;
    super(`${path} is ${what}: ${why}`);
    this.path = path;
  }
}

interface TypedArrayType {
  readonly bytes: number;
  readonly make: (buffer: ArrayBuffer) => ArrayBufferView;
}

const types: readonly (readonly [tag: number, name: string, type: TypedArrayType])[] = [
  [64, "Uint8Array", { bytes: 1, make: (buffer) => new Uint8Array(buffer) }],
  [68, "Uint8ClampedArray", { bytes: 1, make: (buffer) => new Uint8ClampedArray(buffer) }],
  [69, "Uint16Array", { bytes: 2, make: (buffer) => new Uint16Array(buffer) }],
  [70, "Uint32Array", { bytes: 4, make: (buffer) => new Uint32Array(buffer) }],
  [71, "BigUint64Array", { bytes: 8, make: (buffer) => new BigUint64Array(buffer) }],
  [72, "Int8Array", { bytes: 1, make: (buffer) => new Int8Array(buffer) }],
  [77, "Int16Array", { bytes: 2, make: (buffer) => new Int16Array(buffer) }],
  [78, "Int32Array", { bytes: 4, make: (buffer) => new Int32Array(buffer) }],
  [79, "BigInt64Array", { bytes: 8, make: (buffer) => new BigInt64Array(buffer) }],
  [85, "Float32Array", { bytes: 4, make: (buffer) => new Float32Array(buffer) }],
  [86, "Float64Array", { bytes: 8, make: (buffer) => new Float64Array(buffer) }],
];

const BIG_ENDIAN = 4;

const typesByTag = new Map<
  number,
  { readonly type: TypedArrayType; readonly littleEndian: boolean }
>(
  types.flatMap(([tag, , type]) => [
    [tag, { type, littleEndian: true }] as const,
    // Tags 65 to 67, 73 to 75, 81 and 82 are the same in big-endian order; of single bytes there is none.
    ...(type.bytes > 1 ? [[tag - BIG_ENDIAN, { type, littleEndian: false }] as const] : []),
  ]),
);
const tagsByName = new Map(types.map(([tag, name, type]) => [name, { tag, bytes: type.bytes }]));

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The tag and the element size of typed arrays of this name; `undefined` for a `DataView` and what else there is. */
export function typedArrayTag(
  name: string,
): { readonly tag: number; readonly bytes: number } | undefined {
  return tagsByName.get(name);
}

/** Is it the tag of a typed array? */
export function isTypedArrayTag(tag: number): boolean {
  return typesByTag.has(tag);
}

/** The bytes of a typed array as they travel. The array may be someone else's: it is copied, if need be. */
export function typedArrayBytes(view: ArrayBufferView, elementBytes: number): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return elementBytes === 1 || hostIsLittleEndian ? bytes : swapped(bytes, elementBytes);
}

/** A typed array of its own memory; `undefined` when the bytes are no whole number of elements. */
export function typedArrayOf(tag: number, bytes: Uint8Array): ArrayBufferView | undefined {
  const found = typesByTag.get(tag);
  if (found === undefined || bytes.length % found.type.bytes !== 0) return undefined;
  const { type, littleEndian } = found;
  const own = littleEndian === hostIsLittleEndian;
  return type.make(own ? copyOf(bytes).buffer : swapped(bytes, type.bytes).buffer);
}

/** The same bytes in memory of their own. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Not slice(): of a Buffer that is a view.
  return new Uint8Array(bytes);
}

function swapped(bytes: Uint8Array, elementBytes: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += elementBytes) {
    for (let i = 0; i < elementBytes; i++) {
      result[at + i] = bytes[at + elementBytes - 1 - i] as number;
    }
  }
  return result;
}

/**
 * Bytes to terms, in one strict pass: whatever is not in the table of `term.ts` is refused before
 * anything is made of it. Nothing that comes out shares memory with what came in.
 */
import { at as nameAt, name as nameOf, stackless, type AnyPid } from "@coppice/core";
import { CborReader, KnownTexts, MalformedError } from "./cbor-reader.js";
import type { Limits } from "./limits.js";
import { isNodeName } from "./node-name.js";
import { RemoteError } from "./remote-error.js";
import {
  copyOf,
  isTypedArrayTag,
  TAG_DATE,
  TAG_MAP,
  TAG_NAME,
  TAG_NEGATIVE_BIGINT,
  TAG_OBJECT,
  TAG_PID,
  TAG_POSITIVE_BIGINT,
  TAG_REF,
  TAG_SET,
  typedArrayOf,
  type Identities,
} from "./term.js";

export interface DecoderOptions {
  readonly identities: Identities;
  readonly limits: Pick<
    Limits,
    | "maxDepth"
    | "maxItems"
    | "maxBigintBits"
    | "maxNameBytes"
    | "maxNodeNameBytes"
    | "maxMessageBytes"
  >;
  /**
   * How many numbers may be keys of maps or elements of sets in one term; any number of them by default. Engines hash
   * numbers in a way that everybody knows: each of those that collide is compared with all before it.
   */
  readonly maxNumberKeys?: number;
}

/** JavaScript's own bound for times, in ms from 1970. */
const MAX_DATE_MS = 8.64e15;

const NOTHING = new Uint8Array(0);

/** Each byte in two digits. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Decodes one term after another. Not re-entrant. */
export class TermDecoder {
  readonly #reader = new CborReader(NOTHING);
  readonly #identities: Identities;
  /** Keys of records that came before. */
  readonly #keys: KnownTexts = new KnownTexts();
  readonly #limits: DecoderOptions["limits"];
  readonly #maxItems: number;
  readonly #maxDepth: number;
  readonly #maxNumberKeys: number;
  #items = 1;
  #numberKeys = 0;

  constructor({ identities, limits, maxNumberKeys = Infinity }: DecoderOptions) {
    this.#identities = identities;
    this.#limits = limits;
    this.#maxItems = limits.maxItems;
    this.#maxDepth = limits.maxDepth;
    this.#maxNumberKeys = maxNumberKeys;
  }

  /** How many items the last term had, as far as it was read. */
  get items(): number {
    return this.#items;
  }

  /**
   * The term in these bytes.
   *
   * @throws MalformedError they are not exactly one term of the kinds and within the limits allowed
   */
  decode(bytes: Uint8Array): unknown {
    if (bytes.length > this.#limits.maxMessageBytes) {
      throw new MalformedError(`a term of ${bytes.length} bytes`, "maxMessageBytes");
    }
    const reader = this.#reader;
    reader.restart(bytes);
    this.#items = 1;
    this.#numberKeys = 0;
    this.#identities.begins?.();
    try {
      const term = this.#value(0);
      reader.finish();
      return term;
    } finally {
      reader.restart(NOTHING);
    }
  }

  #value(depth: number): unknown {
    const reader = this.#reader;
    const initial = reader.initial();
    switch (initial >> 5) {
      case 0: {
        if (initial < 24) return initial;
        const value = reader.argument(initial);
        return value <= Number.MAX_SAFE_INTEGER ? value : reader.bigArgument();
      }
      case 1: {
        const value = reader.argument(initial);
        return value < Number.MAX_SAFE_INTEGER ? -1 - value : -1n - reader.bigArgument();
      }
      case 2:
        return copyOf(reader.view8(reader.length(initial)));
      case 3:
        return reader.textOf(reader.length(initial));
      case 4: {
        const count = reader.length(initial);
        this.#enter(depth, count);
        const array: unknown[] = [];
        for (let i = 0; i < count; i++) array.push(this.#value(depth + 1));
        return array;
      }
      case 5:
        return this.#record(initial, depth);
      case 6:
        return this.#tagged(reader.argument(initial), depth);
      default:
        return this.#simple(initial);
    }
  }

  /** A container begins, with this many items in it, each of which takes a byte at least. */
  #enter(depth: number, items: number): void {
    if (items > this.#reader.left) throw new MalformedError("a count beyond the end");
    this.#items += items;
    if (this.#items > this.#maxItems) throw new MalformedError("too many items", "maxItems");
    if (depth >= this.#maxDepth) throw new MalformedError("nested too deeply", "maxDepth");
  }

  #record(initial: number, depth: number): Record<string, unknown> {
    const reader = this.#reader;
    const count = reader.argument(initial);
    this.#enter(depth, 2 * count);
    const record: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const keyInitial = reader.initial();
      if (keyInitial >> 5 !== 3) throw new MalformedError("a key that is no text");
      const key = reader.keyOf(reader.length(keyInitial), this.#keys);
      if (!(key in record)) {
        record[key] = this.#value(depth + 1);
        continue;
      }
      if (key === "__proto__") throw new MalformedError('the key "__proto__"');
      if (Object.hasOwn(record, key)) throw new MalformedError("a key that is there twice");
      // Inherited, like toString: what the prototype says about assignment does not matter.
      const value = this.#value(depth + 1);
      Object.defineProperty(record, key, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return record;
  }

  #simple(initial: number): unknown {
    const reader = this.#reader;
    switch (initial) {
      case 0xf4:
        return false;
      case 0xf5:
        return true;
      case 0xf6:
        return null;
      case 0xf7:
        return undefined;
      case 0xf9:
        return float16(reader.argument(initial));
      case 0xfa:
        reader.argument(initial);
        return reader.view.getFloat32(reader.at - 4);
      case 0xfb:
        reader.argument(initial);
        return reader.view.getFloat64(reader.at - 8);
      default:
        throw new MalformedError("a simple value without a meaning");
    }
  }

  #tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG_DATE:
        return this.#date();
      case TAG_POSITIVE_BIGINT:
        return this.#bigint();
      case TAG_NEGATIVE_BIGINT:
        return -1n - this.#bigint();
      case TAG_OBJECT:
        return this.#error(depth);
      case TAG_SET:
        return this.#set(depth);
      case TAG_MAP:
        return this.#map(depth);
      case TAG_PID:
        return this.#pid();
      case TAG_REF: {
        this.#reader.arrayOf(2);
        const owner = this.#pid();
        return this.#identities.ref(owner, this.#reader.unsigned());
      }
      case TAG_NAME:
        return this.#name();
      default: {
        if (!isTypedArrayTag(tag)) throw new MalformedError("a tag that is not allowed");
        const array = typedArrayOf(tag, this.#reader.byteString());
        if (array === undefined) throw new MalformedError("a typed array of a broken length");
        return array;
      }
    }
  }

  #date(): Date {
    const major = this.#reader.peekMajor();
    const seconds = major === 0 || major === 1 || major === 7 ? this.#value(0) : undefined;
    // Rounded: the seconds are a fraction, and milliseconds are whole.
    const ms = typeof seconds === "number" ? Math.round(seconds * 1000) : NaN;
    if (!(Math.abs(ms) <= MAX_DATE_MS)) throw new MalformedError("a time that is none");
    return new Date(ms);
  }

  #bigint(): bigint {
    const bytes = this.#reader.byteString();
    if (bytes.length * 8 > this.#limits.maxBigintBits) {
      throw new MalformedError(`an integer of ${bytes.length} bytes`, "maxBigintBits");
    }
    let hex = "0x0";
    // By index: twice as fast as by its iterator.
    for (let i = 0; i < bytes.length; i++) hex += HEX[bytes[i] as number];
    return BigInt(hex);
  }

  #set(depth: number): Set<unknown> {
    const count = this.#reader.arrayHead();
    this.#enter(depth, count);
    const set = new Set<unknown>();
    for (let i = 0; i < count; i++) set.add(this.#key(depth));
    if (set.size !== count) throw new MalformedError("an element that is there twice");
    return set;
  }

  #map(depth: number): Map<unknown, unknown> {
    const initial = this.#reader.initial();
    if (initial >> 5 !== 5) throw new MalformedError("no map under the tag of a map");
    const count = this.#reader.argument(initial);
    this.#enter(depth, 2 * count);
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < count; i++) {
      const key = this.#key(depth);
      map.set(key, this.#value(depth + 1));
    }
    if (map.size !== count) throw new MalformedError("a key that is there twice");
    return map;
  }

  /** A key of a map, or an element of a set. */
  #key(depth: number): unknown {
    const key = this.#value(depth + 1);
    const isNumber = typeof key === "number" || typeof key === "bigint";
    if (isNumber && ++this.#numberKeys > this.#maxNumberKeys) {
      throw new MalformedError("too many numbers as keys", "clientNumberKeys");
    }
    return key;
  }

  #error(depth: number): RemoteError {
    const reader = this.#reader;
    reader.arrayOf(3);
    const name = this.#string();
    const message = this.#string();
    const initial = reader.initial();
    if (initial >> 5 !== 5) throw new MalformedError("an error without its details");
    const count = reader.argument(initial);
    this.#enter(depth, 2 * count);
    this.#items += 3;
    const facts: { code?: string; cause?: unknown; stack?: string } = {};
    for (let i = 0; i < count; i++) {
      const key = this.#string();
      if (Object.hasOwn(facts, key)) throw new MalformedError("a key that is there twice");
      if (key === "code" || key === "stack") facts[key] = this.#string();
      else if (key === "cause") facts.cause = this.#value(depth + 1);
      else throw new MalformedError("a detail that no error has");
    }
    return stackless(() => new RemoteError(name, message, facts));
  }

  #string(): string {
    return this.#reader.text(this.#limits.maxMessageBytes, "maxMessageBytes");
  }

  #pid(): AnyPid {
    const reader = this.#reader;
    const { home, peer, pid } = this.#identities;
    if (reader.peekMajor() === 0) return pid(peer, reader.unsigned());
    const count = reader.arrayHead();
    if (count === 1) return pid(home, reader.unsigned());
    if (count !== 3) throw new MalformedError("a pid of no known form");
    const name = this.#nodeName();
    const incarnation = reader.unsigned();
    const serial = reader.unsigned();
    // Whichever form it came in, it is one pid.
    for (const known of [home, peer]) {
      if (known.name === name && known.incarnation === incarnation) return pid(known, serial);
    }
    return pid({ name, incarnation }, serial);
  }

  #nodeName(): string {
    const name = this.#reader.text(this.#limits.maxNodeNameBytes, "maxNodeNameBytes");
    if (!isNodeName(name)) throw new MalformedError("no name of a node");
    return name;
  }

  #name(): unknown {
    const reader = this.#reader;
    const remote = reader.peekMajor() === 4;
    if (remote) reader.arrayOf(2);
    const node = remote ? this.#nodeName() : undefined;
    const text = reader.text(this.#limits.maxNameBytes, "maxNameBytes");
    if (text === "" || text === "undefined") throw new MalformedError("no name of a process");
    if (this.#identities.mayName?.(node, text) === false) {
      throw new MalformedError(`the name ${JSON.stringify(text)}, which is not for the client`);
    }
    return node === undefined ? nameOf(text) : nameAt(node, nameOf(text));
  }
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

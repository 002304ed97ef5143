/**
 * Terms to bytes. What cannot travel is refused here, at the sender, with the path to it.
 */
import {
  formatTerm,
  isErrorLike,
  isName,
  isPid,
  isRef,
  isRemoteName,
  ThrownValueError,
  type AnyPid,
} from "@coppice/core";
import {
  chainLength,
  className,
  isDate,
  isMap,
  isSet,
  lengthOfTypedArray,
  nameOfTypedArray,
  wellFormed,
} from "./built-in.js";
import {
  ARRAY,
  BYTES,
  FALSE,
  LoneSurrogateError,
  MAP,
  NULL,
  TAG,
  TooManyBytesError,
  TRUE,
  UNDEFINED,
  utf8Length,
  type CborWriter,
} from "./cbor-writer.js";
import type { LimitName, Limits } from "./limits.js";
import { errorFacts } from "./remote-error.js";
import {
  TAG_DATE,
  TAG_MAP,
  TAG_NAME,
  TAG_NEGATIVE_BIGINT,
  TAG_OBJECT,
  TAG_PID,
  TAG_POSITIVE_BIGINT,
  TAG_REF,
  TAG_SET,
  typedArrayBytes,
  typedArrayTag,
  UnsendableTermError,
  type Identities,
} from "./term.js";

/** What is told of an error: all, or what it is called, says and has as its code. */
export type ErrorDetail = "full" | "message";

export interface EncoderOptions {
  readonly identities: Identities;
  readonly limits: Pick<Limits, "maxDepth" | "maxItems" | "maxBigintBits" | "maxNameBytes">;
  /** @default "full" */
  readonly errorDetail?: ErrorDetail;
}

const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;
const bytesPrototype = Uint8Array.prototype;
/**
 * Encodes one term after another. Not re-entrant: a getter of a term that sends must meet another
 * instance.
 */
export class TermEncoder {
  readonly #identities: Identities;
  readonly #maxDepth: number;
  readonly #maxItems: number;
  readonly #maxBigintBits: number;
  readonly #maxNameBytes: number;
  readonly #detail: ErrorDetail;
  #writer!: CborWriter;
  #items = 0;
  /** The key under which the value at each level stands. */
  readonly #trail: (string | number)[] = [];
  #root: unknown;
  #rootName = "message";

  constructor(options: EncoderOptions) {
    this.#identities = options.identities;
    this.#maxDepth = options.limits.maxDepth;
    this.#maxItems = options.limits.maxItems;
    this.#maxBigintBits = options.limits.maxBigintBits;
    this.#maxNameBytes = options.limits.maxNameBytes;
    this.#detail = options.errorDetail ?? "full";
  }

  /**
   * Writes a term. When it throws, the writer holds a part of it, which is the caller's to take back.
   *
   * @param rootName what the term is called in the path of an error
   * @throws UnsendableTermError
   */
  encode(writer: CborWriter, term: unknown, rootName = "message"): void {
    this.#writer = writer;
    this.#items = 1;
    this.#root = term;
    this.#rootName = rootName;
    try {
      this.#value(term, 0);
    } catch (error) {
      if (error instanceof TooManyBytesError) {
        const what = `more than ${writer.maxBytes} bytes long`;
        throw new UnsendableTermError(rootName, what, "maxMessageBytes");
      }
      throw error;
    } finally {
      this.#root = undefined;
    }
  }

  #value(value: unknown, depth: number): void {
    const writer = this.#writer;
    switch (typeof value) {
      case "string":
        this.#text(value, depth);
        return;
      case "number":
        // Object.is: -0 is an integer of its own.
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) writer.integer(value);
        else writer.float(value);
        return;
      case "boolean":
        writer.byte(value ? TRUE : FALSE);
        return;
      case "undefined":
        writer.byte(UNDEFINED);
        return;
      case "bigint":
        this.#bigint(value, depth);
        return;
      case "object":
        if (value === null) writer.byte(NULL);
        else this.#object(value, depth);
        return;
      default:
        this.#fail(depth, `a ${typeof value}`);
    }
  }

  #text(value: string, depth: number): void {
    try {
      this.#writer.text(value);
    } catch (error) {
      if (error instanceof LoneSurrogateError) {
        this.#fail(depth, "a string with half a surrogate pair");
      }
      throw error;
    }
  }

  #name(value: string, depth: number): void {
    if (utf8Length(value) > this.#maxNameBytes) {
      this.#fail(depth, `a name of more than ${this.#maxNameBytes} bytes`, "maxNameBytes");
    }
    this.#text(value, depth);
  }

  #bigint(value: bigint, depth: number): void {
    const negative = value < 0n;
    const magnitude = negative ? -1n - value : value;
    let hex = magnitude.toString(16);
    if (hex.length % 2 === 1) hex = `0${hex}`;
    if (hex.length * 4 > this.#maxBigintBits) {
      this.#fail(depth, `a bigint of more than ${this.#maxBigintBits} bits`, "maxBigintBits");
    }
    const writer = this.#writer;
    writer.head(TAG, negative ? TAG_NEGATIVE_BIGINT : TAG_POSITIVE_BIGINT);
    // Zero is no bytes.
    const length = magnitude === 0n ? 0 : hex.length / 2;
    writer.head(BYTES, length);
    for (let i = 0; i < length; i++) writer.byte(parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  }

  #object(value: object, depth: number): void {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === objectPrototype) this.#record(value, depth);
    else if (prototype === bytesPrototype && ArrayBuffer.isView(value)) {
      const bytes = value as Uint8Array;
      // Whatever else has that prototype goes the long way, and so does what lies about its length.
      const isPlain =
        nameOfTypedArray(bytes) === "Uint8Array" && lengthOfTypedArray(bytes) === bytes.length;
      if (isPlain) this.#writer.byteString(bytes);
      else this.#view(bytes, depth);
    } else if (prototype === arrayPrototype || Array.isArray(value)) {
      this.#array(value as readonly unknown[], prototype, depth);
    } else if (isPid(value)) this.#pid(value);
    else if (isRef(value)) {
      const { owner, serial } = value;
      this.#writer.head(TAG, TAG_REF);
      this.#writer.head(ARRAY, 2);
      this.#pidContent(owner);
      const { exported, mentioned } = this.#identities;
      (this.#isOwn(owner) ? exported : mentioned)?.(value);
      this.#writer.integer(serial);
    } else if (isName(value)) {
      this.#writer.head(TAG, TAG_NAME);
      this.#name(value.name, depth);
    } else if (isRemoteName(value)) {
      this.#writer.head(TAG, TAG_NAME);
      this.#writer.head(ARRAY, 2);
      this.#text(value.node, depth);
      this.#name(value.name, depth);
    } else if (ArrayBuffer.isView(value)) this.#view(value, depth);
    else if (isErrorLike(value)) this.#error(value, depth);
    else if (prototype === null || Object.getPrototypeOf(prototype) === null) {
      // Of another realm, or without a prototype.
      this.#record(value, depth);
    } else this.#builtIn(value, prototype, depth);
  }

  #record(value: object, depth: number): void {
    const keys = Object.keys(value);
    this.#enter(value, depth, 2 * keys.length);
    const writer = this.#writer;
    writer.head(MAP, keys.length);
    for (const key of keys) {
      this.#trail[depth] = key;
      if (key === "__proto__") this.#fail(depth + 1, `a property of that name`);
      this.#text(key, depth + 1);
      this.#value((value as Record<string, unknown>)[key], depth + 1);
    }
  }

  #array(value: readonly unknown[], prototype: object | null, depth: number): void {
    if (prototype !== arrayPrototype && chainLength(value) !== 2) this.#instance(value, depth);
    const { length } = value;
    this.#enter(value, depth, length);
    this.#writer.head(ARRAY, length);
    for (let index = 0; index < length; index++) {
      this.#trail[depth] = index;
      this.#value(value[index], depth + 1);
    }
  }

  #builtIn(value: object, prototype: object, depth: number): void {
    // Subclasses would come as their base class.
    const derived = Object.getPrototypeOf(Object.getPrototypeOf(prototype)) !== null;
    if (derived) this.#instance(value, depth);
    else if (isMap(value)) this.#map(value, depth);
    else if (isSet(value)) this.#set(value, depth);
    else if (isDate(value)) this.#date(value, depth);
    else this.#instance(value, depth);
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): void {
    const entries = [...value];
    this.#enter(value, depth, 2 * entries.length);
    this.#writer.head(TAG, TAG_MAP);
    this.#writer.head(MAP, entries.length);
    for (const [key, part] of entries) {
      this.#trail[depth] = `key(${formatTerm(key, 40)})`;
      this.#value(key, depth + 1);
      this.#trail[depth] = `get(${formatTerm(key, 40)})`;
      this.#value(part, depth + 1);
    }
  }

  #set(value: ReadonlySet<unknown>, depth: number): void {
    const elements = [...value];
    this.#enter(value, depth, elements.length);
    this.#writer.head(TAG, TAG_SET);
    this.#writer.head(ARRAY, elements.length);
    for (const element of elements) {
      this.#trail[depth] = "element";
      this.#value(element, depth + 1);
    }
  }

  #date(value: Date, depth: number): void {
    const ms = Date.prototype.getTime.call(value);
    const seconds = ms / 1000;
    if (Number.isNaN(ms)) this.#fail(depth, "an invalid Date");
    if (Math.round(seconds * 1000) !== ms) {
      this.#fail(depth, "a Date so far from 1970 that its milliseconds would be lost");
    }
    this.#writer.head(TAG, TAG_DATE);
    this.#value(seconds === 0 ? 0 : seconds, depth);
  }

  #view(value: ArrayBufferView, depth: number): void {
    const name = nameOfTypedArray(value);
    const known = name === undefined ? undefined : typedArrayTag(name);
    if (known === undefined) this.#fail(depth, name === undefined ? "a DataView" : `a ${name}`);
    if (name !== "Uint8Array") this.#writer.head(TAG, known.tag);
    this.#writer.byteString(typedArrayBytes(value, known.bytes));
  }

  #error(value: Error, depth: number): void {
    const { name, message, code, stack } = errorFacts(value);
    const full = this.#detail === "full";
    // Of a value that was thrown nothing would be left but its text.
    const cause: unknown = value instanceof ThrownValueError ? value.value : value.cause;
    const hasCause = full && cause !== undefined;
    const details = Number(code !== undefined) + Number(full && stack !== undefined);
    this.#enter(value, depth, 3 + 2 * (details + Number(hasCause)));
    const writer = this.#writer;
    writer.head(TAG, TAG_OBJECT);
    writer.head(ARRAY, 3);
    writer.text(wellFormed(name));
    writer.text(wellFormed(message));
    writer.head(MAP, details + Number(hasCause));
    if (code !== undefined) {
      writer.text("code");
      writer.text(wellFormed(code));
    }
    if (full && stack !== undefined) {
      writer.text("stack");
      writer.text(wellFormed(stack));
    }
    if (hasCause) {
      writer.text("cause");
      this.#trail[depth] = "cause";
      this.#value(cause, depth + 1);
    }
  }

  #pid(pid: AnyPid): void {
    this.#writer.head(TAG, TAG_PID);
    this.#pidContent(pid);
  }

  #pidContent(pid: AnyPid): void {
    const { peer, exported, mentioned } = this.#identities;
    const writer = this.#writer;
    const { node, incarnation, serial } = pid;
    if (this.#isOwn(pid)) {
      exported?.(pid);
      writer.integer(serial);
    } else if (node === peer.name && incarnation === peer.incarnation) {
      writer.head(ARRAY, 1);
      writer.integer(serial);
    } else {
      mentioned?.(pid);
      writer.head(ARRAY, 3);
      writer.text(node);
      writer.integer(incarnation);
      writer.integer(serial);
    }
  }

  #isOwn({ node, incarnation }: AnyPid): boolean {
    const { home } = this.#identities;
    return node === home.name && incarnation === home.incarnation;
  }

  /** A container begins, with this many items in it. */
  #enter(value: object, depth: number, items: number): void {
    this.#items += items;
    if (this.#items > this.#maxItems) {
      this.#fail(depth, `where there are more than ${this.#maxItems} items`, "maxItems");
    }
    if (depth >= this.#maxDepth) {
      if (this.#refersToItself(depth)) this.#fail(depth, "where it refers to itself");
      this.#fail(depth, `nested more than ${this.#maxDepth} levels deep`, "maxDepth");
    }
  }

  /** Follows the trail down from the root: does it come by one object twice? */
  #refersToItself(depth: number): boolean {
    const met = new Set<unknown>();
    let at = this.#root;
    for (let level = 0; level < depth && typeof at === "object" && at !== null; level++) {
      if (met.has(at)) return true;
      met.add(at);
      at = (at as Record<string | number, unknown>)[this.#trail[level] as string | number];
    }
    return met.has(at);
  }

  #instance(value: object, depth: number): never {
    this.#fail(depth, `an instance of ${className(value)}`);
  }

  #fail(depth: number, what: string, limit?: LimitName): never {
    let path = this.#rootName;
    for (const key of this.#trail.slice(0, Math.min(depth, 16))) {
      path += typeof key === "number" ? `[${key}]` : `.${key}`;
    }
    throw new UnsendableTermError(depth > 16 ? `${path}…` : path, what, limit);
  }
}

/**
 * The notation of the test vectors: terms as JSON. What JSON does not have is an object with the key
 * `$`, which says what it is; no vector has an object that has that key itself.
 */
import { at, name, type AnyPid, type Ref } from "@coppice/core";
import { RemoteError, type Identities, type NodeLife } from "@coppice/remote/wire";

/** In the vectors the sender is `a` and the receiver is `b`; pids of the notation stand for themselves. */
export const SENDER: NodeLife = { name: "a", incarnation: 11 };
export const RECEIVER: NodeLife = { name: "b", incarnation: 22 };

/** A pid that belongs to no node of this program: what the codec makes of a vector. */
export class VectorPid {
  readonly node: string;
  readonly incarnation: number;
  readonly serial: number;
  constructor({ name, incarnation }: NodeLife, serial: number) {
    this.node = name;
    this.incarnation = incarnation;
    this.serial = serial;
  }
}

export class VectorRef {
  readonly owner: VectorPid;
  readonly serial: number;
  constructor(owner: VectorPid, serial: number) {
    this.owner = owner;
    this.serial = serial;
  }
}

/** For a codec that reads as `home`. */
export function vectorIdentities(home: NodeLife, peer: NodeLife): Identities {
  return {
    home,
    peer,
    pid: (node, serial) => new VectorPid(node, serial) as unknown as AnyPid,
    ref: (owner, serial) => new VectorRef(owner as unknown as VectorPid, serial) as unknown as Ref,
  };
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const typedArrays = {
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Float32Array,
  Float64Array,
};

/** What a vector's notation stands for; pids and references excepted, which only nodes can make. */
export function fromNotation(json: Json): unknown {
  if (Array.isArray(json)) return (json as readonly Json[]).map(fromNotation);
  if (typeof json !== "object" || json === null) return json;
  const parts = json as { readonly [key: string]: Json };
  const list = (key: string): unknown[] => (parts[key] as readonly Json[]).map(fromNotation);
  switch (parts["$"]) {
    case undefined:
      return Object.fromEntries(
        Object.entries(parts).map(([key, part]) => [key, fromNotation(part)]),
      );
    case "undefined":
      return undefined;
    case "float":
      return Number(parts["value"]);
    case "bigint":
      return BigInt(parts["value"] as string);
    case "bytes":
      return new Uint8Array(Buffer.from(parts["hex"] as string, "hex"));
    case "date":
      return new Date(parts["ms"] as number);
    case "set":
      return new Set(list("elements"));
    case "map":
      return new Map(list("entries") as [unknown, unknown][]);
    case "name":
      return name(parts["name"] as string);
    case "remote-name":
      return at(parts["node"] as string, name(parts["name"] as string));
    case "error": {
      const { name, message, code, stack } = parts as Record<string, string>;
      const facts = {
        ...(code !== undefined && { code }),
        ...(stack !== undefined && { stack }),
        ...("cause" in parts && { cause: fromNotation(parts["cause"] as Json) }),
      };
      return new RemoteError(name ?? "", message ?? "", facts);
    }
    case "typed-array": {
      const make = typedArrays[parts["type"] as keyof typeof typedArrays];
      return make.from(parts["elements"] as number[]);
    }
    default:
      throw new TypeError(`no notation: ${JSON.stringify(json)}`);
  }
}

/** The notation of a term that came out of the codec. */
export function toNotation(term: unknown): Json {
  switch (typeof term) {
    case "undefined":
      return { $: "undefined" };
    case "bigint":
      return { $: "bigint", value: `${term}` };
    case "number":
      return Number.isSafeInteger(term) && !Object.is(term, -0)
        ? term
        : { $: "float", value: Object.is(term, -0) ? "-0" : `${term}` };
    case "string":
    case "boolean":
      return term;
    default:
  }
  if (term === null) return null;
  if (Array.isArray(term)) return term.map(toNotation);
  if (term instanceof VectorPid) {
    const { node, incarnation, serial } = term;
    return { $: "pid", node, incarnation, serial };
  }
  if (term instanceof VectorRef) {
    return { $: "ref", owner: toNotation(term.owner), serial: term.serial };
  }
  if (term instanceof Uint8Array && term.constructor.name === "Uint8Array") {
    return { $: "bytes", hex: Buffer.from(term).toString("hex") };
  }
  if (ArrayBuffer.isView(term)) {
    const elements = [...(term as unknown as Iterable<number>)];
    return { $: "typed-array", type: term.constructor.name, elements };
  }
  if (term instanceof Date) return { $: "date", ms: term.getTime() };
  if (term instanceof Set) return { $: "set", elements: [...term].map(toNotation) };
  if (term instanceof Map) {
    return { $: "map", entries: [...term].map((entry: unknown[]) => entry.map(toNotation)) };
  }
  if (term instanceof RemoteError) {
    const { name, message, code, stack = "", cause } = term;
    const facts = { $: "error", name, message, code, stack };
    return "cause" in term ? { ...facts, cause: toNotation(cause) } : facts;
  }
  const { kind, node, name } = term as { kind?: string; node?: string; name?: string };
  if (kind === "name" && name !== undefined) return { $: "name", name };
  if (kind === "remote-name" && node !== undefined && name !== undefined) {
    return { $: "remote-name", node, name };
  }
  return Object.fromEntries(
    Object.entries(term as object).map(([key, part]) => [key, toNotation(part)]),
  );
}

/** Which of so many partitions serves a key: always the same one. */
import { InvalidArgumentError, isPid, keyOf, type AnyPid } from "@coppice/core";

/** What can be routed by: numbers, strings, pids, and plain data made of them. */
export type PartitionKey =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | AnyPid
  | readonly PartitionKey[]
  | { readonly [key: string]: PartitionKey };

/**
 * The partition of a key, from 0. Whole numbers go to that of their remainder, so that neighbours are
 * spread evenly; all else by a hash that is the same on every node and in every run. The order of the
 * fields of an object makes no difference.
 *
 * @throws InvalidArgumentError `key` holds a function, a symbol, or an instance of a class; `partitions` is less than 1
 * @example
 * import { partitionOf } from "@coppice/supervisor";
 * partitionOf(7, 4); // => 3
 * partitionOf({ x: 1, y: 2 }, 8) === partitionOf({ y: 2, x: 1 }, 8); // => true
 * @see https://hexdocs.pm/elixir/PartitionSupervisor.html
 */
export function partitionOf(key: PartitionKey, partitions: number): number {
  if (!(Number.isInteger(partitions) && partitions >= 1)) {
    const expected = "a whole number of at least 1";
    throw new InvalidArgumentError("partition: partitions", expected, partitions);
  }
  if (typeof key === "number" && Number.isSafeInteger(key)) return Math.abs(key) % partitions;
  if (typeof key === "bigint") return Number((key < 0n ? -key : key) % BigInt(partitions));
  return hashOf(textOf(key, key)) % partitions;
}

/** One text for each key. Parts begin with a letter for their kind, and strings with their length. */
function textOf(key: PartitionKey, whole: PartitionKey): string {
  if (key === null) return "n";
  switch (typeof key) {
    case "string":
      return `s${key.length}:${key}`;
    case "number":
      // -0 is 0.
      return `d${key + 0};`;
    case "bigint":
      return `i${key};`;
    case "boolean":
      return key ? "t" : "b";
    case "undefined":
      return "u";
    case "object":
      return textOfObject(key, whole);
    default: {
      const expected = "made of strings, numbers, pids and plain data";
      throw new InvalidArgumentError("partition: key", expected, whole);
    }
  }
}

function textOfObject(key: PartitionKey & object, whole: PartitionKey): string {
  if (isPid(key)) return `p${keyOf(key)};`;
  if (isArray(key)) return `[${key.map((part) => textOf(part, whole)).join("")}]`;
  if (!isPlain(key)) {
    const expected = "without instances of classes, other than pids";
    throw new InvalidArgumentError("partition: key", expected, whole);
  }
  const fields = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = fields.map(([field, part]) => textOf(field, whole) + textOf(part, whole));
  return `{${texts.join("")}}`;
}

function isArray(key: PartitionKey): key is readonly PartitionKey[] {
  return Array.isArray(key);
}

function isPlain(key: PartitionKey & object): key is { readonly [key: string]: PartitionKey } {
  const prototype = Object.getPrototypeOf(key) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** FNV-1a over 16-bit units, then mixed so that the low bits depend on all others (Murmur3's finalizer). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * What is kept of a node's life so that a crash can be replayed: what happened, by its keys, and what came
 * from outside, by its content. Plain data, to be written into a test.
 */
import { isPid, keyOf, name, type AnyPid, type Node } from "@coppice/core";

export interface Recording {
  /** Name of the node. */
  readonly node: string;
  /** Of what the processes drew from `self.random`. */
  readonly seed: number;
  /**
   * How much of the beginning is not in `log`. If it is 0, the log is all there was, and is followed step by
   * step; else what came from outside is given to a fresh node, one thing after the other.
   */
  readonly forgotten: number;
  /** Oldest first. */
  readonly log: readonly Entry[];
  readonly crash: { readonly process: string; readonly error: string };
}

/** The key of something that happened; a number is the node's time, in ms, from then on. */
export type Entry = string | number | Input;

/** What code outside any process did with the node. */
export interface Input {
  readonly op: InputOperation;
  /** As `encode` makes them; `undefined` where that could not be. */
  readonly args?: readonly unknown[];
}

export function isInput(entry: Entry): entry is Input {
  return typeof entry === "object";
}

export const inputOperations = ["send", "cast", "call", "exit", "sendAfter"] as const;
export type InputOperation = (typeof inputOperations)[number];

/** A value as JSON, with pids by their keys; throws what says why for what JSON cannot say. */
export function encode(value: unknown): unknown {
  if (isPid(value)) return { $pid: keyOf(value) };
  if (value === undefined) return { $undefined: true };
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberText(value) };
  }
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (Array.isArray(value)) return value.map(encode);
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof Map) return { $map: [...value].map(encode) };
  if (value instanceof Set) return { $set: [...value].map(encode) };
  if (isName(value)) return { $name: value.name };
  if (typeof value === "object" && isPlain(value)) {
    const fields = Object.entries(value).map(([key, field]) => [key, encode(field)] as const);
    return fields.some(([key]) => key.startsWith("$"))
      ? { $object: fields }
      : Object.fromEntries(fields);
  }
  throw new TypeError(
    `JSON cannot say ${typeof value === "object" ? "such an object" : typeof value}`,
  );
}

/** What `encode` was given. Pids are those of `node`. */
export function decode(json: unknown, node: Node): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map((each) => decode(each, node));
  const [tag = "", ...more] = Object.keys(json);
  const value = (json as Record<string, unknown>)[tag];
  if (more.length > 0 || !tag.startsWith("$")) {
    return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, decode(each, node)]));
  }
  switch (tag) {
    case "$pid":
      return pidOf(value as string, node);
    case "$undefined":
      return undefined;
    case "$number":
      return Number(value);
    case "$bigint":
      return BigInt(value as string);
    case "$date":
      return new Date(value as number);
    case "$map":
      return new Map(decode(value, node) as [unknown, unknown][]);
    case "$set":
      return new Set(decode(value, node) as unknown[]);
    case "$name":
      return name(value as string);
    case "$object":
      return Object.fromEntries(decode(value, node) as [string, unknown][]);
    default:
      throw new TypeError(`a recording has no ${tag}`);
  }
}

/** The process with that key, if it is there. */
function pidOf(key: string, node: Node): AnyPid {
  if (key === keyOf(node.pid)) return node.pid;
  const pid = node.processes().find((each) => keyOf(each) === key);
  if (pid === undefined) throw new NoSuchProcess(key);
  return pid;
}

/** A process that was there when it was recorded is not there now. */
export class NoSuchProcess extends Error {}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function isName(value: unknown): value is { readonly name: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.getPrototypeOf(name("any"))
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

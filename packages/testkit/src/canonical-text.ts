/**
 * Values as text, equal for equal values: what makes two states the same.
 *
 * Equality is that of structure: the order of an object's keys, of a set's members and of a map's entries does
 * not count, that of a list does. A pid is the place of its process. References are told apart, but not by
 * their numbers: they are numbered anew, in the order in which they stand in the text.
 */
import { errorText, isPid, isRef, keyOf } from "@coppice/core";

// Where tests run in a realm of their own, each look at a global of it is slow.
const { getPrototypeOf, keys, is, prototype: plain } = Object;
const { toString: tagOf } = plain;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { stringify } = JSON;

/** Stands around what is to be numbered anew; in texts of strings it is escaped. */
const MARK = "\u0001";
const REFERENCE = new RegExp(`${MARK}([^${MARK}]*) (\\d+)${MARK}`, "g");

/** Stands before the name of what has an inside that nobody can read. */
const CLOSED = "\u0002";
const CLOSED_NAME = new RegExp(`${CLOSED}([^{]*)`, "g");

/** A text that two values share when they are equal. Never throws. */
export function canonicalText(value: unknown): string {
  const text = rawText(value);
  return text.includes(MARK) ? numberAnew(text) : text;
}

/** What in a text has an inside that is not in it, by name: promises, say, or instances that keep all in `#private`. */
export function closedIn(text: string): string[] {
  return text.includes(CLOSED) ? [...text.matchAll(CLOSED_NAME)].map(([, name]) => name ?? "") : [];
}

/** A text as it is shown to people. */
export function shownText(text: string): string {
  return text.replaceAll(CLOSED, "");
}

/** The same with the numbers that references have: for values of one run. */
export function rawText(value: unknown): string {
  return write(value, []);
}

export function numberAnew(text: string): string {
  const numbers = new Map<string, number>();
  return text.replace(REFERENCE, (reference, owner: string) => {
    let number = numbers.get(reference);
    if (number === undefined) numbers.set(reference, (number = numbers.size + 1));
    return `#<${owner}>${number}`;
  });
}

/** Texts of what has no order, in one that depends on numbers of references only between those alike. */
export function inOrder(texts: string[]): string[] {
  if (texts.length < 2) return texts;
  if (!texts.some((text) => text.includes(MARK))) return texts.sort();
  return texts
    .map((text) => ({ text, plain: text.replace(REFERENCE, "$1") }))
    .sort((a, b) => compare(a.plain, b.plain) || compare(a.text, b.text))
    .map(({ text }) => text);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function write(value: unknown, within: object[]): string {
  switch (typeof value) {
    case "string":
      return stringify(value);
    case "number":
      return value === 0 && is(value, -0) ? "-0" : `${value}`;
    case "bigint":
      return `${value}n`;
    case "function":
      return `function ${value.name}`;
    case "symbol":
      return value.toString();
    case "object":
      return value === null ? "null" : writeObject(value, within);
    default:
      return `${value as boolean | undefined}`;
  }
}

function writeObject(value: object, within: object[]): string {
  const at = within.indexOf(value);
  if (at !== -1) return `^${within.length - at}`;
  within.push(value);
  try {
    return writeParts(value, within);
  } catch (error) {
    return `unreadable ${errorText(error, { named: true })}`;
  } finally {
    within.pop();
  }
}

function writeParts(value: object, within: object[]): string {
  if (isArray(value)) return `[${listed(value, within)}]`;
  const prototype = getPrototypeOf(value) as object | null;
  // Those of another realm have an end of their own.
  const isPlain = prototype === null || prototype === plain || getPrototypeOf(prototype) === null;
  if (isPlain) return writeFields("", value, within);
  if (isPid(value)) return `<${keyOf(value)}>`;
  if (isRef(value)) {
    const { owner, serial } = value;
    return `${MARK}${keyOf(owner)} ${`${serial}`.padStart(16, "0")}${MARK}`;
  }
  switch (tagOf.call(value)) {
    case "[object Set]": {
      const parts: string[] = [];
      for (const part of value as ReadonlySet<unknown>) parts.push(write(part, within));
      return `set(${inOrder(parts).join()})`;
    }
    case "[object Map]": {
      const parts: string[] = [];
      for (const [key, part] of value as ReadonlyMap<unknown, unknown>) {
        parts.push(`${write(key, within)}:${write(part, within)}`);
      }
      return `map(${inOrder(parts).join()})`;
    }
    case "[object Date]":
      return `date ${(value as Date).getTime()}`;
    case "[object Error]": {
      const { name, message } = value as Error;
      return writeFields(`${name} ${stringify(message)}`, value, within);
    }
    default:
  }
  const name = value.constructor.name;
  if (isView(value)) return `${name}(${listed([...bytesOf(value)], within)})`;
  return writeFields(keys(value).length === 0 ? `${CLOSED}${name}` : name, value, within);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

// Loops, not `map` and `join`: this is done for each step of a search.
function listed(values: readonly unknown[], within: object[]): string {
  let text = "";
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ",";
    text += write(values[i], within);
  }
  return text;
}

function writeFields(name: string, value: object, within: object[]): string {
  const fields = keys(value);
  if (fields.length > 1) fields.sort();
  let text = `${name}{`;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as string;
    if (i > 0) text += ",";
    const part = write((value as Record<string, unknown>)[field], within);
    text += `${isWord(field) ? field : stringify(field)}:${part}`;
  }
  return `${text}}`;
}

const WORD = /^[A-Za-z_$][\w$]*$/;

function isWord(field: string): boolean {
  return WORD.test(field);
}

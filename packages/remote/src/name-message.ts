/** What members say to each other about names, and what of it is one when it comes from outside. */
import { isPid, type AnyPid } from "@coppice/core";

/** A name, who holds it, and its token. */
export type NameEntry = readonly [name: string, pid: AnyPid, token: number];

export type NameMessage =
  // To the one that keeps the name.
  | readonly ["claim", id: number, name: string, pid: AnyPid]
  | readonly ["release", name: string, token: number]
  /** The answer to `check`: does it still hold the name? */
  | readonly ["checked", name: string, token: number, alive: boolean]
  /** What the sender holds of the receiver's names, and the greatest token it has seen of the receiver. */
  | readonly ["claims", highest: number, entries: readonly NameEntry[], last: boolean]
  // From the one that keeps the name.
  | readonly ["granted", id: number, name: string, token: number]
  | readonly ["refused", id: number, why: AnyPid | NameRefusal]
  | readonly ["check", name: string, token: number]
  | readonly ["lost", name: string, token: number]
  /** All names it keeps, in parts. */
  | readonly ["table", entries: readonly NameEntry[], last: boolean]
  | readonly ["set", name: string, pid: AnyPid, token: number]
  | readonly ["unset", name: string, token: number];

/** `"limit"`: too many for that node; `"members"`: by its list of members it does not keep the name. */
export type NameRefusal = "limit" | "members";

/** So many entries travel in one message. */
const ENTRIES_PER_MESSAGE = 1000;

const MAX_NAME_LENGTH = 255;

/** Below what a number can count exactly, so that a peer's token leaves room to count on. */
const MAX_TOKEN = 2 ** 52;

export function isGlobalName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && name.length <= MAX_NAME_LENGTH;
}

type Check = (value: unknown) => boolean;

const isId: Check = (value) => Number.isSafeInteger(value);
const isToken: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKEN;
const isFlag: Check = (value) => typeof value === "boolean";
const isRefusal: Check = (value) => isPid(value) || value === "limit" || value === "members";
const areEntries: Check = (value) =>
  Array.isArray(value) &&
  value.length <= ENTRIES_PER_MESSAGE &&
  value.every((entry) => hasForm(entry, [isGlobalName, isPid, isToken]));

const FORMS: { readonly [T in NameMessage[0]]: readonly Check[] } = {
  claim: [isId, isGlobalName, isPid],
  release: [isGlobalName, isToken],
  checked: [isGlobalName, isToken, isFlag],
  claims: [isToken, areEntries, isFlag],
  granted: [isId, isGlobalName, isToken],
  refused: [isId, isRefusal],
  check: [isGlobalName, isToken],
  lost: [isGlobalName, isToken],
  table: [areEntries, isFlag],
  set: [isGlobalName, isPid, isToken],
  unset: [isGlobalName, isToken],
};

function hasForm(value: unknown, checks: readonly Check[]): boolean {
  return (
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, index) => check(value[index]))
  );
}

/** `undefined` for what is none: it is ignored. */
export function parseNameMessage(message: unknown): NameMessage | undefined {
  return isNameMessage(message) ? message : undefined;
}

function isNameMessage(message: unknown): message is NameMessage {
  if (!Array.isArray(message)) return false;
  const [type, ...fields] = message as [unknown, ...unknown[]];
  if (typeof type !== "string" || !Object.hasOwn(FORMS, type)) return false;
  return hasForm(fields, FORMS[type as NameMessage[0]]);
}

/** The same entries, in parts that are not too big to travel; one that is empty when there are none. */
export function inParts(entries: readonly NameEntry[]): (readonly NameEntry[])[] {
  const parts: (readonly NameEntry[])[] = [];
  for (let at = 0; at < entries.length || at === 0; at += ENTRIES_PER_MESSAGE) {
    parts.push(entries.slice(at, at + ENTRIES_PER_MESSAGE));
  }
  return parts;
}

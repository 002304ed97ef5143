/**
 * Ids of event handlers: how an event manager tells its handlers apart.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html#type-handler
 */
import { isPid, isRef, type Term } from "@coppice/core";
import { isSameTerm } from "./same-term.js";

/**
 * The name of a handler, or the name and what tells this one from others of that name. Plain data,
 * compared by content.
 *
 * | made by | id | OTP |
 * | --- | --- | --- |
 * | `logger` | `"logger"` | `Module` |
 * | `logger.as("disk")` | `["logger", "disk"]` | `{Module, Id}` |
 */
export type EventHandlerId = string | readonly [name: string, id: Term];

export function isEventHandlerId(value: unknown): value is EventHandlerId {
  if (typeof value === "string") return value !== "";
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, id] = value as unknown[];
  return typeof name === "string" && name !== "" && id !== undefined && isPlainTerm(id);
}

/** How deep an id may be. */
const MAX_DEPTH = 16;

/** Is it plain data, which every isolation mode can carry? */
export function isPlainTerm(value: unknown, depth = 0): value is Term {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null || isPid(value) || isRef(value)) return true;
  if (depth === MAX_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain =
    prototype === null || prototype === Object.prototype || prototype === Array.prototype;
  return isPlain && Object.values(value).every((part) => isPlainTerm(part, depth + 1));
}

export function isSameHandler(a: EventHandlerId, b: EventHandlerId): boolean {
  return isSameTerm(a, b);
}

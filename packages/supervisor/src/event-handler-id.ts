/**
 * Ids of event handlers: how an event manager tells its handlers apart.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html#type-handler
 */
import type { Term } from "@coppice/core";
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
  return typeof name === "string" && name !== "" && id !== undefined;
}

export function isSameHandler(a: EventHandlerId, b: EventHandlerId): boolean {
  return isSameTerm(a, b);
}

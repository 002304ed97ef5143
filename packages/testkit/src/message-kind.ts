/** The kind of what arrives: what people call a message by. */
import type { Transition } from "./transition.js";

/**
 * | message | kind |
 * | --- | --- |
 * | `"get"` | `get` |
 * | `{ type: "put", … }` | `put` |
 * | `{ type: "call", request }`, `{ type: "cast", request }` | that of the request |
 * | `["put", …]` | `put` |
 * | another object | its first key |
 * | anything else | `number`, `boolean`, … |
 *
 * A signal that carries no message is of its own kind: `exit`, `down`, `link`, ….
 */
export function messageKindOf(transition: Transition): string {
  const { message } = transition;
  return message === undefined ? firstWord(transition.describe()) : kindOfTerm(message);
}

function kindOfTerm(term: unknown): string {
  if (typeof term === "string") return term;
  if (typeof term !== "object" || term === null) return term === null ? "null" : typeof term;
  if (Array.isArray(term)) return typeof term[0] === "string" ? term[0] : "array";
  const { type, request } = term as { readonly type?: unknown; readonly request?: unknown };
  if ((type === "call" || type === "cast") && request !== undefined) return kindOfTerm(request);
  if (typeof type === "string") return type;
  return Object.keys(term)[0] ?? "object";
}

function firstWord(text: string): string {
  const end = text.indexOf(" ");
  return end === -1 ? text : text.slice(0, end);
}

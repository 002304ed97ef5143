/** Names of nodes, as they may come over the wire: what could confuse a pid, a key or a log is none. */

import { InvalidArgumentError } from "@coppice/core";
import { utf8Length } from "./cbor-writer.js";
import { DEFAULT_LIMITS } from "./limits.js";

/** No white space, no control or unassigned characters, none of `<`, `>`, `/`. */
export function isNodeName(text: string): boolean {
  return text !== "" && !/[\s\p{C}<>/]/u.test(text);
}

/**
 * Refuses a name under which no other node would connect.
 *
 * @param maxBytes as `limits.maxNodeNameBytes`
 * @throws InvalidArgumentError it is none
 */
export function checkNodeName(
  argument: string,
  name: unknown,
  maxBytes: number = DEFAULT_LIMITS.maxNodeNameBytes,
): void {
  if (typeof name !== "string" || !isNodeName(name) || utf8Length(name) > maxBytes) {
    const expected = `1 to ${maxBytes} bytes without white space, control characters, "<", ">" and "/"`;
    throw new InvalidArgumentError(argument, expected, name);
  }
}

/** Names of nodes, as they may come over the wire: what could confuse a pid, a key or a log is none. */

/** No white space, no control or unassigned characters, none of `<`, `>`, `/`. */
export function isNodeName(text: string): boolean {
  return text !== "" && !/[\s\p{C}<>/]/u.test(text);
}

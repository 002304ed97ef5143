/** Addresses as people and logs are shown them. */

/** Without the name and the password that one of a WebSocket may have in it, for a proxy on the way. */
export function shownAddress(address: string): string {
  return address.replace(/^(wss?:\/\/)[^/?#]*@/i, "$1");
}

/** Where a node listens, as `startRemote` is told, checked. */
import { checkFunction, checkKeys, InvalidArgumentError } from "@coppice/core";
import type { Listener, Transport } from "./transport.js";

/** Where to listen with a transport of one's own, such as the one in memory. */
export interface CustomListen {
  readonly listen: (accept: (transport: Transport) => void) => Listener | Promise<Listener>;
}

/** Where to listen for WebSockets; see `NodeListenOptions` for those of Node. */
export interface WebSocketListen {
  /** `"127.0.0.1"` by default: this machine alone. */
  readonly host?: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Certificate and key, as for `https.createServer`: then it is `wss`. */
  readonly certificate?: {
    readonly cert: string | Uint8Array;
    readonly key: string | Uint8Array;
    readonly ca?: string | Uint8Array;
    readonly requestCert?: boolean;
    readonly rejectUnauthorized?: boolean;
  };
  /** From where pages may connect, such as `https://example.org`; none by default. */
  readonly allowedOrigins?: readonly string[];
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/;

/** @throws InvalidArgumentError it is not where one could listen, or others could come there unproved */
export function checkListen(listen: WebSocketListen | CustomListen, insecure: boolean): void {
  const what = "startRemote: options.listen";
  if (typeof listen === "object" && listen !== null && "listen" in listen) {
    checkKeys(what, listen, ["listen"]);
    checkFunction(`${what}.listen`, listen.listen);
    return;
  }
  checkKeys(what, listen, ["host", "port", "certificate", "allowedOrigins"]);
  const { host = "127.0.0.1", port, certificate, allowedOrigins = [] } = listen;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError(`${what}.port`, "a port number, or 0", port);
  }
  if (typeof host !== "string" || host === "") {
    throw new InvalidArgumentError(`${what}.host`, "a string", host);
  }
  if (
    !Array.isArray(allowedOrigins) ||
    !allowedOrigins.every((origin) => typeof origin === "string")
  ) {
    const expected = "an array of strings";
    throw new InvalidArgumentError(`${what}.allowedOrigins`, expected, allowedOrigins);
  }
  for (const origin of allowedOrigins as readonly string[]) {
    if (isOrigin(origin)) continue;
    const expected = `origins as browsers send them, such as "https://example.org", without a path or a "/" at the end`;
    throw new InvalidArgumentError(`${what}.allowedOrigins`, expected, origin);
  }
  if (certificate !== undefined) {
    const known = ["cert", "key", "ca", "requestCert", "rejectUnauthorized"];
    checkKeys(`${what}.certificate`, certificate, known);
    for (const part of ["cert", "key"] as const) {
      const text: unknown = certificate[part];
      if ((typeof text === "string" || text instanceof Uint8Array) && text.length > 0) continue;
      // A key stays a secret.
      throw new InvalidArgumentError(`${what}.certificate.${part}`, "PEM", typeof text);
    }
  }
  if (!insecure && certificate === undefined && !LOOPBACK.test(host)) {
    const expected = "given where others than this machine can connect (or write insecure: true)";
    throw new InvalidArgumentError(`${what}.certificate`, expected, certificate);
  }
}

/**
 * Could a browser say that it comes from there? Of pages of the web that is scheme, host and port, in small letters,
 * the port left out where it is the usual one; `null` of files and of frames that are fenced off; extensions of browsers
 * have schemes of their own.
 */
function isOrigin(origin: string): boolean {
  if (origin === "null") return true;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(origin)) return false;
  try {
    const { protocol, origin: own } = new URL(origin);
    return !["http:", "https:"].includes(protocol) || own === origin;
  } catch {
    return false;
  }
}

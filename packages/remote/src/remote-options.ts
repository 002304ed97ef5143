/** What `startRemote` can be told, checked. */
import {
  checkFunction,
  checkKeys,
  InvalidArgumentError,
  isName,
  type AnyName,
} from "@coppice/core";
import { utf8Length } from "./cbor-writer.js";
import { checkBehaviours, type RemoteBehaviours } from "./behaviours.js";
import type { Role } from "./handshake-message.js";
import { checkLimits, type Limits } from "./limits.js";
import { checkListen, type CustomListen, type WebSocketListen } from "./listen-options.js";
import { checkNames, type CheckedNames, type NamesOptions } from "./names-options.js";
import { isTooShort, MIN_COOKIE_CHARACTERS } from "./secret.js";
import { checkTls, type TlsOptions } from "./tls-options.js";
import type { Dialler } from "./transport.js";
import type { OverflowPolicy } from "./watermark.js";

export interface RemoteOptions {
  /** Nodes of one cluster talk to each other; `"coppice"` by default. */
  readonly cluster?: string;
  /**
   * The secret that the nodes of a cluster share, of at least 16 characters. It never crosses the wire.
   * Required unless `insecure` is true. Of several, up to four, the first is the one to dial with, and each lets in who
   * dials: so it can be changed node by node.
   */
  readonly cookie?: string | readonly string[];
  /**
   * A second secret, likewise, for peers in the role `client`: who proves that one is a client and nothing
   * else. A node in that role needs no other. What a page is given, its user knows. Several are as of `cookie`.
   */
  readonly clientCookie?: string | readonly string[];
  /**
   * Whether a client may call itself so; all names by default. Whatever it says, the names of
   * `names.members`, and of nodes that were connected before, are none for clients; and a node that comes
   * takes its name back from a client that has it.
   */
  readonly clientNames?: (name: string) => boolean;
  /** Allows to go without a cookie, and to listen beyond this machine without TLS. */
  readonly insecure?: boolean;
  /**
   * Every frame has to prove that the peer made it (HMAC-SHA256, with a key of the session), so that who
   * sits between two nodes without TLS cannot say anything in their session; `false` by default. It has to
   * be wanted at one of the two ends. Peers that cannot are refused.
   */
  readonly frameMac?: boolean;
  /** What this node is for others: a full one, or one that may address only what it was told of. */
  readonly role?: Role;
  readonly listen?: WebSocketListen | CustomListen | readonly (WebSocketListen | CustomListen)[];
  /** Ways to connect besides those of the platform; asked first. */
  readonly diallers?: readonly Dialler[];
  /** Addresses to be connected with, always: again and again when it fails. */
  readonly join?: readonly string[];
  /** Where a node is that is not connected; `undefined` when that is not known. */
  readonly resolve?: (node: string) => string | undefined | Promise<string | undefined>;
  /**
   * What happens when something is sent to a node that is not connected: `"auto"`, the default, connects;
   * `"once"` too, but not again when that is lost; `"never"` does not.
   */
  readonly connect?: "auto" | "once" | "never";
  /** The names that peers in the role `client` may address; those in the role `node` may all. */
  readonly exports?: readonly AnyName[];
  /** What others may start here, by name. */
  readonly behaviours?: RemoteBehaviours;
  /**
   * Who may send exit signals to processes here; `"nodes"` by default. Requests of `sys`, by which a server can be ended, too,
   * are taken from nodes alone, and with `"none"` from nobody.
   */
  readonly allowExit?: "nodes" | "all" | "none";
  readonly limits?: Partial<Limits>;
  /** What happens to messages for a peer that takes none: close the session, or drop them. */
  readonly overflow?: OverflowPolicy;
  /** A peer that is not heard for so long is gone; 20 000 by default. */
  readonly hearMs?: number;
  /** Where names are kept that are unique among many nodes: by some of these nodes, or in a store of one's own. */
  readonly names?: NamesOptions;
  /** Whom to trust when dialling `wss`, as for `tls.connect`. */
  readonly tls?: TlsOptions;
}

/** The same, complete. */
export interface CheckedOptions {
  readonly cluster: string;
  readonly cookie: readonly string[];
  readonly clientCookie: readonly string[];
  readonly clientNames: (name: string) => boolean;
  readonly insecure: boolean;
  readonly frameMac: boolean;
  readonly role: Role;
  readonly listen: readonly (WebSocketListen | CustomListen)[];
  readonly diallers: readonly Dialler[];
  readonly join: readonly string[];
  readonly resolve: (node: string) => string | undefined | Promise<string | undefined>;
  readonly connect: "auto" | "once" | "never";
  readonly exports: ReadonlySet<string>;
  readonly behaviours: RemoteBehaviours;
  readonly allowExit: "nodes" | "all" | "none";
  readonly limits: Limits;
  readonly overflow: OverflowPolicy;
  readonly hearMs: number;
  readonly names: CheckedNames | undefined;
  readonly tls: TlsOptions | undefined;
}

const KEYS = [
  "cluster",
  "cookie",
  "clientCookie",
  "clientNames",
  "insecure",
  "frameMac",
  "role",
  "listen",
  "diallers",
  "join",
  "resolve",
  "connect",
  "exports",
  "behaviours",
  "allowExit",
  "limits",
  "overflow",
  "hearMs",
  "names",
  "tls",
];

const MAX_CLUSTER_BYTES = 128;

/** Half of a surrogate pair is no text. */
function isClusterName(text: string): boolean {
  return text !== "" && utf8Length(text) <= MAX_CLUSTER_BYTES && !/\p{Cs}/u.test(text);
}

/** Names that no process can be reached by: what remoting says to itself. */
export const SERVICE_PREFIX = "coppice:";

const DEFAULT_HEAR_MS = 20_000;

/** So many at once are enough to change one for another. */
const MOST_SECRETS = 4;

type Refuse = (option: string, expected: string, received: unknown) => never;

function secretsOf(option: string, given: unknown, refuse: Refuse): readonly string[] {
  if (given === undefined) return [];
  const secrets: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (secrets.length === 0 || secrets.length > MOST_SECRETS) {
    refuse(option, `a text, or 1 to ${MOST_SECRETS} of them`, `a list of ${secrets.length}`);
  }
  for (const secret of secrets) {
    // What it is stays a secret, however short.
    if (typeof secret !== "string" || isTooShort(secret)) {
      const came = typeof secret === "string" ? "a shorter one" : typeof secret;
      refuse(option, `a string of at least ${MIN_COOKIE_CHARACTERS} characters`, came);
    }
  }
  if (new Set(secrets).size < secrets.length) refuse(option, "each of them once", "one twice");
  return secrets as readonly string[];
}

export function checkRemoteOptions(options: RemoteOptions): CheckedOptions {
  const what = "startRemote: options";
  checkKeys(what, options, KEYS);
  const refuse: Refuse = (option, expected, received) => {
    throw new InvalidArgumentError(`${what}.${option}`, expected, received);
  };
  const {
    cluster = "coppice",
    clientNames = () => true,
    insecure = false,
    frameMac = false,
    role = "node",
    listen = [],
    diallers = [],
    join = [],
    resolve = () => undefined,
    connect = "auto",
    exports = [],
    behaviours = {},
    allowExit = "nodes",
    overflow = "close",
    hearMs = DEFAULT_HEAR_MS,
    tls,
  } = options;
  if (typeof cluster !== "string" || !isClusterName(cluster)) {
    refuse("cluster", `a text of 1 to ${MAX_CLUSTER_BYTES} bytes`, cluster);
  }
  if (typeof insecure !== "boolean") refuse("insecure", "true or false", insecure);
  const cookie = secretsOf("cookie", options.cookie, refuse);
  const clientCookie = secretsOf("clientCookie", options.clientCookie, refuse);
  const isClient = role === "client" && clientCookie.length > 0;
  if (cookie.length === 0 && !insecure && !isClient) {
    refuse("cookie", "given, unless insecure is true", undefined);
  }
  if (clientCookie.some((secret) => cookie.includes(secret))) {
    refuse("clientCookie", "another than cookie", "the same");
  }
  if (typeof frameMac !== "boolean" || (frameMac && cookie.length === 0)) {
    refuse("frameMac", "true or false, and true with a cookie alone", frameMac);
  }
  if (role !== "node" && role !== "client") refuse("role", `"node" or "client"`, role);
  if (!["auto", "once", "never"].includes(connect)) {
    refuse("connect", `"auto", "once" or "never"`, connect);
  }
  if (!["nodes", "all", "none"].includes(allowExit)) {
    refuse("allowExit", `"nodes", "all" or "none"`, allowExit);
  }
  if (overflow !== "close" && overflow !== "drop") {
    refuse("overflow", `"close" or "drop"`, overflow);
  }
  if (typeof hearMs !== "number" || !(hearMs >= 100 && hearMs <= 3_600_000)) {
    refuse("hearMs", "a number from 100 to 3600000", hearMs);
  }
  checkFunction(`${what}.resolve`, resolve);
  checkFunction(`${what}.clientNames`, clientNames);
  for (const [option, list] of Object.entries({ join, diallers, exports })) {
    if (!Array.isArray(list)) refuse(option, "an array", list);
  }
  for (const address of join) if (typeof address !== "string") refuse("join", "strings", address);
  for (const { accepts, dial } of diallers.map((one) => Object(one) as Dialler)) {
    checkFunction(`${what}.diallers: accepts`, accepts);
    checkFunction(`${what}.diallers: dial`, dial);
  }
  if (tls !== undefined) checkTls(`${what}.tls`, tls);
  for (const token of exports) {
    if (!isName(token)) refuse("exports", "names made by name()", token);
    else if (token.name.startsWith(SERVICE_PREFIX)) {
      refuse("exports", `names that do not begin with "${SERVICE_PREFIX}"`, token.name);
    }
  }
  const listens = Array.isArray(listen)
    ? (listen as readonly (WebSocketListen | CustomListen)[])
    : [listen as WebSocketListen | CustomListen];
  for (const one of listens) checkListen(one, insecure);
  return {
    cluster,
    cookie,
    clientCookie,
    clientNames,
    insecure,
    frameMac,
    role,
    listen: listens,
    diallers,
    join,
    resolve,
    connect,
    exports: new Set(exports.map(({ name }) => name)),
    behaviours: checkBehaviours(`${what}.behaviours`, behaviours),
    allowExit,
    limits: checkLimits(`${what}.limits`, options.limits),
    overflow,
    hearMs,
    names: options.names === undefined ? undefined : checkNames(options.names, hearMs),
    tls,
  };
}

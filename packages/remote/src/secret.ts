/**
 * Secrets: what two nodes have to share to talk, and what is made of it. The cryptography of the host
 * comes in through a port; Node's is in `node-crypto.ts`, one for all hosts in `portable-crypto.ts`.
 */
import { InvalidArgumentError } from "@coppice/core";

/** What the handshake needs of cryptography. */
export interface HandshakeCrypto {
  readonly randomBytes: (count: number) => Uint8Array;
  /** HMAC with SHA-256. */
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  /** In a time that does not depend on where two of the same length differ. */
  readonly equal: (a: Uint8Array, b: Uint8Array) => boolean;
  /** scrypt with r = 8, p = 1. */
  readonly scrypt: (
    password: Uint8Array,
    salt: Uint8Array,
    cost: number,
    length: number,
  ) => Promise<Uint8Array>;
}

/** Shorter ones could be guessed. */
export const MIN_COOKIE_CHARACTERS = 16;

export function isTooShort(cookie: string): boolean {
  return [...cookie].length < MIN_COOKIE_CHARACTERS;
}

/** How much work it is to try one cookie: about 0.1 s. */
const SCRYPT_COST = 2 ** 15;

const KEY_BYTES = 32;

/** One of the keys that open the door, and what it opens it for. */
export interface Key {
  /** Says which key is meant; not secret. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /** What its holder may be at most: `"node"` may be both. */
  readonly role: "node" | "client";
}

/** A cookie that nobody guesses: 256 random bits, as text. */
export function genCookie(crypto: Pick<HandshakeCrypto, "randomBytes">): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // 43 letters of six bits each are 258.
  return Array.from(crypto.randomBytes(43), (byte) => letters[byte & 63]).join("");
}

/**
 * The key that is made of a cookie. It takes about 0.1 s, once at start: that is what makes guessing dear.
 *
 * @throws InvalidArgumentError the cookie has less than 16 characters, or the cluster has no name
 */
export async function deriveKey(
  crypto: Pick<HandshakeCrypto, "scrypt">,
  cookie: string,
  cluster: string,
): Promise<Uint8Array> {
  if (typeof cookie !== "string" || isTooShort(cookie)) {
    // Not what came: an error is printed.
    const came = typeof cookie === "string" ? `a text of ${[...cookie].length}` : typeof cookie;
    const expected = `a text of at least ${MIN_COOKIE_CHARACTERS} characters`;
    throw new InvalidArgumentError("cookie", expected, came);
  }
  if (typeof cluster !== "string" || cluster === "") {
    throw new InvalidArgumentError("cluster", "a text that is not empty", cluster);
  }
  const utf8 = new TextEncoder();
  const salt = utf8.encode(`coppice/1|${cluster}`);
  return crypto.scrypt(utf8.encode(cookie.normalize("NFC")), salt, SCRYPT_COST, KEY_BYTES);
}

/** Which key is meant: the one made of `clientCookie`; that of `cookie` has no name. */
const CLIENT_KEY = "client";

/** The keys that are made of the cookies. The first is the one to dial with. */
export async function keysOf(
  crypto: Pick<HandshakeCrypto, "scrypt">,
  options: {
    readonly cluster: string;
    readonly cookie: readonly string[];
    readonly clientCookie: readonly string[];
    readonly role: Key["role"];
  },
): Promise<readonly Key[]> {
  const { cluster, cookie, clientCookie, role } = options;
  const keysFrom = async (
    secrets: readonly string[],
    id: string,
    of: Key["role"],
  ): Promise<readonly Key[]> => {
    const keys: Key[] = [];
    for (const secret of secrets) {
      keys.push({ id, bytes: await deriveKey(crypto, secret, cluster), role: of });
    }
    return keys;
  };
  const ofNodes = await keysFrom(cookie, "", "node");
  const ofClients = await keysFrom(clientCookie, CLIENT_KEY, "client");
  return role === "client" ? [...ofClients, ...ofNodes] : [...ofNodes, ...ofClients];
}

/**
 * Cryptography for the handshake where there is no Node. The host's WebCrypto has no scrypt, answers
 * only later, and is missing in pages that came over plain http.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { HandshakeCrypto } from "./secret.js";

export const portableCrypto: HandshakeCrypto = Object.freeze({
  randomBytes: (count: number) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
  hmac: (key: Uint8Array, message: Uint8Array) => hmac(sha256, key, message),
  equal: (a: Uint8Array, b: Uint8Array) => {
    if (a.length !== b.length) return false;
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
    return difference === 0;
  },
  scrypt: (password: Uint8Array, salt: Uint8Array, cost: number, length: number) =>
    scryptAsync(password, salt, { N: cost, r: 8, p: 1, dkLen: length }),
});

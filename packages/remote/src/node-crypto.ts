/** The cryptography of Node, for the handshake. */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { HandshakeCrypto } from "./secret.js";

export const nodeCrypto: HandshakeCrypto = Object.freeze({
  randomBytes: (count: number) => new Uint8Array(randomBytes(count)),
  hmac: (key: Uint8Array, message: Uint8Array) =>
    new Uint8Array(createHmac("sha256", key).update(message).digest()),
  equal: (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b),
  scrypt: (password: Uint8Array, salt: Uint8Array, cost: number, length: number) =>
    new Promise<Uint8Array>((resolve, reject) => {
      // It needs 128 * r * cost bytes, which is just what Node refuses by default.
      const options = { N: cost, r: 8, p: 1, maxmem: 2 * 128 * 8 * cost };
      scrypt(password, salt, length, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key));
        else reject(error);
      });
    }),
});

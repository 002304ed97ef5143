/**
 * Hashes from which all choices of the strategies are made: of a seed and a key, never of a position
 * in a stream. What is unrelated to a key changes nothing about what it is worth.
 */

/** FNV-1a over the code units: 32 bits, the last of which know little of the first letters. */
export function fnv1a(text: string, salt = 0): number {
  let h = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

/** FNV-1a, then mixed: texts that differ in their last digit alone are far apart. An unsigned integer of 32 bits. */
export function hashText(text: string, salt = 0): number {
  return mix(fnv1a(text, salt));
}

/** What `seed` makes of a hash; `salt` separates uses of the same key. An unsigned integer of 32 bits. */
export function hashWith(seed: number, hash: number, salt = 0): number {
  const h = mix(hash ^ Math.imul(seed + 0x7f4a7c15, 0x9e3779b1));
  return mix(h ^ Math.imul(salt + 0x165667b1, 0x85ebca77));
}

/** The same as a number above 0 and below 1. */
export function unit(seed: number, hash: number, salt = 0): number {
  return (hashWith(seed, hash, salt) + 0.5) / 0x1_0000_0000;
}

/** The finaliser of MurmurHash3: each bit of the input moves about half of those of the output. */
export function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

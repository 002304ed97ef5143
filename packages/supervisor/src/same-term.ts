/** Equality of terms, as of Erlang's `=:=`: plain objects and arrays by what they hold, all else by identity. */

/** Terms may hold themselves, and be of any depth. */
export function isSameTerm(a: unknown, b: unknown): boolean {
  // Pairs that were or are to be compared: they count as equal, so that cycles end.
  const compared = new Map<unknown, unknown>();
  const pairs: [unknown, unknown][] = [[a, b]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [one, other] = pair;
    if (Object.is(one, other)) continue;
    if (!isPlain(one) || !isPlain(other) || Array.isArray(one) !== Array.isArray(other)) {
      return false;
    }
    if (compared.get(one) === other) continue;
    compared.set(one, other);
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(other, key)) return false;
      pairs.push([one[key], other[key]]);
    }
  }
  return true;
}

function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

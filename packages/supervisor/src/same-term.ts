/** Equality of terms, as of Erlang's `=:=`: plain objects and arrays by what they hold, all else by identity. */

export function isSameTerm(a: unknown, b: unknown): boolean {
  return areSame(a, b, new Map());
}

/** @param compared pairs that were or are being compared: they count as equal, so that cycles end */
function areSame(a: unknown, b: unknown, compared: Map<unknown, unknown>): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (compared.get(a) === b) return true;
  compared.set(a, b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && areSame(a[key], b[key], compared))
  );
}

function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

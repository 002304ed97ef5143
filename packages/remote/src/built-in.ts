/**
 * What a value really is: asked of the engine's own getters, which nobody can answer for it.
 */

const mapSize = getterOf(Map.prototype, "size");
const setSize = getterOf(Set.prototype, "size");
const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typedArrayName = getterOf(typedArrayPrototype, Symbol.toStringTag);
const typedArrayLength = getterOf(typedArrayPrototype, "length");

/** The name of the typed array that it is; `undefined` for what is none, a `DataView` included. */
export function nameOfTypedArray(value: object): string | undefined {
  const name = typedArrayName.call(value);
  return typeof name === "string" ? name : undefined;
}

/** How many elements a typed array has, whatever it says. */
export function lengthOfTypedArray(value: object): unknown {
  return typedArrayLength.call(value);
}

export function isMap(value: object): value is ReadonlyMap<unknown, unknown> {
  return answers(mapSize, value);
}

export function isSet(value: object): value is ReadonlySet<unknown> {
  return answers(setSize, value);
}

export function isDate(value: object): value is Date {
  return answers(Date.prototype.getTime, value);
}

/** The text, with half a surrogate pair replaced. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

/** Does the built-in accept it as one of its own? Those of other realms count. */
function answers(builtIn: (this: never) => unknown, value: object): boolean {
  try {
    builtIn.call(value as never);
    return true;
  } catch {
    return false;
  }
}

function getterOf(prototype: object, key: PropertyKey): (this: unknown) => unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  if (get === undefined) throw new TypeError(`the host has no getter "${String(key)}"`);
  return get;
}

/** How many prototypes it has. */
export function chainLength(value: object): number {
  let length = 0;
  for (
    let at = Object.getPrototypeOf(value) as object | null;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    length++;
  }
  return length;
}

/** For people. */
export function className(value: object): string {
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  return typeof constructor === "function" && constructor.name !== ""
    ? constructor.name
    : "a class without a name";
}

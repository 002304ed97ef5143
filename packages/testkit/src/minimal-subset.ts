/**
 * The smallest part of a list that still does it.
 *
 * QuickXplain (Junker, AAAI 2004): with k elements needed out of n it asks about k · log2(n / k) times,
 * where delta debugging (Zeller and Hildebrandt, 2002) may ask k² times, and of several answers it finds
 * the one made of the earliest elements, however the others stand around them.
 */

/**
 * A subset of `elements` for which `holds` is true and none of whose elements can be left out.
 *
 * `holds` has to be true of all `elements`; it is never asked about them. If a superset of what
 * holds may fail to hold, the result still holds, and still no single element can be left out.
 */
export function minimalSubset<T>(
  elements: readonly T[],
  holds: (subset: readonly T[]) => boolean,
): readonly T[] {
  if (elements.length === 0 || holds([])) return [];
  const found = explain(elements, [], false, holds);
  // Without monotony the search may have been misled.
  return withoutSpare(holds(found) ? found : elements, holds);
}

/** Leaves out one element after the other, until none can be. */
export function withoutSpare<T>(
  elements: readonly T[],
  holds: (subset: readonly T[]) => boolean,
): readonly T[] {
  let kept = elements;
  for (let index = kept.length - 1; index >= 0; index--) {
    const rest = kept.filter((_, at) => at !== index);
    if (!holds(rest)) continue;
    kept = rest;
    // What was needed beside the one just left out may not be needed any more.
    index = kept.length;
  }
  return kept;
}

/** The part of `elements` that is needed beside `background`; `known` if that may be enough by itself. */
function explain<T>(
  elements: readonly T[],
  background: readonly T[],
  known: boolean,
  holds: (subset: readonly T[]) => boolean,
): readonly T[] {
  if (known && holds(background)) return [];
  if (elements.length === 1) return elements;
  const half = Math.ceil(elements.length / 2);
  const [early, late] = [elements.slice(0, half), elements.slice(half)];
  const neededLate = explain(late, [...background, ...early], true, holds);
  const neededEarly = explain(early, [...background, ...neededLate], neededLate.length > 0, holds);
  return [...neededEarly, ...neededLate];
}

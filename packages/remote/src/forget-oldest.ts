/** What is known of others, who may be as many as they like: so much of it is kept, and the oldest goes first. */

/** Forgets one when there are more than `most`, and tells whether it did. To be asked each time one is added. */
export function forgetOldest<K>(known: Map<K, unknown> | Set<K>, most: number): boolean {
  if (known.size <= most) return false;
  for (const oldest of known.keys()) {
    known.delete(oldest);
    break;
  }
  return true;
}

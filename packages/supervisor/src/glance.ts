/** Looking at what somebody else has sent: it may be a revoked proxy, or have getters that throw. */

/** What `look` returns; `undefined` when it throws, so that who sends such things harms nobody but himself. */
export function glance<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** The fields of an object that is no array, each looked at once. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return glance(() =>
    typeof value !== "object" || value === null || Array.isArray(value) ? undefined : { ...value },
  );
}

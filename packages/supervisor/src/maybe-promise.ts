/** What is there at once, or is promised: callbacks may be async, and those that are not cost no promise. */

/** What an async callback returns in place of a value. */
export type MaybePromise<T> = T | PromiseLike<T>;

/**
 * Does what follows, now or when the promise has settled. A promise of another kind is taken for no
 * more than its word: it is followed once, if it ever settles.
 */
export function whenSettled<T, R>(
  result: MaybePromise<T>,
  follow: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isThenable(result) ? settled(result).then(follow) : follow(result);
}

/** It, or a promise that follows it. */
export function settled<T>(promise: PromiseLike<T>): Promise<T> {
  return promise instanceof Promise ? promise : Promise.resolve(promise);
}

export function isThenable<T>(value: unknown): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function"
  );
}

/** Rejected promises that the host does not take for forgotten ones. */

/**
 * A promise that rejects with `error`. It has a handler before it rejects, so that the host's tracking
 * of unhandled rejections, which costs more than all the rest, is not set off.
 */
export function rejection(error: unknown): Promise<never> {
  let reject!: (error: unknown) => void;
  const promise = new Promise<never>((_resolve, fail) => (reject = fail));
  promise.catch(() => undefined);
  reject(error);
  return promise;
}

/**
 * Promises of calls, which notice whether they are awaited.
 *
 * A cycle of processes is a deadlock only when each of them waits. Whoever has merely sent its request,
 * and does other things before it awaits the reply, may well answer meanwhile.
 */

/** What is told of the promise of a call. */
export interface AwaitedCall {
  /** Its promise, or one derived from it, is awaited. */
  awaited(): void;
  /** It is left to callbacks: whoever made it may do other things meanwhile. */
  leftToCallbacks(): void;
}

/** In place of a call: a promise is being derived. */
const DERIVING = Symbol("deriving");

/** A promise like any other, but for what it tells of itself. */
export class CallPromise<T> extends Promise<T> {
  #call: AwaitedCall | typeof DERIVING | undefined = undefined;

  /** From now on `call` is told. */
  static observe(promise: CallPromise<unknown>, call: AwaitedCall): void {
    promise.#call = call;
  }

  /** It is awaited, although by callbacks. */
  static awaited(promise: CallPromise<unknown>): void {
    const call = promise.#call;
    if (call !== undefined && call !== DERIVING) call.awaited();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- promises have it, and this one listens
  override then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const call = this.#call;
    if (call === undefined || call === DERIVING) return super.then(fulfilled, rejected);
    // `Promise.race` and its like look as `await` does, and then come here.
    call.leftToCallbacks();
    this.#call = DERIVING;
    const derived = super.then(fulfilled, rejected) as CallPromise<A | B>;
    derived.#call = this.#call = call;
    return derived;
  }

  static {
    // `await` calls no method of a promise, but it looks here whether it has to wrap it.
    Object.defineProperty(this.prototype, "constructor", {
      configurable: true,
      get(this: CallPromise<unknown>): unknown {
        const call = #call in this ? this.#call : undefined;
        if (call === DERIVING) return CallPromise;
        if (call !== undefined) call.awaited();
        return Promise;
      },
    });
  }
}

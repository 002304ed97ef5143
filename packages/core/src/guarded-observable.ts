/**
 * Observables that no subscriber's error can hurt.
 *
 * rxjs throws what a subscriber throws into the host's event loop, which ends the program.
 */
import {
  Observable,
  Subscriber,
  type Observer,
  type Operator,
  type Subscription,
  type TeardownLogic,
} from "rxjs";
import type { Node } from "./node.js";
import { runtimeOf } from "./runtime-of.js";

/**
 * As `new Observable(subscribe)`, but what its subscribers throw becomes a `subscriberFailed` event of
 * `node`, as does an error that a subscriber has no handler for. That holds for what is piped from it,
 * too.
 */
export function guardedObservable<T>(
  node: Node,
  subscribe: (subscriber: Subscriber<T>) => TeardownLogic,
): Observable<T> {
  const runtime = runtimeOf(node);
  return new GuardedObservable<T>((error) => runtime.subscriberFailed(error), subscribe);
}

export class GuardedObservable<T> extends Observable<T> {
  readonly #onError: (error: unknown) => void;

  constructor(
    onError: (error: unknown) => void,
    subscribe?: (subscriber: Subscriber<T>) => TeardownLogic,
  ) {
    super(subscribe as (this: Observable<T>, subscriber: Subscriber<T>) => TeardownLogic);
    this.#onError = onError;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // What an operator subscribes with is chained to what subscribed to the operator, and has to stay so.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    return super.subscribe(guarded(this.#onError, observerOrNext, error, complete));
  }

  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new GuardedObservable<R>(this.#onError);
    lifted.source = this;
    lifted.operator = operator as Operator<unknown, R>;
    return lifted;
  }
}

export function guarded<T>(
  onError: (error: unknown) => void,
  observerOrNext: Partial<Observer<T>> | ((value: T) => void) | null | undefined,
  error: ((error: unknown) => void) | null | undefined,
  complete: (() => void) | null | undefined,
): Observer<T> {
  const observer: Partial<Observer<T>> =
    typeof observerOrNext === "function"
      ? { next: observerOrNext, ...(error && { error }), ...(complete && { complete }) }
      : (observerOrNext ?? {});
  const safely = (act: () => void): void => {
    try {
      act();
    } catch (thrown) {
      onError(thrown);
    }
  };
  return {
    next: (value) => safely(() => observer.next?.(value)),
    error: (failure: unknown) =>
      observer.error === undefined ? onError(failure) : safely(() => observer.error?.(failure)),
    complete: () => safely(() => observer.complete?.()),
  };
}

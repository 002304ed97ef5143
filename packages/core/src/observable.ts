/** Bridges between processes and rxjs. */
import { Observable, Subscription, type SchedulerAction, type SchedulerLike } from "rxjs";
import type { Body, HandlerSelf } from "./body.js";
import { ServerExitError } from "./errors.js";
import { isOrderly } from "./exit-reason.js";
import type { Node } from "./node.js";
import type { Pid } from "./pid.js";
import type { Self } from "./self.js";

/** What an Observable said, as plain data. */
export type Notification<T> =
  | { readonly type: "next"; readonly value: T }
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "complete" };

/**
 * Sends what an Observable says to the process, translated by `map`, as long as both live. Returns
 * the subscription, to end it earlier.
 */
export function fromObservable<T, M>(
  self: Self<M> | HandlerSelf<M>,
  source: Observable<T>,
  map: (notification: Notification<T>) => M,
): Subscription {
  const { pid, node } = self;
  const tell = (notification: Notification<T>): void => node.send(pid, map(notification));
  const subscription = source.subscribe({
    next: (value) => tell({ type: "next", value }),
    error: (error: unknown) => tell({ type: "error", error }),
    complete: () => tell({ type: "complete" }),
  });
  self.own(subscription, () => subscription.unsubscribe());
  return subscription;
}

/**
 * An Observable of what a process is told. Each subscription spawns a process that runs `subscribe`,
 * which makes others send to it; whatever arrives is emitted. Unsubscribing ends the process; when
 * it ends in order the Observable completes, else it fails with `ServerExitError`.
 */
export function toObservable<M>(
  node: Node,
  subscribe: (self: Self<M>) => void | PromiseLike<void>,
): Observable<M> {
  return new Observable<M>((subscriber) => {
    const relay: Body<M> = async (self) => {
      await subscribe(self);
      for (;;) subscriber.next(await self.receive());
    };
    const pid: Pid<M> = node.spawnOpt({ label: "toObservable" }, relay);
    void node.whenExited(pid).then((reason) => {
      if (isOrderly(reason)) subscriber.complete();
      else subscriber.error(new ServerExitError(String(pid), "subscribe", reason));
    });
    return () => node.exit(pid, "shutdown");
  });
}

/** An rxjs scheduler on the node's clock: `timer`, `debounceTime`, … run in its time, virtual or not. */
export function schedulerOf(node: Node): SchedulerLike {
  return new NodeScheduler(node);
}

class NodeScheduler implements SchedulerLike {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  now(): number {
    return this.#node.now();
  }

  schedule<T>(
    work: (this: SchedulerAction<T>, state: T) => void,
    delayMs = 0,
    state?: T,
  ): Subscription {
    return new NodeAction(this.#node, work).schedule(state, delayMs);
  }
}

/** One piece of work, which may schedule itself again. Each run is a process of the node. */
class NodeAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #node: Node;
  readonly #work: (this: SchedulerAction<T>, state: T) => void;

  constructor(node: Node, work: (this: SchedulerAction<T>, state: T) => void) {
    super();
    this.#node = node;
    this.#work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    const run: Body<never> = async (self) => {
      await self.sleep(Math.max(0, delayMs));
      if (!this.closed) this.#work.call(this, state as T);
    };
    const pid = this.#node.spawnOpt({ label: "rxjs action" }, run);
    this.add(() => this.#node.exit(pid, "shutdown"));
    return this;
  }
}

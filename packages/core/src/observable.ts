/** Bridges between processes and rxjs. */
import { Subscription, type Observable, type SchedulerAction, type SchedulerLike } from "rxjs";
import { checkFunction } from "./check.js";
import type { Body, HandlerSelf } from "./body.js";
import { crashProcess } from "./crash-process.js";
import { InvalidArgumentError, ServerExitError } from "./errors.js";
import { isOrderly } from "./exit-reason.js";
import { guardedObservable } from "./guarded-observable.js";
import type { Node } from "./node.js";
import type { AnyPid, Pid } from "./pid.js";
import type { Self } from "./self.js";

/** What an Observable said, as plain data. */
export type Notification<T> =
  | { readonly type: "next"; readonly value: T }
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "complete" };

/**
 * Sends what an Observable says to the process, translated by `map`, as long as both live. Returns
 * the subscription, to end it earlier.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function fromObservable<T, M>(
  self: Self<M> | HandlerSelf<M>,
  source: Observable<T>,
  map: (notification: Notification<T>) => M,
): Subscription {
  checkFunction("fromObservable: map", map);
  if (typeof (source as { subscribe?: unknown } | null)?.subscribe !== "function") {
    throw new InvalidArgumentError("fromObservable: source", "an Observable", source);
  }
  const { pid, node } = self;
  const subscription = new Subscription();
  // Before anything is subscribed to: a dead process owns nothing.
  self.own(subscription, () => subscription.unsubscribe());
  subscription.add(() => {
    if (node.isAlive(pid)) self.disown(subscription);
  });
  const tell = (notification: Notification<T>): void => {
    try {
      node.send(pid, map(notification));
    } catch (error) {
      subscription.unsubscribe();
      crashProcess(node, pid, error, "mapping a notification to a message");
    }
  };
  const inner = source.subscribe({
    next: (value) => tell({ type: "next", value }),
    error: (error: unknown) => tell({ type: "error", error }),
    complete: () => tell({ type: "complete" }),
  });
  subscription.add(inner);
  return subscription;
}

/**
 * An Observable of what a process is told. Each subscription spawns a process that runs `subscribe`,
 * which makes others send to it; whatever arrives is emitted. Unsubscribing ends the process; when
 * it ends in order the Observable completes, else it fails with `ServerExitError`. What a subscriber
 * throws becomes a `subscriberFailed` event.
 *
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function toObservable<M>(
  node: Node,
  subscribe: (self: Self<M>) => void | PromiseLike<void>,
): Observable<M> {
  checkNode("toObservable: node", node);
  checkFunction("toObservable: subscribe", subscribe);
  return guardedObservable<M>(node, (subscriber) => {
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

/**
 * An rxjs scheduler on the node's clock: `timer`, `debounceTime`, … run in its time, virtual or not.
 *
 * @throws InvalidArgumentError `node` is no node
 */
export function schedulerOf(node: Node): SchedulerLike {
  checkNode("schedulerOf: node", node);
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
    checkFunction("schedule: work", work);
    return new NodeAction(this.#node, work).schedule(state, delayMs);
  }
}

/** One piece of work, which may schedule itself again. Each run is a process of the node. */
class NodeAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #node: Node;
  readonly #work: (this: SchedulerAction<T>, state: T) => void;
  #pending: AnyPid | undefined;

  constructor(node: Node, work: (this: SchedulerAction<T>, state: T) => void) {
    super(() => this.#withdraw());
    this.#node = node;
    this.#work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (typeof delayMs !== "number" || Number.isNaN(delayMs)) {
      throw new InvalidArgumentError("schedule: delay", "a number of milliseconds", delayMs);
    }
    if (this.closed) return this;
    this.#withdraw();
    const run: Body<never> = async (self) => {
      await self.sleep(Math.max(0, delayMs));
      // From here on it is this run that schedules the next, or unsubscribes.
      this.#pending = undefined;
      this.#work.call(this, state as T);
    };
    this.#pending = this.#node.spawnOpt({ label: "rxjs action" }, run);
    return this;
  }

  #withdraw(): void {
    if (this.#pending !== undefined) this.#node.exit(this.#pending, "shutdown");
    this.#pending = undefined;
  }
}

function checkNode(argument: string, value: unknown): void {
  if (typeof (value as { spawnOpt?: unknown } | null)?.spawnOpt !== "function") {
    throw new InvalidArgumentError(argument, "a node made by createNode", value);
  }
}

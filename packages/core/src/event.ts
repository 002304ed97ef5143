/** What observers of a node see: an rxjs Observable that no subscriber's error can hurt. */
import { Observable, Subscriber, type Observer, type Operator, type Subscription } from "rxjs";
import type { CrashReport } from "./crash-report.js";
import type { ExitReason } from "./exit-reason.js";
import { guarded, GuardedObservable } from "./guarded-observable.js";
import type { AnyPid } from "./pid.js";
import type { Report } from "./report.js";

/** What goes on in a node. */
export type NodeEvent =
  | {
      readonly type: "spawned";
      readonly pid: AnyPid;
      readonly parent: AnyPid;
      readonly initialCall: string;
    }
  | { readonly type: "exited"; readonly pid: AnyPid; readonly reason: ExitReason }
  /** A process ended by an error of its own. `watched`: a monitor, or a link that traps, was told. */
  | { readonly type: "crashed"; readonly report: CrashReport; readonly watched: boolean }
  /** A process has something to tell: see `Self.report`. */
  | { readonly type: "report"; readonly from: AnyPid; readonly report: Report }
  | { readonly type: "registered"; readonly name: string; readonly pid: AnyPid }
  | { readonly type: "unregistered"; readonly name: string; readonly pid: AnyPid }
  /** A process tried to take a name that another holds. */
  | {
      readonly type: "nameTaken";
      readonly name: string;
      readonly pid: AnyPid;
      readonly holder: AnyPid;
    }
  /**
   * A message that nobody will handle. `alias`: it came too late; `overflow`: the mailbox was full;
   * `unhandled`: it was taken by a process that has no use for it; `unsendable`: it cannot travel to another
   * node, or is more than that node takes, which `error` says, and whoever sent it could not be told.
   */
  | {
      readonly type: "undelivered";
      readonly to: AnyPid;
      readonly from: AnyPid;
      readonly message: unknown;
      readonly why:
        | "dead"
        | "alias"
        | "overflow"
        | "noconnection"
        | "unregistered"
        | "unhandled"
        | "unsendable";
      readonly error?: unknown;
    }
  /** The mailbox reached its high-water mark; told again at each doubling. */
  | { readonly type: "highWater"; readonly pid: AnyPid; readonly size: number }
  /** Declared dead although its code has not ended: it still waits for `unwindMs`-long on something foreign. */
  | {
      readonly type: "zombie";
      readonly pid: AnyPid;
      readonly label: string | undefined;
      readonly unwindMs: number;
    }
  /** A dead process attempted `operation`; it had no effect. `count` is how often by now. */
  | {
      readonly type: "fenced";
      readonly pid: AnyPid;
      readonly operation: string;
      readonly count: number;
    }
  /**
   * The event loop was held for `blockedMs`: by `pid`, or by one of `suspects` when more than one ran. Where
   * the clock tells, `cpuMs` is for how long the program computed meanwhile, at the most. When that is much
   * less, all of it was stopped or starved (a signal, a debugger, a machine that slept or is busy), or a suspect
   * waited synchronously.
   */
  | {
      readonly type: "blocked";
      readonly blockedMs: number;
      readonly cpuMs?: number;
      readonly pid: AnyPid | undefined;
      readonly suspects: readonly AnyPid[];
    }
  /** A process's clean-up failed: a disposer, or its own code while it unwound. It ended all the same. */
  | {
      readonly type: "disposerFailed" | "unwindFailed";
      readonly pid: AnyPid;
      readonly error: unknown;
    }
  /** A subscriber of `node.events` threw. */
  | { readonly type: "subscriberFailed"; readonly error: unknown }
  /** A connection with another node is there: what is sent to it arrives. */
  | { readonly type: "nodeUp"; readonly node: string; readonly incarnation: number }
  /**
   * The connection with it is lost. All links and monitors across it are being told `noconnection`; its
   * processes may be alive.
   */
  | { readonly type: "nodeDown"; readonly node: string; readonly incarnation: number }
  | { readonly type: "stopping"; readonly processes: number }
  | { readonly type: "stopped"; readonly killed: readonly AnyPid[] };

/** That one which there may be a million of in a second, each with a message in it: see `MessageSignal`. */
export class UndeliveredEvent {
  readonly type = "undelivered";
  readonly to: AnyPid;
  readonly from: AnyPid;
  readonly message: unknown;
  readonly why: Extract<NodeEvent, { type: "undelivered" }>["why"];
  declare readonly error?: unknown;

  constructor(
    to: AnyPid,
    from: AnyPid,
    message: unknown,
    why: UndeliveredEvent["why"],
    error: unknown,
  ) {
    this.to = to;
    this.from = from;
    this.message = message;
    this.why = why;
    if (error !== undefined) this.error = error;
  }
}

/**
 * The events of a node. An error thrown by a subscriber becomes a `subscriberFailed` event, where
 * rxjs alone would throw it into the host's event loop and end the program. That holds for what is
 * piped from it, too.
 */
export class NodeEvents extends Observable<NodeEvent> {
  readonly #observers = new Set<Observer<NodeEvent>>();
  #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    super((subscriber) => {
      if (this.#completed) {
        subscriber.complete();
        return undefined;
      }
      this.#observers.add(subscriber);
      return () => this.#observers.delete(subscriber);
    });
    this.#onError = onError;
  }

  #completed = false;
  #emitting = false;
  #current: NodeEvent | undefined;
  readonly #queue: NodeEvent[] = [];

  /** Whether anyone listens; events nobody sees are not even made. */
  get observed(): boolean {
    return this.#observers.size > 0;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<NodeEvent>> | ((event: NodeEvent) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // What an operator subscribes with is chained to what subscribed to the operator, and has to stay so.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    return super.subscribe(guarded(this.#onError, observerOrNext, error, complete));
  }

  override lift<R>(operator?: Operator<NodeEvent, R>): Observable<R> {
    const lifted = new GuardedObservable<R>(this.#onError);
    lifted.source = this;
    lifted.operator = operator as Operator<unknown, R>;
    return lifted;
  }

  /** For the node alone. All hear of all events in the same order, whatever a subscriber does meanwhile. */
  static emit(events: NodeEvents, event: NodeEvent): void {
    events.#queue.push(event);
    if (events.#emitting) return;
    events.#emitting = true;
    for (let next = events.#queue.shift(); next !== undefined; next = events.#queue.shift()) {
      events.#current = next;
      for (const observer of [...events.#observers]) observer.next(next);
    }
    events.#emitting = false;
    events.#current = undefined;
    if (events.#completed) events.#complete();
  }

  /** For the node alone: no more events will come. */
  static complete(events: NodeEvents): void {
    events.#completed = true;
    if (!events.#emitting) events.#complete();
  }

  /** For the node alone: what the subscribers are told just now. */
  static current(events: NodeEvents): NodeEvent | undefined {
    return events.#current;
  }

  #complete(): void {
    for (const observer of [...this.#observers]) observer.complete();
    this.#observers.clear();
  }
}

/**
 * A node's pending deadlines over its one host timer, and the timers that users set.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#send_after-3
 */
import type { LocalAddress } from "./address.js";
import { checkAddress, checkDelay, checkRef } from "./check.js";
import type { Clock } from "./clock.js";
import { InvalidArgumentError } from "./errors.js";
import { isRemoteName } from "./name.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";
import { TimerQueue, type Deadline } from "./timer-queue.js";
import { MessageTimer } from "./timer.js";

/** Hosts round delays to whole milliseconds, some down; nothing fires before its time. */
export class Timers {
  readonly #node: Runtime;
  readonly #clock: Clock;
  /** What is pending, where no scheduler decides. */
  #pending: TimerQueue | undefined = undefined;
  #handle: unknown;
  #handleAtMs = Infinity;
  #held = false;
  #closed = false;
  /** At the end of this turn it is seen whether timers are left. */
  #checking = false;
  #wake: (() => void) | undefined = undefined;
  #letGo: (() => void) | undefined = undefined;

  constructor(node: Runtime, clock: Clock) {
    this.#node = node;
    this.#clock = clock;
  }

  get size(): number {
    return this.#node.offers?.timers ?? this.#queue().size;
  }

  // No getter: V8 calls private ones by its slow way.
  #queue(): TimerQueue {
    return (this.#pending ??= new TimerQueue());
  }

  /** Arms a deadline `delayMs` from now, on behalf of `process` (or of the node); `Infinity` is never. */
  arm(deadline: Deadline, delayMs: number, process: Process | undefined): void {
    if (delayMs === Infinity || this.#closed) return;
    const atMs = this.#clock.now() + delayMs;
    const { offers } = this.#node;
    if (offers !== undefined) {
      deadline.atMs = atMs;
      offers.timer(deadline, process?.pid ?? this.#node.pid, this.#node);
      return;
    }
    this.#queue().add(deadline, atMs);
    this.#armHost();
  }

  /** Takes it back; `false` when it was not pending. */
  disarm(deadline: Deadline): boolean {
    const { offers } = this.#node;
    if (offers !== undefined) return offers.withdraw(deadline);
    const removed = this.#queue().remove(deadline);
    // The host's timer stays: the next call will want one, and setting it costs more than an idle wake-up.
    if (removed && this.#queue().size === 0 && !this.#checking) {
      this.#checking = true;
      this.#node.scheduler.afterTurn((this.#letGo ??= () => this.#letGoIfIdle()));
    }
    return removed;
  }

  isPending(deadline: Deadline): boolean {
    return deadline.place !== -1 || deadline.happening !== undefined;
  }

  leftMs(deadline: Deadline): number {
    return Math.max(0, Math.ceil(deadline.atMs - this.#clock.now()));
  }

  /** A timer aimed at a pid ends with the process. */
  forget(process: Process): void {
    for (let timer = process.timersToMe; timer !== undefined; timer = process.timersToMe) {
      this.#node.offers?.timerOver(timer.ownerPid);
      this.cancel(timer);
    }
  }

  cancel(timer: MessageTimer): boolean {
    timer.detach();
    Reference.retire(timer.ref);
    return this.disarm(timer);
  }

  /** Forgets all, and arms nothing any more. */
  close(): void {
    this.#closed = true;
    for (let first = this.#queue().first(); first !== undefined; first = this.#queue().first()) {
      this.#queue().remove(first);
    }
    if (this.#handle !== undefined) this.#clock.clear(this.#handle);
    this.#handle = undefined;
  }

  #armHost(): void {
    const first = this.#queue().first();
    if (first === undefined) return;
    if (first.atMs < this.#handleAtMs) {
      if (this.#handle !== undefined) this.#clock.clear(this.#handle);
      this.#handleAtMs = first.atMs;
      this.#wake ??= () => this.#fireDue();
      this.#handle = this.#clock.set(this.#wake, first.atMs - this.#clock.now());
      this.#held = true;
    } else this.#hold(true);
  }

  #letGoIfIdle(): void {
    this.#checking = false;
    if (this.#queue().size === 0) this.#hold(false);
  }

  /** An idle host timer must not keep the program alive. */
  #hold(held: boolean): void {
    if (this.#held === held || this.#handle === undefined) return;
    this.#held = held;
    this.#clock.hold?.(this.#handle, held);
  }

  #fireDue(): void {
    this.#handle = undefined;
    this.#handleAtMs = Infinity;
    const now = this.#clock.now();
    try {
      for (
        let first = this.#queue().first();
        first !== undefined && first.atMs <= now;
        first = this.#queue().first()
      ) {
        this.#queue().remove(first);
        first.fire();
      }
    } finally {
      // Whatever one of them has thrown: the others are still due.
      this.#armHost();
    }
  }
}

/**
 * Sets a timer that sends what `message` makes of its reference, once or every `everyMs`.
 *
 * @throws InvalidArgumentError the time is negative, or `to` is no address
 * @throws the router's error for a message to another node that can be sent to none
 */
export function startTimer(
  node: Runtime,
  owner: Process | undefined,
  operation: string,
  to: unknown,
  delayMs: number,
  message: (ref: Reference) => unknown,
  everyMs?: number,
): Reference {
  checkDelay(`${operation}: ms`, delayMs);
  if (everyMs === 0) throw new InvalidArgumentError(`${operation}: ms`, "greater than 0", delayMs);
  const address = checkAddress(`${operation}: to`, to);
  const timer = new MessageTimer(node, owner, address, message, everyMs);
  const aimedAt = address instanceof Reference ? (address.owner as ProcessId<Process>) : address;
  if (node.gateway !== undefined && isElsewhere(node, aimedAt)) {
    try {
      node.gateway.check(timer.message);
    } catch (error) {
      Reference.retire(timer.ref);
      throw error;
    }
  }
  if (ProcessId.is(aimedAt) && node.isLocal(aimedAt) && aimedAt !== node.pid) {
    const target = node.processOf(aimedAt);
    node.access(owner?.pid ?? node.pid, "alive", aimedAt, "read");
    if (target === undefined) {
      Reference.retire(timer.ref);
      return timer.ref;
    }
    timer.attach(target);
  }
  node.timers.arm(timer, delayMs, owner);
  return timer.ref;
}

function isElsewhere(node: Runtime, to: Exclude<LocalAddress, Reference>): boolean {
  if (ProcessId.is(to)) return !node.isLocal(to as ProcessId<Process>);
  return isRemoteName(to) && to.node !== node.name;
}

/** Returns the milliseconds that were left, or `false` when there is nothing to cancel. */
export function cancelTimer(node: Runtime, ref: Reference): number | false {
  const timer = pendingTimer(node, ref);
  if (timer === undefined) return false;
  const leftMs = node.timers.leftMs(timer);
  node.timers.cancel(timer);
  return leftMs;
}

export function readTimer(node: Runtime, ref: Reference): number | false {
  const timer = pendingTimer(node, ref);
  return timer === undefined ? false : node.timers.leftMs(timer);
}

function pendingTimer(node: Runtime, ref: unknown): MessageTimer | undefined {
  checkRef("timer", ref);
  node.offers?.timerAsked((ref as Reference).owner as ProcessId<Process>);
  const meaning = Reference.meaningOf(ref);
  // Another node of this realm has a queue of its own.
  if (!(meaning instanceof MessageTimer) || meaning.node !== node) return undefined;
  return node.timers.isPending(meaning) ? meaning : undefined;
}

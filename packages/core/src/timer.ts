/** A timer that sends a message, once or repeatedly. */
import type { LocalAddress } from "./address.js";
import { ProcessId } from "./pid.js";
import { placeOf, refuseThenable, timerFired } from "./post.js";
import type { Process } from "./process.js";
import { Reference, type TimerRef } from "./reference.js";
import type { Runtime } from "./runtime.js";
import { Deadline } from "./timer-queue.js";

/** What `startTimer` sends. OTP's `{timeout, TimerRef, Msg}`. */
export interface Timeout<T> {
  readonly type: "timeout";
  readonly timer: TimerRef;
  readonly message: T;
}

export class MessageTimer extends Deadline {
  readonly ref: Reference;
  readonly node: Runtime;
  readonly ownerPid: ProcessId<Process>;
  readonly #to: LocalAddress;
  readonly #message: unknown;
  readonly #everyMs: number | undefined;
  #target: Process | undefined;
  #next: MessageTimer | undefined;
  #previous: MessageTimer | undefined;

  constructor(
    node: Runtime,
    owner: Process | undefined,
    to: LocalAddress,
    message: (ref: Reference) => unknown,
    everyMs: number | undefined,
  ) {
    super();
    this.node = node;
    this.ownerPid = owner === undefined ? node.pid : owner.pid;
    this.#to = to;
    this.#everyMs = everyMs;
    this.ref = new Reference(this.ownerPid, node.nextSerial(), this);
    // A copy of what it is now, under `clone`; an interval makes another for each message.
    const sent = message(this.ref);
    if (typeof sent === "object" && sent !== null) refuseThenable(sent);
    this.#message = node.prepare(sent);
  }

  /** Ends with this process from now on. */
  attach(target: Process): void {
    this.#target = target;
    this.#next = target.timersToMe;
    if (this.#next !== undefined) this.#next.#previous = this;
    target.timersToMe = this;
  }

  detach(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    if (this.#next !== undefined) this.#next.#previous = this.#previous;
    if (this.#previous !== undefined) this.#previous.#next = this.#next;
    else target.timersToMe = this.#next;
    this.#next = this.#previous = undefined;
  }

  override fire(): void {
    const node = this.node;
    node.offers?.timerOver(this.ownerPid);
    // Had its target ended before, there would be nothing to fire.
    if (this.#target !== undefined) node.access(this.ownerPid, "alive", this.#target.pid, "read");
    if (this.#everyMs === undefined || !this.#ownerLives()) {
      this.detach();
      Reference.retire(this.ref);
    } else {
      // From when it was due, not from when it fired, so that it does not drift; what was missed is left out.
      const lateMs = node.timeMs() - this.atMs;
      const owner = ProcessId.processOf(this.ownerPid);
      node.timers.arm(this, this.#everyMs - (lateMs % this.#everyMs), owner);
    }
    if (this.#everyMs !== undefined && !this.#ownerLives()) return;
    try {
      const sent = this.#everyMs === undefined ? this.#message : node.prepare(this.#message);
      timerFired(node, this.ownerPid, this.#to, sent);
    } catch (error) {
      // Nobody waits for it to be sent who could be told, and other timers are due as well.
      const to = placeOf(node, this.#to, this.ownerPid);
      node.undelivered(to, this.#message, this.ownerPid, "unsendable", error);
    }
  }

  get message(): unknown {
    return this.#message;
  }

  override get content(): unknown {
    return ["message", this.#to, this.#message, this.#everyMs];
  }

  #ownerLives(): boolean {
    return this.ownerPid === this.node.pid || ProcessId.processOf(this.ownerPid) !== undefined;
  }
}

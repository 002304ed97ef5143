/** The timers of a state machine that run: which number of its engine is which timer of the node. */
import type { TimerRef } from "@coppice/core";
import type { BehaviourSelf } from "./behaviour.js";
import type { When } from "./statem-timeouts.js";

export class StateMachineTimers {
  readonly #self: BehaviourSelf;
  /** Those that run, by number, and the other way round. */
  readonly #timers = new Map<number, TimerRef>();
  readonly #numbers = new Map<TimerRef, number>();
  /** Those that were cancelled when they had fired: their messages are still to come. */
  readonly #late = new Set<TimerRef>();

  constructor(self: BehaviourSelf) {
    this.#self = self;
  }

  start(timer: number, when: When): void {
    const self = this.#self;
    const ms = "ms" in when ? when.ms : Math.max(0, when.atMs - self.now());
    const ref = self.startTimer(self.pid, ms, undefined);
    this.#timers.set(timer, ref);
    this.#numbers.set(ref, timer);
  }

  cancel(timer: number): void {
    const ref = this.#timers.get(timer);
    // The timer that has just fired is no more.
    if (ref === undefined) return;
    this.#timers.delete(timer);
    this.#numbers.delete(ref);
    if (this.#self.cancelTimer(ref) === false) this.#late.add(ref);
  }

  /** The message of a timer has come: its number, unless it was cancelled, or is of somebody else. */
  fired(ref: TimerRef): number | "cancelled" | undefined {
    const timer = this.#numbers.get(ref);
    if (timer === undefined) return this.#late.delete(ref) ? "cancelled" : undefined;
    this.#numbers.delete(ref);
    this.#timers.delete(timer);
    return timer;
  }
}

/**
 * The timeouts of calls.
 *
 * Nearly all calls are answered before the event loop has turned once, and never need a timer; those
 * that are older get one. That makes their timeouts late by what is left of the turn, and never early.
 */
import type { Scheduler } from "./scheduler.js";

/** A call that may take only so long. */
export interface LimitedCall {
  /** It still waits for its reply. */
  readonly active: boolean;
  /** From now on its time runs. */
  startLimit(): void;
}

export class CallLimits {
  readonly #scheduler: Scheduler;
  #young: LimitedCall[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The call has begun. */
  add(call: LimitedCall): void {
    if (this.#young.push(call) === 1) this.#scheduler.afterTurn(this.#turned);
  }

  readonly #turned = (): void => {
    const young = this.#young;
    this.#young = [];
    for (const call of young) if (call.active) call.startLimit();
  };
}

/**
 * Turns: how processes share the host's event loop with its timers and I/O, and who held it too long.
 *
 * The host's microtask queue is the run queue. It would run for ever while processes talk, so their
 * work is counted against a budget; when it is used up, and `turnMs` have passed, what would run next
 * waits until the event loop has turned.
 */
import type { Clock } from "./clock.js";
import { startProcess, runHandler } from "./run.js";
import type { Process } from "./process.js";
import type { Scheduler } from "./scheduler.js";
import type { AnyPid } from "./pid.js";

export interface Fairness {
  /** For how long processes may keep the event loop before timers and I/O get a turn. */
  readonly turnMs: number;
  /** From how long on a `blocked` event names who held the event loop; `Infinity` for never. */
  readonly blockedMs: number;
}

/** Time is looked at about this often; looking costs as much as sending a message. */
const SAMPLE_MS = 0.1;
const MAX_BATCH = 1024;

type Wake = (value: unknown) => void;

export class Turn {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #fairness: Fairness;
  readonly #onBlocked: (blockedMs: number, suspects: AnyPid[]) => void;
  /** How much may still be done before the clock is looked at. */
  #budget: number;
  #batch = 1;
  #startMs: number;
  #sampleMs: number;
  /** The end of this turn is arranged for. */
  #ending = false;
  /** The event loop has to turn first. */
  #yielding = false;

  readonly #ready: Process[] = [];
  #readyHead = 0;
  #readyTail = 0;
  #draining = false;
  /** A wake and its value by turns. */
  #deferred: unknown[] = [];
  readonly #drain = (): void => this.#runReady();
  readonly #turned = (): void => this.#begin();

  /** Who ran since the clock was looked at, as far as it is remembered. */
  readonly #recent: Process[] = [];
  #ran = 0;
  #beat: unknown;

  constructor(
    clock: Clock,
    scheduler: Scheduler,
    fairness: Fairness,
    onBlocked: (blockedMs: number, suspects: AnyPid[]) => void,
  ) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#fairness = fairness;
    this.#onBlocked = onBlocked;
    // A scheduler that decides everything decides this as well.
    this.#budget = scheduler.offer === undefined ? 0 : Infinity;
    this.#startMs = this.#sampleMs = clock.now();
    if (fairness.blockedMs < Infinity) this.#startBeat();
  }

  /** Nothing waits for the event loop or stands in the run queue. */
  get idle(): boolean {
    return !this.#draining && this.#deferred.length === 0 && !this.#yielding;
  }

  /** Lets a waiting process go on with `value`, now or in the next turn. */
  resume(wake: Wake, value: unknown): void {
    if (--this.#budget > 0 || !this.#spent()) wake(value);
    else this.#deferred.push(wake, value);
  }

  /** `true` while the process may go on at once; else it has to `resume` later. */
  mayGoOn(): boolean {
    return --this.#budget > 0 || !this.#spent();
  }

  later(wake: Wake, value: unknown): void {
    this.#deferred.push(wake, value);
  }

  /** The process has something to do: it starts, or handles messages. */
  ready(process: Process): void {
    if (process.queued || process.busy) return;
    process.queued = true;
    this.#ready[this.#readyTail++] = process;
    if (this.#draining) return;
    this.#draining = true;
    this.#scheduler.soon(this.#drain);
  }

  /** This process has just had the event loop; who holds it too long is found among these. */
  ran(process: Process): void {
    this.#recent[this.#ran++ & 15] = process;
  }

  close(): void {
    if (this.#beat !== undefined) this.#clock.clear(this.#beat);
    this.#beat = undefined;
  }

  #runReady(): void {
    const ready = this.#ready;
    while (this.#readyHead < this.#readyTail) {
      if (this.#yielding) return;
      const process = ready[this.#readyHead] as Process;
      ready[this.#readyHead++] = undefined as never;
      if (this.#readyHead >= 1024 && this.#readyHead * 2 > this.#readyTail) {
        ready.splice(0, this.#readyHead);
        this.#readyTail -= this.#readyHead;
        this.#readyHead = 0;
      }
      process.queued = false;
      if (process.life !== "alive") continue;
      if (process.started) runHandler(process, this);
      else startProcess(process, this);
    }
    this.#readyHead = this.#readyTail = 0;
    if (ready.length > 1024) ready.length = 0;
    this.#draining = false;
  }

  /** The budget is used up: is the time, too? If so the event loop turns before anything else. */
  #spent(): boolean {
    if (this.#yielding) return true;
    const now = this.#clock.now();
    this.#sample(now);
    if (!this.#ending) {
      // The first work since the event loop turned.
      this.#ending = true;
      this.#startMs = now;
      this.#scheduler.afterTurn(this.#turned);
      return false;
    }
    if (now - this.#startMs < this.#fairness.turnMs) return false;
    this.#yielding = true;
    this.#budget = 0;
    return true;
  }

  #sample(now: number): void {
    const elapsed = now - this.#sampleMs;
    this.#sampleMs = now;
    const done = this.#batch - Math.max(0, this.#budget);
    this.#batch = Math.max(1, Math.min(MAX_BATCH, Math.round((done * SAMPLE_MS) / elapsed) || 1));
    this.#budget = this.#batch;
    // The beat looks at the clock this often when nobody else does, so an idle loop looks no older.
    if (elapsed > this.#fairness.blockedMs + this.#fairness.blockedMs / 4) {
      const suspects = this.#recent.map((process) => process.pid);
      this.#onBlocked(elapsed, [...new Set(suspects)]);
    }
    this.#recent.length = 0;
    this.#ran = 0;
  }

  #begin(): void {
    this.#ending = this.#yielding = false;
    this.#sample(this.#clock.now());
    const deferred = this.#deferred;
    this.#deferred = [];
    for (let i = 0; i < deferred.length; i += 2) this.resume(deferred[i] as Wake, deferred[i + 1]);
    if (this.#draining) this.#runReady();
  }

  #startBeat(): void {
    const { blockedMs } = this.#fairness;
    const beat = (): void => {
      this.#sample(this.#clock.now());
      arm();
    };
    const arm = (): void => {
      this.#beat = this.#clock.set(beat, blockedMs / 4);
      this.#clock.hold?.(this.#beat, false);
    };
    arm();
  }
}

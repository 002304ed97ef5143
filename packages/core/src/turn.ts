/**
 * Turns: how processes share the host's event loop with its timers and I/O, and who held it too long.
 *
 * The host's microtask queue is the run queue. It would run for ever while processes talk, so their
 * work is counted against a budget; when it is used up, and `turnMs` have passed, what would run next
 * queues up until the event loop has turned.
 */
import type { Clock } from "./clock.js";
import type { AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import { runProcess } from "./run.js";
import type { Runtime } from "./runtime.js";
import type { Scheduler } from "./scheduler.js";
import type { Deadline } from "./timer-queue.js";

/** Looking at the clock costs as much as sending a message, so it is done about this often. */
const SAMPLE_MS = 0.1;
/** How much may be done between two looks, should it suddenly become slow. */
const MAX_BATCH = 64;

/** How many messages the others take at the most before one that gave way goes on. */
const YIELD_SHARE = 256;
/** After so many microtasks in which no body took a message none is thought to have one waiting for it. */
const QUIET = 4;

/** A reply, or the end of a sleep, that waits for the event loop to turn. */
class Resumption {
  readonly #owner: Process | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #value: unknown;
  readonly #promise: Promise<unknown> | undefined;

  constructor(
    owner: Process | undefined,
    resolve: (value: unknown) => void,
    value: unknown,
    promise: Promise<unknown> | undefined,
  ) {
    this.#owner = owner;
    this.#resolve = resolve;
    this.#value = value;
    this.#promise = promise;
  }

  go(): void {
    const owner = this.#owner;
    // A process that has to exit meanwhile unwinds instead.
    if (owner === undefined || owner.life === "alive") this.#resolve(this.#value);
    else {
      // If its code does not wait for this, nobody is to blame for that.
      this.#promise?.catch(() => undefined);
      this.#resolve(owner.exitRejection());
    }
  }
}

export class Turn {
  readonly #clock: Clock;
  readonly #node: Runtime;
  readonly #scheduler: Scheduler;
  readonly #turnMs: number;
  readonly #blockedMs: number;
  readonly #enter: ((pid: AnyPid, run: () => void) => void) | undefined;
  /** How much may still be done before the clock is looked at. */
  #budget: number;
  #batch = 1;
  #startMs: number;
  #sampleMs: number;
  /** The end of this turn is arranged for. */
  #ending = false;
  /** The event loop has to turn first. */
  #yielding = false;

  /** How many messages were taken out of mailboxes by `receive`. */
  #taken = 0;

  readonly #ready: (Process | Resumption | undefined)[] = [];
  #readyHead = 0;
  #readyTail = 0;
  /** A run of the queue is arranged for, or under way. */
  #draining = false;
  #drain: (() => void) | undefined = undefined;
  #turned: (() => void) | undefined = undefined;

  /** Who ran since the clock was looked at, as far as it is remembered; nobody when nobody is to be blamed. */
  readonly #recent: Process[] | undefined;
  #ran = 0;
  /** What the CPU time was at the last beat: asking for it costs too much to do it as often as for the time. */
  #cpuMs: number | undefined = undefined;
  #beat: unknown;

  /**
   * @param turnMs for how long processes may keep the event loop before timers and I/O get a turn
   * @param blockedMs from how long on a `blocked` event names who held the event loop; `Infinity` for never
   */
  constructor(
    node: Runtime,
    clock: Clock,
    turnMs: number,
    blockedMs: number,
    enter: ((pid: AnyPid, run: () => void) => void) | undefined,
  ) {
    const { scheduler } = node;
    this.#node = node;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#turnMs = turnMs;
    this.#blockedMs = blockedMs;
    this.#enter = enter;
    this.#recent = blockedMs < Infinity ? [] : undefined;
    // A scheduler that decides everything decides this as well.
    this.#budget = scheduler.offer === undefined ? 0 : Infinity;
    this.#startMs = this.#sampleMs = clock.now();
    if (blockedMs < Infinity) this.#startBeat();
  }

  /** One more piece of work: `true` when it may be done now, else it has to queue up. */
  mayGoOn(): boolean {
    return --this.#budget > 0 || !this.#spent();
  }

  /** Ends a wait of `owner` (or of code outside any process), now or in the next turn. */
  resume(
    owner: Process | undefined,
    resolve: (value: unknown) => void,
    value: unknown,
    promise?: Promise<unknown>,
  ): void {
    if (owner !== undefined) this.ran(owner);
    if (--this.#budget > 0 || !this.#spent()) resolve(value);
    else this.#queue(new Resumption(owner, resolve, value, promise));
  }

  /** A process has taken a message that was waiting for it. */
  took(): void {
    this.#taken++;
  }

  /**
   * Ends a wait once the others have taken what waits for them, or their share of it, at the latest when
   * the event loop has turned. A body takes one message per microtask: a sender that gave way for only
   * one of them would fill its mailbox although it gives way.
   */
  giveWay(wait: Deadline): void {
    let taken = this.#taken;
    const share = taken + YIELD_SHARE;
    let quiet = 0;
    const look = (): void => {
      quiet = this.#taken === taken ? quiet + 1 : 0;
      taken = this.#taken;
      if (quiet === QUIET || taken >= share || this.#yielding) wait.fire();
      else this.#scheduler.soon(look);
    };
    this.#scheduler.soon(look);
  }

  /** The process has something to do: it starts, handles messages, or looks into its mailbox again. */
  ready(process: Process): void {
    if (process.queued || (process.busy && process.wake === undefined)) return;
    process.queued = true;
    this.#queue(process);
  }

  /** Lets a process do what it is ready for. */
  run(process: Process): void {
    if (this.#enter === undefined) runProcess(process, this);
    else this.#enter(process.pid, () => runProcess(process, this));
  }

  /** This process has just had the event loop; who holds it too long is found among these. */
  ran(process: Process): void {
    if (this.#recent !== undefined) this.#recent[this.#ran++ & 15] = process;
  }

  close(): void {
    if (this.#beat !== undefined) this.#clock.clear(this.#beat);
    this.#beat = undefined;
  }

  #queue(item: Process | Resumption): void {
    this.#ready[this.#readyTail++] = item;
    if (this.#draining) return;
    this.#draining = true;
    this.#scheduler.soon((this.#drain ??= this.#makeDrain()));
  }

  /**
   * By a method: V8 counts a function that is assigned to a property as it is written among what lasts, and all
   * that it reaches, a whole simulated node, would outlive many collections of garbage.
   */
  #makeDrain(): () => void {
    return () => this.#runReady();
  }

  #runReady(): void {
    const ready = this.#ready;
    while (this.#readyHead < this.#readyTail) {
      if (!this.mayGoOn()) return;
      const item = ready[this.#readyHead] as Process | Resumption;
      ready[this.#readyHead++] = undefined;
      if (this.#readyHead >= 1024 && this.#readyHead * 2 > this.#readyTail) {
        ready.splice(0, this.#readyHead);
        this.#readyTail -= this.#readyHead;
        this.#readyHead = 0;
      }
      if (item instanceof Resumption) item.go();
      else {
        item.queued = false;
        if (item.life === "alive") this.run(item);
      }
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
      this.#scheduler.afterTurn((this.#turned ??= () => this.#begin()));
      return false;
    }
    if (now - this.#startMs < this.#turnMs) return false;
    this.#yielding = true;
    this.#budget = 0;
    return true;
  }

  /** The event loop has turned. */
  #begin(): void {
    this.#ending = this.#yielding = false;
    this.#budget = 0;
    if (this.#draining) this.#runReady();
  }

  #sample(now: number): void {
    const elapsed = now - this.#sampleMs;
    this.#sampleMs = now;
    // More only step by step: a clock may stand still for as long as its grain.
    this.#batch =
      elapsed < SAMPLE_MS
        ? Math.min(MAX_BATCH, this.#batch * 2)
        : Math.max(1, Math.floor((this.#batch * SAMPLE_MS) / elapsed));
    this.#budget = this.#batch;
    // The beat looks at the clock this often when nobody else does, so an idle loop looks no older.
    const recent = this.#recent;
    if (recent === undefined) return;
    if (elapsed > this.#blockedMs + this.#blockedMs / 4) {
      const suspects = recent.map((process) => process.pid);
      this.#node.blocked(elapsed, this.#computedMs(), [...new Set(suspects)]);
    }
    recent.length = 0;
    this.#ran = 0;
  }

  /** For how long the program has computed since this was asked last; `undefined` where nobody can tell. */
  #computedMs(): number | undefined {
    const before = this.#cpuMs;
    this.#cpuMs = this.#clock.cpuMs?.();
    return this.#cpuMs === undefined || before === undefined ? undefined : this.#cpuMs - before;
  }

  #startBeat(): void {
    const blockedMs = this.#blockedMs;
    this.#computedMs();
    const beat = (): void => {
      this.#sample(this.#clock.now());
      this.#computedMs();
      arm();
    };
    const arm = (): void => {
      this.#beat = this.#clock.set(beat, blockedMs / 4);
      this.#clock.hold?.(this.#beat, false);
    };
    arm();
  }
}

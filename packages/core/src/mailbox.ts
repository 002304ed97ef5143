/**
 * Mailboxes: messages in order of arrival, taken selectively.
 *
 * OTP: https://www.erlang.org/doc/system/expressions.html#receive
 */
import type { AnyPid } from "./pid.js";
import type { Ref } from "./reference.js";

/** Where a message came from: its sender, or the monitor whose `Down` it is. */
export type Origin = AnyPid | Ref;

/** What to do with a message that finds the mailbox full. */
export type Overflow = "drop-newest" | "drop-oldest" | "exit";

export interface MailboxOptions {
  /** How many messages it holds at the most; unbounded by default, as in OTP. */
  readonly limit?: number;
  /** What happens to a message too many; `"drop-newest"` by default: the arriving one is lost. */
  readonly overflow?: Overflow;
  /** From how many messages on a `highWater` event tells of it; again at each doubling. Default 10 000. */
  readonly highWater?: number;
}

/** The place of a message that was taken from the middle. */
const TAKEN: unique symbol = Symbol("taken");

/** Slots of the first chunk, and of the others. A message takes two. */
const FIRST_CHUNK = 16;
const CHUNK = 512;

interface Chunk {
  /** A message and its origin by turns, so that an undelivered message can name its sender and a flush find its `Down`. */
  readonly slots: unknown[];
  next: Chunk | undefined;
}

/**
 * The queue: a chain of chunks, read from a moving head. Taking from the middle leaves a mark, which
 * is swept when marks are the greater part.
 */
export class Mailbox {
  #first: Chunk = newChunk(FIRST_CHUNK);
  #last: Chunk = this.#first;
  /** Next slot to read, in the first chunk. */
  #head = 0;
  /** Next slot to write, in the last chunk. */
  #tail = 0;
  #size = 0;
  /** Marks between head and tail. */
  #taken = 0;

  get size(): number {
    return this.#size;
  }

  push(message: unknown, origin: Origin): void {
    let { slots } = this.#last;
    if (this.#tail === slots.length) {
      this.#last = this.#last.next = newChunk(CHUNK);
      this.#tail = 0;
      slots = this.#last.slots;
    }
    slots[this.#tail] = message;
    slots[this.#tail + 1] = origin;
    this.#tail += 2;
    this.#size++;
  }

  /** Takes the oldest message. Only when `size` is not 0. */
  shift(): unknown {
    for (;;) {
      const { slots } = this.#first;
      const head = this.#head;
      const message = slots[head];
      slots[head] = slots[head + 1] = undefined;
      if (head + 2 === slots.length && this.#first.next !== undefined) {
        this.#first = this.#first.next;
        this.#head = 0;
      } else this.#head = head + 2;
      if (message === TAKEN) {
        this.#taken--;
        continue;
      }
      if (--this.#size === 0) this.#reset();
      return message;
    }
  }

  /**
   * Takes the oldest message that `accepts` accepts, or returns `otherwise`. What `accepts` throws
   * is thrown, and the message stays.
   */
  take<T>(accepts: (message: unknown) => boolean, otherwise: T): unknown {
    let at = this.#head;
    for (let chunk: Chunk | undefined = this.#first; chunk !== undefined; chunk = chunk.next) {
      const { slots } = chunk;
      const end = chunk === this.#last ? this.#tail : slots.length;
      for (; at < end; at += 2) {
        const message = slots[at];
        if (message === TAKEN || !accepts(message)) continue;
        if (chunk === this.#first && at === this.#head) return this.shift();
        slots[at] = TAKEN;
        slots[at + 1] = undefined;
        this.#taken++;
        this.#size--;
        this.#sweep();
        return message;
      }
      at = 0;
    }
    return otherwise;
  }

  /** Removes what came from `origin`. */
  remove(origin: Origin): void {
    const entries = this.entries();
    const kept = entries.filter((entry) => entry[1] !== origin);
    if (kept.length < entries.length) this.#refill(kept);
  }

  /** All messages with their origins, oldest first. */
  entries(): [message: unknown, origin: Origin][] {
    const entries: [unknown, Origin][] = [];
    let at = this.#head;
    for (let chunk: Chunk | undefined = this.#first; chunk !== undefined; chunk = chunk.next) {
      const end = chunk === this.#last ? this.#tail : chunk.slots.length;
      for (; at < end; at += 2) {
        if (chunk.slots[at] !== TAKEN)
          entries.push([chunk.slots[at], chunk.slots[at + 1] as Origin]);
      }
      at = 0;
    }
    return entries;
  }

  /** Empty: one chunk serves the next burst from its start. */
  #reset(): void {
    this.#first = this.#last;
    this.#head = this.#tail = this.#taken = 0;
  }

  #sweep(): void {
    // Marks at the end go at once, so that taking the newest again and again leaves none.
    const { slots } = this.#last;
    const start = this.#last === this.#first ? this.#head : 0;
    while (this.#tail > start && slots[this.#tail - 2] === TAKEN) {
      this.#tail -= 2;
      slots[this.#tail] = undefined;
      this.#taken--;
    }
    if (this.#size === 0) this.#refill([]);
    else if (this.#taken > CHUNK && this.#taken > this.#size) this.#refill(this.entries());
  }

  #refill(entries: [unknown, Origin][]): void {
    this.#first = this.#last = newChunk(FIRST_CHUNK);
    this.#head = this.#tail = this.#size = this.#taken = 0;
    for (const [message, origin] of entries) this.push(message, origin);
  }
}

function newChunk(slots: number): Chunk {
  return { slots: new Array<unknown>(slots).fill(undefined), next: undefined };
}

/**
 * Mailboxes: messages in order of arrival, taken selectively.
 *
 * OTP: https://www.erlang.org/doc/system/expressions.html#receive
 */
import { isPid, type AnyPid } from "./pid.js";
import type { Ref } from "./reference.js";

/** Where a message came from: its sender, the monitor whose `Down` it is, or the end whose `Exit` it is. */
export type Origin = AnyPid | Ref | ExitOrigin;

/** The origin of an exit signal that was trapped. */
export class ExitOrigin {
  readonly from: AnyPid;

  constructor(from: AnyPid) {
    this.from = from;
  }
}

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

/** Slots of the first chunk, and of the others. A message takes two. */
const FIRST_CHUNK = 16;
const CHUNK = 512;

/** A part of the queue. What it holds stands between `start` and `end`. */
interface Chunk {
  /** A message and its origin by turns, so that an undelivered message can name its sender and a flush find its `Down`. */
  readonly slots: unknown[];
  start: number;
  end: number;
  next: Chunk | undefined;
  previous: Chunk | undefined;
}

/** The queue: a chain of chunks, of which none but a single one is empty. */
export class Mailbox {
  #first: Chunk = newChunk(FIRST_CHUNK, undefined);
  #last: Chunk = this.#first;
  #size = 0;
  /** Signals alone stand before this place; none when nothing was looked for yet. */
  #signalsEnd: { chunk: Chunk; at: number } | undefined = undefined;

  get size(): number {
    return this.#size;
  }

  push(message: unknown, origin: Origin): void {
    let chunk = this.#last;
    if (chunk.end === chunk.slots.length) chunk = this.#last = chunk.next = newChunk(CHUNK, chunk);
    chunk.slots[chunk.end] = message;
    chunk.slots[chunk.end + 1] = origin;
    chunk.end += 2;
    this.#size++;
  }

  /** Takes the oldest message. Only when `size` is not 0. */
  shift(): unknown {
    const chunk = this.#first;
    const { slots, start } = chunk;
    const message = slots[start];
    slots[start] = slots[start + 1] = undefined;
    chunk.start = start + 2;
    this.#size--;
    if (chunk.start === chunk.end) this.#dropEmpty(chunk);
    return message;
  }

  /**
   * Takes the oldest message that `accepts` accepts, or returns `otherwise`. What `accepts` throws
   * is thrown, and the message stays.
   */
  take<T>(accepts: (message: unknown) => boolean, otherwise: T): unknown {
    for (let chunk: Chunk | undefined = this.#first; chunk !== undefined; chunk = chunk.next) {
      for (let at = chunk.start; at < chunk.end; at += 2) {
        const message = chunk.slots[at];
        if (!accepts(message)) continue;
        this.#removeAt(chunk, at);
        return message;
      }
    }
    return otherwise;
  }

  /** Takes the oldest that a process sent, with its sender; signals stay, and are looked at once. */
  dropOldest(): [message: unknown, sender: AnyPid] | undefined {
    const from = this.#signalsEnd;
    let at = from?.at ?? 0;
    for (let chunk = from?.chunk ?? this.#first; ; chunk = chunk.next, at = 0) {
      for (at = Math.max(at, chunk.start); at < chunk.end; at += 2) {
        const sender = chunk.slots[at + 1] as Origin;
        if (!isPid(sender)) continue;
        const message = chunk.slots[at];
        this.#signalsEnd = { chunk, at };
        this.#removeAt(chunk, at);
        return [message, sender];
      }
      if (chunk.next === undefined) {
        this.#signalsEnd = { chunk, at };
        return undefined;
      }
    }
  }

  #removeAt(chunk: Chunk, at: number): void {
    closeGap(chunk, at);
    this.#size--;
    const signals = this.#signalsEnd;
    if (signals !== undefined && signals.chunk === chunk && at < signals.at) signals.at -= 2;
    if (chunk.start === chunk.end) this.#dropEmpty(chunk);
  }

  /** Removes what came from `origin`. */
  remove(origin: Origin): void {
    this.removeAll((other) => other === origin);
  }

  /** Removes what came from an origin that is `unwanted`. */
  removeAll(unwanted: (origin: Origin) => boolean): void {
    const entries = this.entries();
    const kept = entries.filter((entry) => !unwanted(entry[1]));
    if (kept.length === entries.length) return;
    this.#first = this.#last = newChunk(FIRST_CHUNK, undefined);
    this.#size = 0;
    this.#signalsEnd = undefined;
    for (const [message, from] of kept) this.push(message, from);
  }

  /** All messages with their origins, oldest first. */
  entries(): [message: unknown, origin: Origin][] {
    const entries: [unknown, Origin][] = [];
    for (let chunk: Chunk | undefined = this.#first; chunk !== undefined; chunk = chunk.next) {
      const { slots, start, end } = chunk;
      for (let at = start; at < end; at += 2) entries.push([slots[at], slots[at + 1] as Origin]);
    }
    return entries;
  }

  #dropEmpty(chunk: Chunk): void {
    const { previous, next } = chunk;
    const signals = this.#signalsEnd;
    if (previous === undefined && next === undefined) {
      // It serves the next burst from its start.
      chunk.start = chunk.end = 0;
      this.#signalsEnd = undefined;
      return;
    }
    if (previous === undefined) this.#first = next as Chunk;
    else previous.next = next;
    if (next === undefined) this.#last = previous as Chunk;
    else next.previous = previous;
    if (signals?.chunk !== chunk) return;
    if (next !== undefined) this.#signalsEnd = { chunk: next, at: 0 };
    else if (previous !== undefined) this.#signalsEnd = { chunk: previous, at: previous.end };
  }
}

/** Removes the message at `at` by moving those on its shorter side; at most half a chunk. */
function closeGap(chunk: Chunk, at: number): void {
  const { slots, start, end } = chunk;
  if (at - start <= end - 2 - at) {
    for (let to = at + 1; to > start + 1; to--) slots[to] = slots[to - 2];
    slots[start] = slots[start + 1] = undefined;
    chunk.start = start + 2;
  } else {
    for (let to = at; to < end - 2; to++) slots[to] = slots[to + 2];
    slots[end - 2] = slots[end - 1] = undefined;
    chunk.end = end - 2;
  }
}

function newChunk(slots: number, previous: Chunk | undefined): Chunk {
  const empty = new Array<unknown>(slots).fill(undefined);
  return { slots: empty, start: 0, end: 0, next: undefined, previous };
}

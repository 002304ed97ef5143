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

/** No message: any value can be one, so it is a value that nobody else has. */
export const NOTHING: unique symbol = Symbol("nothing");

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

/** How many messages the first chunk holds, and each of the others. */
const FIRST_CHUNK = 8;
const CHUNK = 256;

/** A part of the queue. What it holds stands between `start` and `end`. */
interface Chunk {
  readonly messages: unknown[];
  /** Where all of them came from; most often one process fills a chunk. */
  origin: Origin | undefined;
  /** Where each of them came from, once they differ. */
  origins: (Origin | undefined)[] | undefined;
  start: number;
  end: number;
  next: Chunk | undefined;
  previous: Chunk | undefined;
}

/**
 * The queue: one message in front, then a chain of chunks, of which none but a single one is empty. Each
 * message is kept with its origin, so that an undelivered one can name its sender and a flush find its
 * `Down`.
 */
export class Mailbox {
  /** The oldest message, if it came when the mailbox was empty: most mailboxes never hold a second. */
  #front: unknown = undefined;
  /** `undefined` when nothing is in front. */
  #frontOrigin: Origin | undefined = undefined;
  #first: Chunk | undefined = undefined;
  #last: Chunk | undefined = undefined;
  #size = 0;
  /** Signals alone stand in the chunks before this place; none when nothing was looked for yet. */
  #signalsEnd: { chunk: Chunk; at: number } | undefined = undefined;

  get size(): number {
    return this.#size;
  }

  push(message: unknown, origin: Origin): void {
    if (this.#size++ === 0) {
      this.#front = message;
      this.#frontOrigin = origin;
      return;
    }
    let chunk = this.#last;
    if (chunk === undefined || chunk.end === chunk.messages.length) chunk = this.#grow(chunk);
    const { end } = chunk;
    chunk.messages[end] = message;
    if (chunk.origin !== origin || chunk.origins !== undefined) noteOrigin(chunk, origin);
    chunk.end = end + 1;
  }

  /** Takes the oldest message. Only when `size` is not 0. */
  shift(): unknown {
    this.#size--;
    if (this.#frontOrigin !== undefined) return this.#takeFront();
    const chunk = this.#first as Chunk;
    const { messages, start } = chunk;
    const message = messages[start];
    messages[start] = undefined;
    if (chunk.origins !== undefined) chunk.origins[start] = undefined;
    chunk.start = start + 1;
    if (chunk.start === chunk.end) this.#dropEmpty(chunk);
    return message;
  }

  /**
   * Takes the oldest message that `accepts` accepts, or returns `otherwise`. What `accepts` throws
   * is thrown, and the message stays. Where `accepts` takes from this mailbox itself, what it took
   * is gone, and the others are asked about again.
   */
  take<T>(accepts: (message: unknown) => boolean, otherwise: T): unknown {
    const front = this.#front;
    if (this.#frontOrigin !== undefined && accepts(front)) {
      const isThere = this.#frontOrigin !== undefined && Object.is(this.#front, front);
      if (!isThere) return this.take(accepts, otherwise);
      this.#size--;
      return this.#takeFront();
    }
    for (let chunk = this.#first; chunk !== undefined; chunk = chunk.next) {
      for (let at = chunk.start; at < chunk.end; at++) {
        const message = chunk.messages[at];
        if (!accepts(message)) {
          if (chunk.next !== undefined || chunk === this.#last) continue;
          // It has taken what was left of this chunk, which is gone.
          return this.take(accepts, otherwise);
        }
        const isThere =
          at >= chunk.start && at < chunk.end && Object.is(chunk.messages[at], message);
        if (!isThere) return this.take(accepts, otherwise);
        this.#removeAt(chunk, at);
        return message;
      }
    }
    return otherwise;
  }

  /** Takes the oldest that a process sent, with its sender; signals stay, and are looked at once. */
  dropOldest(): [message: unknown, sender: AnyPid] | undefined {
    const front = this.#frontOrigin;
    if (isPid(front)) {
      this.#size--;
      return [this.#takeFront(), front];
    }
    const from = this.#signalsEnd;
    let at = from?.at ?? 0;
    for (let chunk = from?.chunk ?? this.#first; chunk !== undefined; chunk = chunk.next, at = 0) {
      for (at = Math.max(at, chunk.start); at < chunk.end; at++) {
        const sender = originAt(chunk, at);
        if (!isPid(sender)) continue;
        const message = chunk.messages[at];
        this.#signalsEnd = { chunk, at };
        this.#removeAt(chunk, at);
        return [message, sender];
      }
      this.#signalsEnd = { chunk, at };
    }
    return undefined;
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
    this.#front = this.#frontOrigin = this.#first = this.#last = this.#signalsEnd = undefined;
    this.#size = 0;
    for (const [message, from] of kept) this.push(message, from);
  }

  /** All messages with their origins, oldest first. */
  entries(): [message: unknown, origin: Origin][] {
    const entries: [unknown, Origin][] = [];
    if (this.#frontOrigin !== undefined) entries.push([this.#front, this.#frontOrigin]);
    for (let chunk = this.#first; chunk !== undefined; chunk = chunk.next) {
      for (let at = chunk.start; at < chunk.end; at++) {
        entries.push([chunk.messages[at], originAt(chunk, at)]);
      }
    }
    return entries;
  }

  #takeFront(): unknown {
    const message = this.#front;
    this.#front = this.#frontOrigin = undefined;
    return message;
  }

  #grow(last: Chunk | undefined): Chunk {
    const chunk: Chunk = {
      messages: new Array<unknown>(last === undefined ? FIRST_CHUNK : CHUNK).fill(undefined),
      origin: undefined,
      origins: undefined,
      start: 0,
      end: 0,
      next: undefined,
      previous: last,
    };
    if (last === undefined) this.#first = chunk;
    else last.next = chunk;
    this.#last = chunk;
    return chunk;
  }

  #removeAt(chunk: Chunk, at: number): void {
    this.#size--;
    closeGap(chunk, at);
    const signals = this.#signalsEnd;
    if (signals !== undefined && signals.chunk === chunk && at < signals.at) signals.at--;
    if (chunk.start === chunk.end) this.#dropEmpty(chunk);
  }

  #dropEmpty(chunk: Chunk): void {
    const { previous, next } = chunk;
    const signals = this.#signalsEnd;
    if (previous === undefined && next === undefined) {
      // It serves the next burst from its start.
      chunk.start = chunk.end = 0;
      chunk.origin = chunk.origins = undefined;
      this.#signalsEnd = undefined;
      return;
    }
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    // A chunk that is gone but not collected yet would keep all that follow it.
    chunk.next = chunk.previous = undefined;
    if (signals?.chunk !== chunk) return;
    if (next !== undefined) this.#signalsEnd = { chunk: next, at: 0 };
    else if (previous !== undefined) this.#signalsEnd = { chunk: previous, at: previous.end };
  }
}

function originAt(chunk: Chunk, at: number): Origin {
  return (chunk.origins === undefined ? chunk.origin : chunk.origins[at]) as Origin;
}

/** The message that is to stand at the end of the chunk came from `origin`, as not all before it did. */
function noteOrigin(chunk: Chunk, origin: Origin): void {
  const { start, end, messages } = chunk;
  if (start === end) {
    chunk.origin = origin;
    chunk.origins = undefined;
    return;
  }
  if (chunk.origins === undefined) {
    chunk.origins = new Array<Origin | undefined>(messages.length).fill(undefined);
    chunk.origins.fill(chunk.origin, start, end);
    chunk.origin = undefined;
  }
  chunk.origins[end] = origin;
}

/** Removes the message at `at` by moving those on its shorter side; at most half a chunk. */
function closeGap(chunk: Chunk, at: number): void {
  const { messages, origins, start, end } = chunk;
  if (at - start <= end - 1 - at) {
    moveUp(messages, start, at);
    if (origins !== undefined) moveUp(origins, start, at);
    chunk.start = start + 1;
  } else {
    moveDown(messages, at, end - 1);
    if (origins !== undefined) moveDown(origins, at, end - 1);
    chunk.end = end - 1;
  }
}

// Loops: `copyWithin` of engines is made for arrays with holes, and takes ten times as long.
function moveUp(list: unknown[], from: number, to: number): void {
  for (let at = to; at > from; at--) list[at] = list[at - 1];
  list[from] = undefined;
}

function moveDown(list: unknown[], from: number, to: number): void {
  for (let at = from; at < to; at++) list[at] = list[at + 1];
  list[to] = undefined;
}

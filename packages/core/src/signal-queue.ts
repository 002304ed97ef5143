/**
 * Signals under way, first in, first out.
 *
 * Signals are not sent on by recursion: a chain of a million links must not overflow the stack. While
 * one arrives, those it gives rise to queue up here.
 */
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Signal } from "./signal.js";

type LocalPid = ProcessId<Process>;

export interface Travelling {
  readonly from: LocalPid;
  readonly to: LocalPid;
  readonly signal: Signal;
  /** It has arrived, or was taken before its turn. */
  taken: boolean;
}

/** What travels from one process to one other. */
class Pair {
  readonly #entries: Travelling[] = [];
  /** How many of them are known to be taken. */
  #head = 0;
  /** Place of the last exit signal; -1 for none. */
  #lastExit = -1;

  push(entry: Travelling): void {
    if (entry.signal.type === "exit") this.#lastExit = this.#entries.length;
    this.#entries.push(entry);
  }

  take(what: "exits" | "all"): Travelling[] {
    const end = what === "all" ? this.#entries.length : this.#lastExit + 1;
    const taken: Travelling[] = [];
    for (; this.#head < end; this.#head++) {
      const entry = this.#entries[this.#head] as Travelling;
      if (!entry.taken) taken.push(entry);
      entry.taken = true;
    }
    return taken;
  }
}

export class SignalQueue {
  #entries: (Travelling | undefined)[] = [];
  #head = 0;
  /** The same by pair, as long as the queue is not empty; made when somebody asks for a pair. */
  #byPair: Map<LocalPid, Map<LocalPid, Pair>> | undefined = undefined;

  push(from: LocalPid, to: LocalPid, signal: Signal): void {
    const entry = { from, to, signal, taken: false };
    this.#entries.push(entry);
    if (this.#byPair !== undefined) index(this.#byPair, entry);
  }

  shift(): Travelling | undefined {
    for (;;) {
      if (this.#head === this.#entries.length) return undefined;
      const entry = this.#entries[this.#head] as Travelling;
      this.#entries[this.#head++] = undefined;
      if (this.#head === this.#entries.length) {
        if (this.#head > 1024) this.#entries = [];
        else this.#entries.length = 0;
        this.#head = 0;
        this.#byPair = undefined;
      } else if (this.#head >= 1024 && this.#head * 2 > this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
      if (entry.taken) continue;
      entry.taken = true;
      return entry;
    }
  }

  /** Takes out what travels from one to the other, oldest first: all, or as far as the last exit signal. */
  takePair(from: LocalPid, to: LocalPid, what: "exits" | "all"): Travelling[] {
    if (this.size === 0) return [];
    if (this.#byPair === undefined) {
      this.#byPair = new Map();
      for (let at = this.#head; at < this.#entries.length; at++) {
        index(this.#byPair, this.#entries[at] as Travelling);
      }
    }
    return this.#byPair.get(from)?.get(to)?.take(what) ?? [];
  }

  /** How many there are at the most. */
  get size(): number {
    return this.#entries.length - this.#head;
  }
}

function index(byPair: Map<LocalPid, Map<LocalPid, Pair>>, entry: Travelling): void {
  let sent = byPair.get(entry.from);
  if (sent === undefined) byPair.set(entry.from, (sent = new Map()));
  let pair = sent.get(entry.to);
  if (pair === undefined) sent.set(entry.to, (pair = new Pair()));
  pair.push(entry);
}

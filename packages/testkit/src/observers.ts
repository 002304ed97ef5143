/**
 * Whether the order of two messages to one process was observed: whether a receive took one of them that
 * would have taken the other.
 *
 * Where it was not, the messages came in this order or in that one, and nobody can tell. Guards are asked
 * again after the run: what they answer has to depend on the message alone.
 *
 * Aronis, Jonsson, Lång, Sagonas: Optimal dynamic partial order reduction with observers, TACAS 2018.
 */
import { TIMEOUT } from "@coppice/core";
import { mix } from "./key-hash.js";
import type { Step, Take } from "./run.js";
import { classOf, type Swaps } from "./trace-class.js";
import type { Transition } from "./transition.js";

/**
 * The class of a run when only what was received counts: in which order each process took its messages,
 * and in which order it did everything else.
 */
export function observedClass(steps: readonly Step[], swaps?: Swaps): number {
  return new Observations(steps, swaps).classOf(steps);
}

/** What came to a process, a message or its turn to look for one, and what became of it. */
interface Arrival {
  readonly transition: Transition;
  /** Its turn to look, which brings none. */
  readonly isLook: boolean;
  readonly message: unknown;
  readonly mailboxId: number;
  /** Its process did more in this step than to receive and to send: that has a place in the order. */
  readonly doesMore: boolean;
  /** Who took it, and in the course of which step; `undefined` when nobody did. */
  taker: Take | undefined;
  takenAt: number;
  /** Those who looked for a message in this step, and would not have waited. */
  readonly looks: readonly Take[];
}

/** One thing in the order of a process; `message` when that is what it took. */
interface Link {
  readonly message: Transition | undefined;
  readonly hash: number;
}

/** What was received in one run, or in the beginning of one. */
export class Observations {
  /** By step; `undefined` for what is not the arrival of a message. */
  readonly #arrivals: (Arrival | undefined)[] = [];
  readonly #waiting = new Map<number, Arrival[]>();
  /** By step: what its process had taken and done when it was over. */
  readonly #after: number[] = [];
  /** Mailboxes of bodies that receive. */
  readonly #receives = new Set<number>();
  /** By mailbox: what was taken from it, and what its process did besides. */
  readonly #lanes = new Map<number, Link[]>();

  readonly #swaps: Swaps | undefined;

  constructor(steps: readonly Step[], swaps?: Swaps) {
    this.#swaps = swaps;
    for (const [index, step] of steps.entries()) this.#add(index, step);
  }

  #add(index: number, { transition, accesses, takes = [] }: Step): void {
    const mailboxId = transition.access.objectId;
    const { message } = transition;
    const looks = takes.filter(({ isLook }) => isLook);
    const isLook = transition.kind === "resume" && takes[0]?.message === TIMEOUT;
    const isMessage = transition.kind === "signal" && message !== undefined;
    if (isMessage || isLook) {
      const arrival: Arrival = {
        transition,
        isLook,
        message,
        mailboxId,
        doesMore: accesses.length > 1,
        taker: undefined,
        takenAt: Infinity,
        looks,
      };
      this.#arrivals[index] = arrival;
      if (isMessage) {
        const waiting = this.#waiting.get(mailboxId);
        if (waiting === undefined) this.#waiting.set(mailboxId, [arrival]);
        else waiting.push(arrival);
      }
    }
    if (takes.length > 0) this.#receives.add(mailboxId);
    if (!isMessage) this.#chain(mailboxId, transition.keyHash, undefined);
    for (const take of takes) {
      if (take.message === TIMEOUT) this.#chain(mailboxId, 1, undefined);
      const waiting = this.#waiting.get(mailboxId) ?? [];
      const place = waiting.findIndex((one) => one.message === take.message);
      const [arrival] = place === -1 ? [] : waiting.splice(place, 1);
      if (arrival === undefined) continue;
      this.#chain(mailboxId, arrival.transition.keyHash, arrival.transition);
      arrival.taker = take;
      arrival.takenAt = index;
    }
    this.#after[index] = this.#lanes.get(mailboxId)?.at(-1)?.hash ?? transition.keyHash;
  }

  /** What comes next in the order of a process; of messages that may change places the sum is the same. */
  #chain(mailboxId: number, keyHash: number, message: Transition | undefined): void {
    const lane = this.#lanes.get(mailboxId) ?? [];
    const swaps = this.#swaps;
    let before = mailboxId;
    for (let at = lane.length - 1; at >= 0; at--) {
      const other = lane[at] as Link;
      if (message !== undefined && other.message !== undefined && swaps?.(message, other.message))
        continue;
      before = (before + mix(other.hash)) | 0;
      // What stands before that one stands in it.
      if (swaps === undefined) break;
    }
    lane.push({ message, hash: mix(before ^ keyHash) });
    this.#lanes.set(mailboxId, lane);
  }

  classOf(steps: readonly Step[]): number {
    let received = 0;
    for (const [mailboxId, lane] of this.#lanes) {
      if (!this.#receives.has(mailboxId)) continue;
      for (const { hash } of lane) received = (received + mix(hash)) | 0;
    }
    // Of what was taken only the order of taking counts, of what was not only that it came; and what else was done
    // came after what was taken, in whichever step that was.
    const others = steps.map((step, index): Step => {
      const { transition } = step;
      if (!this.#receives.has(transition.access.objectId)) return step;
      const accesses = step.accesses.filter((access) => access !== transition.access);
      if (this.#arrivals[index]?.isLook === false)
        received = (received + mix(transition.keyHash)) | 0;
      const { kind, atMs, access } = transition;
      const keyHash = this.#after[index] as number;
      return { ...step, transition: { kind, atMs, access, keyHash } as Transition, accesses };
    });
    // Stays below 2⁵³.
    return (classOf(others, this.#swaps) + mix(received) * 0x10_0001) % Number.MAX_SAFE_INTEGER;
  }

  /** Does the order of the steps at `first` and `second`, of one process, matter to it? */
  isObserved(first: number, second: number): boolean {
    const one = this.#arrivals[first];
    const other = this.#arrivals[second];
    if (one === undefined || other === undefined) return true;
    // A handler takes whatever comes; and who looks twice does so in order.
    if (!this.#receives.has(one.mailboxId) || (one.isLook && other.isLook)) return true;
    if (one.doesMore && isOver(other)) return true;
    if (other.doesMore && isOver(one)) return true;
    // Who looked would have found it, or did not find it because something else was there.
    if (one.looks.some((look) => accepts(look, other))) return true;
    if (other.looks.some((look) => accepts(look, one))) return true;
    return accepts(one.taker, other) || accepts(other.taker, one, one, other);
  }

  /** Has the message that arrived with this step been taken by the end of that one? */
  isTakenBy(step: number, end: number): boolean {
    return (this.#arrivals[step]?.takenAt ?? step) <= end;
  }
}

/** Has it had an effect: a message that was taken, or a look? */
function isOver({ taker, isLook }: Arrival): boolean {
  return isLook || taker !== undefined;
}

/** Would the receive that took one message have taken this one? One that was gone already it could not. */
function accepts(
  taker: Take | undefined,
  { message, isLook }: Arrival,
  gone?: Arrival,
  taken?: Arrival,
): boolean {
  if (taker === undefined || isLook) return false;
  if (gone !== undefined && taken !== undefined && gone.takenAt <= taken.takenAt) return false;
  try {
    return taker.guard === undefined || taker.guard(message);
  } catch {
    return true;
  }
}

/**
 * The races of a run: steps that depend on each other with nothing between them that orders them. What begins
 * the other order is to be tried at the place before the first of them, unless something does already.
 */
import { addToSet, BitRows, isInSet } from "./bit-rows.js";
import type { Footprint } from "./dependence.js";
import type { HiddenTimer, OutlivedTimer } from "./hidden-timers.js";
import type { Observations } from "./observers.js";
import { isIn, STOP, type Place } from "./place.js";

/** What is known of transitions, by `keyId`. */
export interface Traits {
  readonly channels: readonly number[];
  readonly isTimer: readonly boolean[];
  /** Of timers alone: at which node they are. */
  readonly nodes: readonly (string | undefined)[];
}

/** Something is tried already that begins the other order. */
const COVERED = -2;
const NOTHING: readonly never[] = [];

export class RaceSearch {
  /** What was received in the run in hand. */
  observed: Observations | undefined;
  readonly #places: readonly Place[];
  readonly #traits: Traits;
  readonly #interfere: (one: Footprint, other: Footprint) => boolean;
  /** What happened before each step. */
  readonly #past = new BitRows();
  /** Of the step in hand: what it could not have come before. */
  #sure = new Int32Array(1);
  /** Of the race in hand: the steps that make up the other order. */
  #sequence = new Int32Array(1);

  constructor(
    places: readonly Place[],
    traits: Traits,
    interfere: (one: Footprint, other: Footprint) => boolean,
  ) {
    this.#places = places;
    this.#traits = traits;
    this.#interfere = interfere;
  }

  /** Orders the steps from `from` on, finds their races, and adds what begins the other order. */
  analyse(from: number, length: number, atEnd: readonly number[] | undefined): void {
    this.#past.makeRoom(length, this.#places.length);
    if (this.#sure.length < this.#past.stride) {
      this.#sure = new Int32Array(this.#past.stride);
      this.#sequence = new Int32Array(this.#past.stride);
    }
    for (let index = from; index < length; index++) {
      this.#order(index);
      const after = index + 1 < length ? (this.#places[index + 1] as Place).enabled : atEnd;
      if (after !== undefined) this.#addWithdrawn(index, after);
    }
    this.#reconsider(from, length);
  }

  /** What a step took away could have happened before it. */
  #addWithdrawn(index: number, after: readonly number[]): void {
    const place = this.#places[index] as Place;
    for (const id of place.enabled) {
      if (id === place.chosen || after.includes(id) || place.backtrack.includes(id)) continue;
      const sleeper = place.sleep.find((one) => one.id === id);
      if (sleeper === undefined) place.backtrack.push(id);
      else (place.left ??= []).push({ first: index, sleeper });
    }
  }

  /** Finds what happened before a step, and the races on the way. */
  #order(index: number): void {
    const past = this.#past;
    const sure = this.#sure;
    past.clear(index);
    sure.fill(0);
    const place = this.#places[index] as Place;
    place.left = undefined;
    const channel = this.#traits.channels[place.chosen];
    const opened = this.#openedBy(index);
    for (let before = index - 1; before >= 0; before--) {
      if (isInSet(sure, before)) continue;
      const other = this.#places[before] as Place;
      const isCause =
        before === place.creator ||
        this.#traits.channels[other.chosen] === channel ||
        this.#wasTaken(before, place.creator);
      if (isCause) past.mergeInto(sure, before);
      else if (this.#depend(before, index)) {
        if (!this.#madeWay(before, index, opened)) {
          this.#addOther(before, index);
          past.mergeInto(sure, before);
        }
      } else if (before !== opened) continue;
      past.merge(index, before);
    }
  }

  #depend(first: number, second: number): boolean {
    const one = (this.#places[first] as Place).footprint as Footprint;
    const other = (this.#places[second] as Place).footprint as Footprint;
    if (!this.#interfere(one, other)) return false;
    if (this.observed === undefined || one.mailboxId !== other.mailboxId) return true;
    return this.observed.isObserved(first, second);
  }

  /** What a process sends may depend on all that it has received by then. */
  #wasTaken(before: number, creator: number): boolean {
    if (this.observed === undefined || creator < 0 || before > creator) return false;
    const one = (this.#places[before] as Place).footprint as Footprint;
    const other = (this.#places[creator] as Place).footprint as Footprint;
    return one.mailboxId === other.mailboxId && this.observed.isTakenBy(before, creator);
  }

  /**
   * A step that only made way, as a timer that was due earlier or one who cancelled it, is no reason why
   * a step could not have come before what was in its way.
   */
  #madeWay(before: number, index: number, opened: number): boolean {
    if (before === opened) return true;
    const { isTimer, nodes } = this.#traits;
    const { chosen, footprint } = this.#places[index] as Place;
    const other = this.#places[before] as Place;
    if (isTimer[chosen] !== true || other.enabled.includes(chosen)) return false;
    if ((footprint as Footprint).isBarrier) return true;
    // Timers of other nodes are in nobody's way.
    return isTimer[other.chosen] === true && nodes[other.chosen] === nodes[chosen];
  }

  /** The last step without which this one would not have been possible. */
  #openedBy(index: number): number {
    const id = (this.#places[index] as Place).chosen;
    let first = index;
    while (first > 0 && (this.#places[first - 1] as Place).enabled.includes(id)) first--;
    return first - 1;
  }

  /** The steps at `first` and `second` race: what begins the other order is to be tried before `first`. */
  #addOther(first: number, second: number): void {
    const begins = this.#begins(first, second, NOTHING);
    if (begins === COVERED) return;
    const place = this.#places[first] as Place;
    const { chosen } = this.#places[second] as Place;
    // What comes before the second in the other order as well.
    const mayBegin = !this.#past.meets(second, this.#sequence);
    if (mayBegin) {
      if (place.backtrack.includes(chosen)) return;
      const sleeper = place.sleep.find(({ id }) => id === chosen);
      if (sleeper !== undefined) {
        const other = this.#places[second] as Place;
        (other.left ??= []).push({ first, sleeper });
        return;
      }
    }
    if (begins !== STOP) place.backtrack.push(begins);
    // Perhaps it could not come without the first, as a timer not before an earlier one.
    else if (mayBegin && place.enabled.includes(chosen)) place.backtrack.push(chosen);
  }

  /** What would have let a timer fire before what hid it was there: all that sets it, and not what hid it. */
  addHidden(hidden: readonly HiddenTimer[]): void {
    const past = this.#past;
    for (const { setBy, at, hiddenBy } of hidden) {
      const [first] = hiddenBy as [number];
      const isNeeded = (by: number): boolean =>
        by === setBy || by === at || past.has(setBy, by) || past.has(at, by);
      if (first < 0 || hiddenBy.some(isNeeded)) continue;
      const begins = this.#begins(first, at + 1, hiddenBy);
      if (begins >= 0) (this.#places[first] as Place).backtrack.push(begins);
    }
  }

  /** What would have cleared the way of a timer before it was cancelled, where that does not depend on its end. */
  addOutlived(outlived: readonly OutlivedTimer[]): void {
    for (const { cancelledBy: first, clearedBy } of outlived) {
      if (clearedBy.some((by) => this.#past.has(by, first))) continue;
      const begins = this.#begins(first, (clearedBy.at(-1) as number) + 1, NOTHING);
      if (begins >= 0) (this.#places[first] as Place).backtrack.push(begins);
    }
  }

  /**
   * Looks at the steps after `first` and before `end` that do not depend on it, nor on the steps at
   * `without`: one of them that could come first, if none that could is tried there anyway.
   */
  #begins(first: number, end: number, without: readonly number[]): number {
    const place = this.#places[first] as Place;
    const sequence = this.#sequence;
    const past = this.#past;
    sequence.fill(0);
    let begins = STOP;
    for (let index = first + 1; index < end; index++) {
      if (past.has(index, first)) continue;
      if (without.some((one) => index === one || past.has(index, one))) continue;
      if (!past.meets(index, sequence)) {
        const id = (this.#places[index] as Place).chosen;
        if (place.backtrack.includes(id) || isIn(place.sleep, id)) return COVERED;
        if (begins === STOP && place.enabled.includes(id)) begins = id;
      }
      addToSet(sequence, index);
    }
    return begins;
  }

  /**
   * Without the first step of a race the second may do other things than it did after it, if it was there
   * at all; what, is known of one that sleeps. If it depends on a step of this run, that one has to be
   * tried before it.
   */
  #reconsider(from: number, length: number): void {
    for (let second = 0; second < length; second++) {
      for (const { first, sleeper } of (this.#places[second] as Place).left ?? NOTHING) {
        for (let index = second < from ? from : first + 1; index < length; index++) {
          if (index === second || this.#past.has(index, first) || this.#past.has(index, second))
            continue;
          const { footprint } = this.#places[index] as Place;
          if (!this.#interfere(sleeper.footprint, footprint as Footprint)) continue;
          const begins = this.#begins(first, index + 1, [second]);
          if (begins >= 0) (this.#places[first] as Place).backtrack.push(begins);
        }
      }
    }
  }
}

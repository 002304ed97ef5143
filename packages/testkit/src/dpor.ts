/**
 * Source-DPOR with sleep sets: one run for each class of schedules, and no class twice.
 *
 * The state of a JavaScript program cannot be copied, so each run starts from the beginning and follows
 * the run before up to where it takes another way. What ran is looked at afterwards: two steps that
 * depend on each other, with nothing between them that orders them, are a race, and the place before
 * the first of them gets what begins the other order, unless something does already.
 *
 * Abdulla, Aronis, Jonsson, Sagonas: Optimal dynamic partial order reduction, POPL 2014 (algorithm 1).
 */
import { CoppiceError } from "@coppice/core";
import { footprintOf, interfere, type Commutes, type Footprint } from "./dependence.js";
import { Observations } from "./observers.js";
import type { Profile } from "./ready-set.js";
import type { Run, Step } from "./run.js";
import type { RunView, Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/** Tells the kind of the message that arrives; `undefined` for what commutes with nothing. */
export type KindOf = (transition: Transition) => string | undefined;

export interface DporOptions {
  /** Kinds of messages; needed for `commutes` alone. */
  readonly kindOf?: KindOf | undefined;
  /**
   * Messages to one process depend on each other only if a receive could have taken either; `false` by
   * default. Runs have to note what was received, and guards to depend on the message alone. What is
   * explored may then be run more than once.
   */
  readonly observers?: boolean | undefined;
  /** How signals travel; `"pairFifo"` by default. */
  readonly profile?: Profile | undefined;
  /** Any two steps depend on each other: every schedule is run; `false` by default. */
  readonly ordered?: boolean | undefined;
  /** Pairs of kinds whose order at one receiver does not matter. */
  readonly commutes?: readonly (readonly [string, string])[] | undefined;
}

/** The program did something else although it was led the same way. */
export class DivergenceError extends CoppiceError {
  override readonly name = "DivergenceError";
  readonly code = "DIVERGENCE";
  constructor(step: number, expected: string, enabled: readonly Transition[]) {
    const came = enabled.map(({ key }) => key).join(", ") || "nothing";
    super(
      `step ${step + 1} of a repeated schedule: expected "${expected}" to be possible, but what is possible is ${came}. ` +
        `Something that is not controlled decides: time, randomness, or state that outlives a run`,
    );
  }
}

/** A transition whose order with what happens now was tried already, and what it did. */
interface Sleeper {
  readonly id: number;
  readonly footprint: Footprint;
}

/** Nothing more happens here, although a fault could. */
const STOP = -1;
/** Something is tried already that begins the other order. */
const COVERED = -2;
const NOTHING: readonly never[] = [];

/** A place in the run that is explored: what was possible, what was tried, what is still to be tried. */
interface Place {
  readonly enabled: readonly number[];
  readonly sleep: readonly Sleeper[];
  readonly explored: Sleeper[];
  readonly backtrack: number[];
  chosen: number;
  /** Of the step that `chosen` made; unknown until it is over. */
  footprint: Footprint | undefined;
  creator: number;
  /**
   * Races of the step whose other order is left to one that sleeps: with earlier ones, and with what it
   * took away.
   */
  left: Left[] | undefined;
}

/** The other order of a race with the step at `first` begins with one that sleeps there. */
interface Left {
  readonly first: number;
  readonly sleeper: Sleeper;
}

/** What a run was. */
export type Explored = "class" | "blocked" | "cut";

/** Leads one run after the other. `pick` decides within a run; `learn` is told of each when it is over. */
export class SourceDpor implements Strategy {
  /** All classes were explored. */
  done = false;
  /** Runs that were cut short because all that was possible had been explored in another order. */
  blocked = 0;
  /** Complete runs: one for each class. */
  classes = 0;
  /** Runs that ended at the limit of steps: what comes after it is unknown. */
  cut = 0;

  readonly #channelNumbers = new Map<string, number>();
  readonly #kindNumbers = new Map<string, number>();
  readonly #kindOf: KindOf | undefined;
  readonly #commutes: Commutes | undefined;
  readonly #instant: boolean;
  readonly #observers: boolean;
  readonly #ordered: boolean;
  /** What was received in the run in hand. */
  #observed: Observations | undefined;
  /** By `keyId`. */
  readonly #keys: string[] = [];
  readonly #channels: number[] = [];
  readonly #isFault: boolean[] = [];
  readonly #isTimer: boolean[] = [];

  readonly #places: Place[] = [];
  /** So many places are led by the run before. */
  #led = 0;
  #depth = 0;
  #blockedNow = false;
  /** What happened before each step: `#stride` words of bits each. */
  #past = new Int32Array(64 * 4);
  #stride = 1;
  /** Of the step in hand: what it could not have come before. */
  #sure = new Int32Array(4);
  /** Of the race in hand: the steps that make up the other order. */
  #sequence = new Int32Array(4);

  constructor(options: DporOptions = {}) {
    this.#instant = options.profile === "instant";
    this.#observers = options.observers === true;
    this.#ordered = options.ordered === true;
    this.#kindOf = options.commutes === undefined ? undefined : options.kindOf;
    if (options.commutes !== undefined) {
      const pairs = new Set(
        options.commutes
          .flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
          .map(([a, b]) => pair(this.#numberOfKind(a), this.#numberOfKind(b))),
      );
      this.#commutes = (a, b) => pairs.has(pair(a, b));
    }
  }

  pick(enabled: readonly Transition[], view: RunView): Transition | undefined {
    this.#follow(view.steps);
    const depth = this.#depth;
    if (depth < this.#led) {
      this.#depth++;
      return this.#lead(this.#places[depth] as Place, enabled, depth);
    }
    if (depth > 0) this.#measure(depth - 1, view.steps);
    const place = this.#open(enabled, depth);
    if (place.chosen === STOP) return undefined;
    this.#depth++;
    return enabled[place.enabled.indexOf(place.chosen)];
  }

  /** Takes in the run that is over and prepares the next. */
  learn(run: Run): Explored {
    const { length } = run.steps;
    this.#follow(run.steps);
    if (length < this.#led) {
      throw new DivergenceError(
        length,
        this.#keys[(this.#places[length] as Place).chosen] as string,
        [],
      );
    }
    if (length > 0) this.#measure(length - 1, run.steps);
    this.#observed = this.#observers ? new Observations(run.steps) : undefined;
    // What is received later tells whether the order of what came earlier was observed.
    const from = this.#observers ? 0 : Math.max(0, this.#led - 1);
    this.#analyse(from, length, this.#atEnd(run));
    const was = this.#blockedNow ? "blocked" : run.outcome === "quiescent" ? "class" : "cut";
    if (was === "blocked") this.blocked++;
    else if (was === "class") this.classes++;
    else this.cut++;
    this.#next();
    return was;
  }

  /** What was still possible when the run was over; `undefined` when that is not known. */
  #atEnd(run: Run): readonly number[] | undefined {
    const end = this.#places[run.steps.length];
    if (end !== undefined) return end.enabled;
    // The last step of a run that came to rest took away whatever else was possible.
    return run.outcome === "quiescent" ? [] : undefined;
  }

  /** Steps that nobody was asked about: what a plan forces, or what goes on when all else is at rest. */
  #follow(steps: readonly Step[]): void {
    while (this.#depth < steps.length) {
      const depth = this.#depth++;
      const { transition } = steps[depth] as Step;
      if (depth < this.#led) {
        this.#lead(this.#places[depth] as Place, [transition], depth);
        continue;
      }
      if (depth > 0) this.#measure(depth - 1, steps);
      const id = this.#number(transition);
      const sleep = depth === 0 ? [] : this.#stillAsleep(this.#places[depth - 1] as Place, [id]);
      this.#put(depth, { enabled: [id], sleep, backtrack: [id], chosen: id });
    }
  }

  #lead(place: Place, enabled: readonly Transition[], depth: number): Transition | undefined {
    if (place.chosen === STOP) return undefined;
    for (const transition of enabled) if (transition.keyId === place.chosen) return transition;
    throw new DivergenceError(depth, this.#keys[place.chosen] as string, enabled);
  }

  /** A place that no run was at before. */
  #open(enabled: readonly Transition[], depth: number): Place {
    const ids = enabled.map((transition) => this.#number(transition));
    const sleep = depth === 0 ? [] : this.#stillAsleep(this.#places[depth - 1] as Place, ids);
    let chosen = STOP;
    let onlyFaults = true;
    for (const id of ids) {
      if (this.#isFault[id]) continue;
      onlyFaults = false;
      if (isIn(sleep, id)) continue;
      // Time moves when nothing else happens, at first.
      if (chosen === STOP || (this.#isTimer[chosen] && !this.#isTimer[id])) chosen = id;
    }
    const backtrack = [chosen];
    if (onlyFaults) backtrack.push(...ids);
    else if (chosen === STOP) {
      // All but faults was tried in another order; a fault that was not is a way to go on.
      chosen = ids.find((id) => !isIn(sleep, id)) ?? STOP;
      backtrack[0] = chosen;
      this.#blockedNow = chosen === STOP;
    }
    return this.#put(depth, { enabled: ids, sleep, backtrack, chosen });
  }

  #put(
    depth: number,
    {
      enabled,
      sleep,
      backtrack,
      chosen,
    }: Pick<Place, "enabled" | "sleep" | "backtrack" | "chosen">,
  ): Place {
    const place: Place = {
      enabled,
      sleep,
      explored: [],
      backtrack,
      chosen,
      footprint: undefined,
      creator: -1,
      left: undefined,
    };
    this.#places[depth] = place;
    this.#places.length = depth + 1;
    return place;
  }

  #stillAsleep(before: Place, enabled: readonly number[]): Sleeper[] {
    const sleep: Sleeper[] = [];
    const footprint = before.footprint as Footprint;
    for (const list of [before.sleep, before.explored]) {
      for (const sleeper of list) {
        if (enabled.includes(sleeper.id) && !this.#interfere(sleeper.footprint, footprint)) {
          sleep.push(sleeper);
        }
      }
    }
    return sleep;
  }

  #number(transition: Transition): number {
    const { keyId, kind } = transition;
    if (this.#keys[keyId] === undefined) {
      this.#keys[keyId] = transition.key;
      this.#isFault[keyId] = kind === "fault";
      this.#isTimer[keyId] = kind === "timer";
      const isQueued = this.#instant && kind === "signal";
      const channel = isQueued ? `→${transition.actor}` : transition.channel;
      this.#channels[keyId] = numberIn(this.#channelNumbers, channel);
    }
    return keyId;
  }

  #numberOfKind(kind: string | undefined): number {
    return kind === undefined ? -1 : numberIn(this.#kindNumbers, kind);
  }

  /** Notes what a step did, now that it is over. */
  #measure(index: number, steps: readonly Step[]): void {
    const place = this.#places[index] as Place;
    if (place.footprint !== undefined) return;
    const step = steps[index] as Step;
    const kind = this.#kindOf?.(step.transition);
    place.footprint = footprintOf(step, this.#numberOfKind(kind));
    place.creator = step.creator;
  }

  /** Orders the steps from `from` on, finds their races, and adds what begins the other order. */
  #analyse(from: number, length: number, atEnd: readonly number[] | undefined): void {
    this.#makeRoom(length);
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
    const stride = this.#stride;
    const row = index * stride;
    past.fill(0, row, row + stride);
    sure.fill(0, 0, stride);
    const place = this.#places[index] as Place;
    place.left = undefined;
    const channel = this.#channels[place.chosen];
    const opened = this.#openedBy(index);
    for (let before = index - 1; before >= 0; before--) {
      if (((sure[before >> 5] as number) & (1 << (before & 31))) !== 0) continue;
      const other = this.#places[before] as Place;
      const isCause =
        before === place.creator ||
        this.#channels[other.chosen] === channel ||
        this.#wasTaken(before, place.creator);
      if (isCause) merge(sure, 0, past, before, stride);
      else if (this.#depend(before, index)) {
        if (!this.#madeWay(before, index, opened)) {
          this.#addOther(before, index);
          merge(sure, 0, past, before, stride);
        }
      } else if (before !== opened) continue;
      merge(past, row, past, before, stride);
    }
  }

  #interfere(one: Footprint, other: Footprint): boolean {
    return this.#ordered || interfere(one, other, this.#commutes);
  }

  #depend(first: number, second: number): boolean {
    const one = (this.#places[first] as Place).footprint as Footprint;
    const other = (this.#places[second] as Place).footprint as Footprint;
    if (!this.#interfere(one, other)) return false;
    if (this.#observed === undefined || one.mailboxId !== other.mailboxId) return true;
    return this.#observed.isObserved(first, second);
  }

  /** What a process sends may depend on all that it has received by then. */
  #wasTaken(before: number, creator: number): boolean {
    if (this.#observed === undefined || creator < 0 || before > creator) return false;
    const one = (this.#places[before] as Place).footprint as Footprint;
    const other = (this.#places[creator] as Place).footprint as Footprint;
    return one.mailboxId === other.mailboxId && this.#observed.isTakenBy(before, creator);
  }

  /**
   * A step that only made way, as a timer that was due earlier or one who cancelled it, is no reason why
   * a step could not have come before what was in its way.
   */
  #madeWay(before: number, index: number, opened: number): boolean {
    if (before === opened) return true;
    const { chosen, footprint } = this.#places[index] as Place;
    const other = this.#places[before] as Place;
    if (this.#isTimer[chosen] !== true || other.enabled.includes(chosen)) return false;
    return this.#isTimer[other.chosen] === true || (footprint as Footprint).isBarrier;
  }

  #isBefore(before: number, row: number): boolean {
    return ((this.#past[row + (before >> 5)] as number) & (1 << (before & 31))) !== 0;
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
    const begins = this.#begins(first, second, -1);
    if (begins === COVERED) return;
    const place = this.#places[first] as Place;
    const { chosen } = this.#places[second] as Place;
    const row = second * this.#stride;
    // What comes before the second in the other order as well.
    let mayBegin = true;
    for (let word = 0; word < this.#stride; word++) {
      const before = (this.#past[row + word] as number) & (this.#sequence[word] as number);
      if (before !== 0) mayBegin = false;
    }
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

  /**
   * Looks at the steps after `first` and before `end` that do not depend on it, nor on the step at
   * `without`: one of them that could come first, if none that could is tried there anyway.
   */
  #begins(first: number, end: number, without: number): number {
    const place = this.#places[first] as Place;
    const sequence = this.#sequence;
    const stride = this.#stride;
    sequence.fill(0, 0, stride);
    let begins = STOP;
    for (let index = first + 1; index < end; index++) {
      const row = index * stride;
      if (index === without || this.#isBefore(first, row)) continue;
      if (without !== -1 && this.#isBefore(without, row)) continue;
      let isFirst = true;
      for (let word = 0; word < stride; word++) {
        if (((this.#past[row + word] as number) & (sequence[word] as number)) !== 0)
          isFirst = false;
      }
      if (isFirst) {
        const id = (this.#places[index] as Place).chosen;
        if (place.backtrack.includes(id) || isIn(place.sleep, id)) return COVERED;
        if (begins === STOP && place.enabled.includes(id)) begins = id;
      }
      sequence[index >> 5]! |= 1 << (index & 31);
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
          const row = index * this.#stride;
          if (index === second || this.#isBefore(first, row) || this.#isBefore(second, row))
            continue;
          const { footprint } = this.#places[index] as Place;
          if (!this.#interfere(sleeper.footprint, footprint as Footprint)) continue;
          const begins = this.#begins(first, index + 1, second);
          if (begins >= 0) (this.#places[first] as Place).backtrack.push(begins);
        }
      }
    }
  }

  #makeRoom(length: number): void {
    const stride = Math.max(1, (length + 31) >> 5);
    if (stride > this.#stride) {
      const wider = new Int32Array(Math.max(64, 2 * length) * stride * 2);
      for (let index = 0; index < this.#places.length; index++) {
        for (let word = 0; word < this.#stride; word++) {
          wider[index * stride + word] = this.#past[index * this.#stride + word] ?? 0;
        }
      }
      this.#past = wider;
      this.#sequence = new Int32Array(stride);
      this.#sure = new Int32Array(stride);
      this.#stride = stride;
    } else if (length * this.#stride > this.#past.length) {
      const longer = new Int32Array(length * this.#stride * 2);
      longer.set(this.#past);
      this.#past = longer;
    }
  }

  /** Goes back to the last place where something is still to be tried. */
  #next(): void {
    this.#depth = 0;
    this.#blockedNow = false;
    for (let depth = this.#places.length - 1; depth >= 0; depth--) {
      const place = this.#places[depth] as Place;
      if (place.chosen !== STOP) {
        place.explored.push({ id: place.chosen, footprint: place.footprint as Footprint });
      }
      const next = place.backtrack.find(
        (id) => id !== STOP && !isIn(place.explored, id) && !isIn(place.sleep, id),
      );
      if (next !== undefined) {
        place.chosen = next;
        place.footprint = place.left = undefined;
        this.#places.length = depth + 1;
        this.#led = depth + 1;
        return;
      }
      this.#places.length = depth;
    }
    this.done = true;
  }
}

function isIn(sleepers: readonly Sleeper[], id: number): boolean {
  for (const sleeper of sleepers) if (sleeper.id === id) return true;
  return false;
}

/** Adds a step, and all that happened before it, to a row of bits. */
function merge(
  into: Int32Array,
  row: number,
  past: Int32Array,
  step: number,
  stride: number,
): void {
  into[row + (step >> 5)]! |= 1 << (step & 31);
  const from = step * stride;
  for (let word = 0; word < stride; word++) into[row + word]! |= past[from + word] as number;
}

function numberIn(numbers: Map<string, number>, text: string): number {
  let number = numbers.get(text);
  if (number === undefined) numbers.set(text, (number = numbers.size));
  return number;
}

function pair(a: number, b: number): number {
  return a * 0x1_0000 + b;
}

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
import { isIn, STOP, type Place, type Sleeper } from "./place.js";
import { hiddenTimers, outlivedTimers } from "./hidden-timers.js";
import { RaceSearch } from "./races.js";
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
  readonly #instant: boolean;
  readonly #isDatagram: boolean;
  readonly #observers: boolean;
  readonly #interfere: (one: Footprint, other: Footprint) => boolean;
  readonly #races: RaceSearch;
  /** By `keyId`. */
  readonly #keys: string[] = [];
  readonly #channels: number[] = [];
  readonly #isFault: boolean[] = [];
  readonly #isTimer: boolean[] = [];
  readonly #nodes: string[] = [];

  readonly #places: Place[] = [];
  /** So many places are led by the run before. */
  #led = 0;
  #depth = 0;
  #blockedNow = false;

  constructor(options: DporOptions = {}) {
    this.#instant = options.profile === "instant";
    this.#isDatagram = options.profile === "datagram";
    this.#observers = options.observers === true;
    this.#kindOf = options.commutes === undefined ? undefined : options.kindOf;
    let commutes: Commutes | undefined;
    if (options.commutes !== undefined) {
      const pairs = new Set(
        options.commutes
          .flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
          .map(([a, b]) => pair(this.#numberOfKind(a), this.#numberOfKind(b))),
      );
      commutes = (a, b) => pairs.has(pair(a, b));
    }
    const interferes = (one: Footprint, other: Footprint): boolean =>
      interfere(one, other, commutes);
    this.#interfere = options.ordered === true ? () => true : interferes;
    const traits = { channels: this.#channels, isTimer: this.#isTimer, nodes: this.#nodes };
    this.#races = new RaceSearch(this.#places, traits, this.#interfere);
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
    this.#races.observed = this.#observers ? new Observations(run.steps) : undefined;
    // What is received later tells whether the order of what came earlier was observed.
    const from = this.#observers ? 0 : Math.max(0, this.#led - 1);
    this.#races.analyse(from, length, this.#atEnd(run));
    if (run.unfired !== undefined && run.unfired.length > 0) {
      this.#races.addHidden(hiddenTimers(run.steps, run.unfired, this.#instant));
      this.#races.addOutlived(outlivedTimers(run.steps, run.unfired));
    }
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
    const isNew = this.#keys[keyId] === undefined;
    if (isNew) {
      this.#keys[keyId] = transition.key;
      this.#isFault[keyId] = kind === "fault";
      this.#isTimer[keyId] = kind === "timer";
      if (kind === "timer") this.#nodes[keyId] = transition.actorPid.node;
    }
    // The n-th signal of a pair may be a message in one run and a link in another, which keeps its place.
    if (isNew || this.#isDatagram) {
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

function numberIn(numbers: Map<string, number>, text: string): number {
  let number = numbers.get(text);
  if (number === undefined) numbers.set(text, (number = numbers.size));
  return number;
}

function pair(a: number, b: number): number {
  return a * 0x1_0000 + b;
}

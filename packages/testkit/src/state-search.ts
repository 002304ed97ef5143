/**
 * A search through the states of a program: from each state each thing that can happen is tried once.
 *
 * The state of a JavaScript program cannot be copied, so the way back to a state is to go there again: each run
 * follows the way to a state where something is still to be tried, tries it, and goes on as long as there is
 * something new. Where it ends among states that are known, it takes one more step that was taken before, from the
 * same state by another way: it has to lead where it led then.
 */
import type { Act } from "./act.js";
import { canonicalText, closedIn } from "./canonical-text.js";
import { DivergenceError } from "./dpor.js";
import { differ, IncompleteStateError } from "./incomplete-state-error.js";
import { mix } from "./key-hash.js";
import type { Run } from "./run.js";
import type { KernelSimulation } from "./kernel-simulation.js";
import { deeds } from "./state-deeds.js";
import { viewOf, type StateView } from "./state-view.js";
import type { RunView, Strategy } from "./strategy.js";

/** A way through the program; each step with the one before it. */
interface Way {
  readonly before: Way | undefined;
  readonly key: string;
  readonly length: number;
}

interface State {
  readonly text: string;
  /** The shortest way there that is known. */
  way: Way | undefined;
  /** All that can happen there, by what it does, and where it leads. */
  readonly next: Map<string, State | "untried" | "cut off">;
  untried: number;
  isFailing: boolean;
}

export interface StateSearchOptions {
  /** How many states there may be. */
  readonly most: number;
  /** Goes on after a violation. */
  readonly all: boolean;
  readonly withTime: boolean;
  readonly identify: ((view: StateView) => unknown) | undefined;
}

/** By so many steps a way to a known state may be longer than the shortest, and still be gone on. */
const DETOUR = 4;

export class StateSearch implements Strategy {
  /** Different states. */
  get size(): number {
    return this.#known.size;
  }
  /** Steps from one state to another that were tried. */
  transitions = 0;
  failing = 0;
  /** There were more states than there may be. */
  isFull = false;
  /** Somebody asked for the time, and it is not in the state. */
  needsTime = false;
  /** Runs that ended at the limit of steps. */
  cut = 0;

  readonly #options: StateSearchOptions;
  readonly #known = new Map<string, State>();
  /** States where something may be untried, in the order they were found. */
  readonly #pending: State[] = [];
  #done = 0;

  // Of the present run.
  #sim: KernelSimulation | undefined = undefined;
  #route: readonly string[] = [];
  #at = 0;
  #way: Way | undefined = undefined;
  /** Where it is; `undefined` while that is to be found out. */
  #here: State | undefined = undefined;
  #last: { readonly from: State; readonly did: string } | undefined = undefined;
  #violations = 0;
  #isChecking = false;
  #foundFailure = false;

  constructor(options: StateSearchOptions) {
    this.#options = options;
  }

  /** Is anything to be tried? */
  get isPending(): boolean {
    return this.#nextPending() !== undefined;
  }

  /** How many look on, in the run made last, and remember what no state tells. */
  observers = 0;
  /** What is in states and cannot be looked into, by name. */
  readonly closed: Set<string> = new Set();
  /** How many checks of it are for states at rest. */
  finals = 0;
  /** How many runs came to one. */
  atRest = 0;

  /** Prepares the next run; `false` when all was tried. */
  begin(): boolean {
    const from = this.#nextPending();
    if (from === undefined && this.size > 0) return false;
    this.#route = keysOf(from?.way);
    this.#at = 0;
    this.#way = from?.way;
    this.#here = from;
    this.#last = undefined;
    this.#violations = 0;
    this.#isChecking = this.#foundFailure = false;
    return true;
  }

  /** The simulation of the run that begins. */
  enter(sim: KernelSimulation): void {
    this.#sim = sim;
  }

  // A strategy of the kernel alone: it is given acts.
  pick(enabled: readonly Act[], { step }: RunView): Act | undefined {
    if (this.#at < this.#route.length) return this.#lead(enabled, step);
    const known = this.#here;
    if (known !== undefined) {
      // The end of the way that was led: what was violated on it is known.
      this.#violations = this.#checks.violations.length;
    } else if (this.#arrive(enabled) === undefined) return undefined;
    const here = this.#here as State;
    if (this.needsTime || (this.#foundFailure && !this.#options.all)) return undefined;
    const picked = this.#choose(here, enabled, known !== undefined);
    if (picked === undefined) return undefined;
    this.#way = wayTo(this.#way, picked.act.key);
    this.#last = { from: here, did: picked.did };
    this.#here = undefined;
    return picked.act;
  }

  /** Takes in the run that is over. Tells whether it came to a state that fails. */
  learn({ outcome, steps, violations }: Run): boolean {
    const missed = this.#route[this.#at];
    if (missed !== undefined) throw new DivergenceError(steps.length, missed, []);
    if (outcome === "stepLimit" || outcome === "zeno") {
      this.cut++;
      // Whatever is to be tried there will never be.
      if (this.#last !== undefined && this.#here === undefined) this.#note(this.#last, "cut off");
    } else if (outcome === "quiescent") {
      this.atRest++;
      if (this.#here === undefined) this.#arrive([]);
      const here = this.#here as State | undefined;
      if (here !== undefined && violations.some(({ step }) => step === steps.length)) {
        this.#noteFailure(here);
      }
    }
    this.observers = (this.#sim as KernelSimulation).kernel.onlookers.remembering;
    this.finals = this.#checks.finally.length;
    this.#sim = undefined;
    return this.#foundFailure;
  }

  get #checks(): KernelSimulation["kernel"]["checks"] {
    return (this.#sim as KernelSimulation).kernel.checks;
  }

  #nextPending(): State | undefined {
    for (; this.#done < this.#pending.length; this.#done++) {
      const state = this.#pending[this.#done] as State;
      if (state.untried > 0) return state;
    }
    return undefined;
  }

  #lead(enabled: readonly Act[], step: number): Act {
    const key = this.#route[this.#at++] as string;
    const next = enabled.find((act) => act.key === key);
    if (next === undefined) throw new DivergenceError(step, key, enabled);
    return next;
  }

  /** A state is reached: is it known? `undefined` when the run is to end here. */
  #arrive(enabled: readonly Act[]): State | undefined {
    const sim = this.#sim as KernelSimulation;
    const { identify, withTime, most } = this.#options;
    if (sim.kernel.readsClock && !withTime) this.needsTime = true;
    const view = viewOf(sim, withTime);
    const text = canonicalText(identify === undefined ? view : identify(view));
    let state = this.#known.get(text);
    const isNew = state === undefined;
    if (state === undefined) {
      if (this.size >= most) {
        this.isFull = true;
        return undefined;
      }
      const can = deeds(enabled, sim.kernel).keys();
      const next = new Map([...can].map((did) => [did, "untried"] as const));
      state = { text, way: this.#way, next, untried: next.size, isFailing: false };
      this.#known.set(text, state);
      for (const name of closedIn(text)) this.closed.add(name);
      if (next.size > 0) this.#pending.push(state);
    }
    this.#here = state;
    if (this.#last !== undefined) this.#follow(this.#last, state, isNew);
    const { violations, stillFails } = this.#checks;
    if (violations.length > this.#violations || stillFails) this.#noteFailure(state);
    this.#violations = violations.length;
    return state;
  }

  #noteFailure(state: State): void {
    if (state.isFailing) return;
    state.isFailing = this.#foundFailure = true;
    this.failing++;
  }

  /** A step was made from one state to another. @throws IncompleteStateError it once led to another */
  #follow(last: { readonly from: State; readonly did: string }, to: State, isNew: boolean): void {
    const { from, did } = last;
    if (!this.#isChecking) {
      this.#note(last, to);
      return;
    }
    if (this.#options.identify === undefined) {
      const before = from.next.get(did) as State;
      if (before !== to) throw new IncompleteStateError(`"${did}"`, differ(before.text, to.text));
    } else if (isNew || ![...from.next.values()].includes(to)) {
      throw new IncompleteStateError(`"${did}"`, "it leads to a state that nothing led to before");
    }
  }

  #note(
    { from, did }: { readonly from: State; readonly did: string },
    to: State | "cut off",
  ): void {
    this.transitions++;
    from.untried--;
    from.next.set(did, to);
  }

  /** What to do next: something that was not tried, or, once, something that was. */
  #choose(here: State, enabled: readonly Act[], isLed: boolean): Deed | undefined {
    if (this.#isChecking) return undefined;
    const { identify } = this.#options;
    const isOwnWay = here.way === this.#way;
    // At rest but for faults: first it is judged.
    if (isOwnWay && !isLed && enabled.every(({ kind }) => kind === "fault")) return undefined;
    const length = this.#way?.length ?? 0;
    const known = here.way?.length ?? 0;
    if (length < known) here.way = this.#way;
    const goesOn = isOwnWay || (identify === undefined && length <= known + DETOUR);
    const tries = goesOn && here.untried > 0;
    if (!tries && (isOwnWay || (identify !== undefined && here.untried > 0))) return undefined;
    const can = this.#whatCan(here, enabled);
    if (!tries) return this.#check(here, can);
    for (const [did, act] of can) {
      if (here.next.get(did) === "untried") return { did, act };
    }
    return undefined;
  }

  /** What can happen there. @throws IncompleteStateError it is not what could happen there before */
  #whatCan(here: State, enabled: readonly Act[]): ReadonlyMap<string, Act> {
    const can = deeds(enabled, (this.#sim as KernelSimulation).kernel);
    const isLike = this.#options.identify === undefined ? isSame(can, here.next) : true;
    if (can.size === here.next.size && isLike) return can;
    const [now, before] = [can, here.next].map((each) => [...each.keys()].sort().join(", "));
    throw new IncompleteStateError("what can happen", `now ${now}; before ${before}`);
  }

  /** Something that was tried, by another way. */
  #check(here: State, can: ReadonlyMap<string, Act>): Deed | undefined {
    const { identify } = this.#options;
    const isTried = (did: string): boolean => typeof here.next.get(did) === "object";
    const tried = [...can].filter(([did]) => identify !== undefined || isTried(did));
    const chosen = tried[mix(this.transitions) % tried.length];
    if (chosen === undefined) return undefined;
    this.#isChecking = true;
    return { did: chosen[0], act: chosen[1] };
  }
}

interface Deed {
  readonly did: string;
  readonly act: Act;
}

function wayTo(before: Way | undefined, key: string): Way {
  return { before, key, length: (before?.length ?? 0) + 1 };
}

function keysOf(way: Way | undefined): string[] {
  const keys: string[] = [];
  for (let at = way; at !== undefined; at = at.before) keys.push(at.key);
  return keys.reverse();
}

function isSame(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): boolean {
  for (const key of one.keys()) if (!other.has(key)) return false;
  return one.size === other.size;
}

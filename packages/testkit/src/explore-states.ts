/**
 * Exploration by states: each different state of a program is visited once, and from each all that can happen is
 * tried.
 *
 * Programs that go round have endlessly many schedules and may have few states; and what is looked at between
 * steps is looked at in all of them. In return, the program has to say what its state is.
 */
import { checkFunction, checkKeys, InvalidArgumentError, KeySpace } from "@coppice/core";
import { checkBoolean, checkNumber, checkOptionalFunction, has } from "./arguments.js";
import { boundsOf } from "./explore.js";
import type { ExploredFailure } from "./explorer.js";
import { hostMs } from "./host-time.js";
import type { SimulationOptions } from "./kernel-options.js";
import type { Run } from "./run.js";
import { programRunner, type Program } from "./run-program.js";
import type { KernelSimulation } from "./kernel-simulation.js";
import { stateStates, type StateStatement } from "./state-statement.js";
import { StateSearch } from "./state-search.js";
import type { StateView } from "./state-view.js";
import { steadyRunner, type SteadyRunner } from "./steady.js";

export interface ExploreStatesOptions {
  /** At most so many states, each of which is kept as text; 100,000 by default. */
  readonly states?: number;
  /** Begins no run after so many ms of real time; no limit by default. */
  readonly ms?: number;
  /** Goes on after a violation, and counts; `false` by default. */
  readonly all?: boolean;
  /**
   * What makes a state, of all that is known of it; by default all of that. Two states for which it returns equal
   * structures are one, and what can happen after one of them has to have its like after the other. So processes
   * that are alike can be told apart no longer: return them in an order of their own, such as that of their states.
   */
  readonly identify?: (view: StateView) => unknown;
  /** Options of the simulation; those with `calm` or a bounded clock cannot be explored by states. */
  readonly simulation?: SimulationOptions;
}

export interface StateExploration {
  /** Different states that were visited. */
  readonly states: number;
  /** Steps from a state to another, or the same, that were tried. */
  readonly transitions: number;
  readonly runs: number;
  /** The first of each violated check, or with `all` of each state that fails; never more than 1,000. */
  readonly failures: readonly ExploredFailure[];
  /** States in which a check fails, or to which a step leads that violates something. */
  readonly failing: number;
  /** What `sometimes` asked for and was seen. */
  readonly seen: readonly string[];
  readonly statement: StateStatement;
}

const MOST_STATES = 100_000;
const MOST_FAILURES = 1_000;

/**
 * Explores the states of a program. In one go, and only from a macrotask: see `inMacrotask`.
 *
 * The state is what `sim.state`, `sim.shared`, `sim.durable` and the states of handlers say, together with all that
 * the simulation knows: mailboxes, what is under way, timers that are set and how long they have to go, links,
 * monitors, calls, nodes, faults. Time itself is part of it as soon as somebody asks what time it is. Where an async
 * function is in its code, and what stands in its variables, nobody can see: `sim.state` has to tell, as far as that
 * decides anything. What is left out makes states equal that are not, and what comes after one of them may never be
 * seen. That is looked for as the search goes on, and found where a known state is reached by another way and what is
 * tried there differs; it is no proof that nothing was left out.
 *
 * What a `sim.observe` remembers is in no state: where a program has one, the statement says so; and so it does of
 * promises and of instances that show nothing, because all they know is in `#private` fields.
 *
 * @throws NotInMacrotaskError this is a microtask, as all code after an `await`
 * @throws IncompleteStateError a state was reached by two ways, and what can happen, or what came of it, differs
 * @throws UnsteadyRunError the same schedule did something else the second time
 * @throws DivergenceError the program does not do the same when it is led the same way
 * @throws InvalidArgumentError an option is unknown or of the wrong kind, the clock is bounded, there is a calm, or
 * `identify` returns nothing or a promise
 * @example
 * import { exploreStates, inMacrotask } from "@coppice/testkit";
 * const { statement } = await inMacrotask(() =>
 *   exploreStates((sim) => {
 *     const node = sim.node();
 *     // Two lamps that switch themselves on and off, for ever.
 *     for (const key of ["left", "right"]) {
 *       node.spawnOpt<"switch", [], boolean>({ key }, {
 *         init: (self) => (self.send(self.pid, "switch"), false),
 *         message: (isOn, message, self) => (self.send(self.pid, message), !isOn),
 *       });
 *     }
 *   }),
 * );
 * statement.text; // => "exhaustive: 4 of 4 distinct states (profile pairFifo, faults 0, timers 0, 0 violations)"
 */
export function exploreStates(
  program: Program,
  options: ExploreStatesOptions = {},
): StateExploration {
  checkFunction("exploreStates: program", program);
  checkOptions(options);
  return (
    new StateExplorer(program, options, false).explore() ??
    // Somebody asks what time it is: all over again, with the time in the state.
    (new StateExplorer(program, options, true).explore() as StateExploration)
  );
}

function checkOptions(options: ExploreStatesOptions): void {
  const argument = "exploreStates: options";
  checkKeys(argument, options, ["states", "ms", "all", "identify", "simulation"]);
  const { states, ms, all, identify, simulation = {} } = options;
  for (const [option, value] of Object.entries({ states, ms })) {
    if (value !== undefined) checkNumber(`${argument}.${option}`, value);
  }
  checkBoolean(`${argument}.all`, all);
  checkOptionalFunction(`${argument}.identify`, identify);
  if (typeof simulation !== "object" || simulation === null) {
    throw new InvalidArgumentError(`${argument}.simulation`, "an object", simulation);
  }
  if (typeof simulation.clock === "object") {
    const expected = `"quiet" or "async": under bounds it is up to time what can happen`;
    throw new InvalidArgumentError(`${argument}.simulation.clock`, expected, simulation.clock);
  }
  if (simulation.calm !== undefined) {
    const expected = "none: in the calm it is up to age what happens";
    throw new InvalidArgumentError(`${argument}.simulation.calm`, expected, simulation.calm);
  }
}

/** Where nothing comes back, or what is not there yet, all states would be one, and all would be well. */
function checkedIdentify(identify: (view: StateView) => unknown): (view: StateView) => unknown {
  return (view) => {
    const state = identify(view);
    if (state !== undefined && !has(state, "then")) return state;
    throw new InvalidArgumentError(
      "exploreStates: what options.identify returns",
      "what makes a state, at once",
      state,
    );
  };
}

class StateExplorer {
  readonly #options: ExploreStatesOptions;
  readonly #search: StateSearch;
  readonly #steady: SteadyRunner;
  readonly #failures: ExploredFailure[] = [];
  readonly #checks = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #timers = new Set<string>();
  #observers = 0;
  #finals = 0;
  #mostFaults = 0;
  #runs = 0;

  constructor(program: Program, options: ExploreStatesOptions, withTime: boolean) {
    const { states: most = MOST_STATES, all = false, identify, simulation = {} } = options;
    this.#options = options;
    this.#search = new StateSearch({
      most,
      all,
      withTime,
      identify: identify && checkedIdentify(identify),
    });
    const keySpace = simulation.keySpace ?? new KeySpace({ interns: true });
    let isSearching = false;
    const entered: Program = (sim) => {
      if (isSearching) this.#search.enter(sim as KernelSimulation);
      return program(sim);
    };
    const run = programRunner(entered, { ...simulation, keySpace });
    this.#steady = steadyRunner((strategy) => {
      if (strategy !== this.#search) return run(strategy);
      isSearching = true;
      const made = run(strategy);
      isSearching = false;
      this.#take(made);
      return made;
    });
  }

  /** `undefined` when what time it is belongs to the state, and was not in it. */
  explore(): StateExploration | undefined {
    const search = this.#search;
    const endsAtMs = hostMs() + (this.#options.ms ?? Infinity);
    const bounds = boundsOf(this.#options.simulation ?? {});
    while (search.begin()) {
      this.#steady.run(search);
      if (search.needsTime) return undefined;
      if (search.isFull) {
        bounds.push(`cap ${this.#options.states ?? MOST_STATES} states`);
        break;
      }
      if (search.failing > 0 && this.#options.all !== true) {
        bounds.push("stopped at the first violation");
        break;
      }
      if (hostMs() >= endsAtMs && search.isPending) {
        bounds.push(`${this.#options.ms} ms`);
        break;
      }
    }
    this.#steady.end();
    return this.#result(bounds);
  }

  #take(run: Run): void {
    const index = this.#runs++;
    const failed = this.#search.learn(run);
    let faults = 0;
    for (const { transition } of run.steps) {
      if (transition.kind === "fault") faults++;
      else if (transition.kind === "timer") this.#timers.add(transition.key);
    }
    this.#mostFaults = Math.max(this.#mostFaults, faults);
    for (const name of run.seen) this.#seen.add(name);
    this.#observers = Math.max(this.#observers, this.#search.observers);
    this.#finals = Math.max(this.#finals, this.#search.finals);
    if (failed) this.#keep(run, index);
  }

  #keep(run: Run, index: number): void {
    const { violations } = run;
    const isNew = violations.some(({ check }) => !this.#checks.has(check));
    for (const { check } of violations) this.#checks.add(check);
    if ((!isNew && this.#options.all !== true) || this.#failures.length >= MOST_FAILURES) return;
    this.#failures.push({
      run,
      violations,
      strategy: "states",
      index,
      seed: undefined,
      plan: undefined,
    });
  }

  #result(bounds: string[]): StateExploration {
    const search = this.#search;
    const { size, transitions, failing, cut } = search;
    // How many there may be is up to a budget, not to the program.
    if (this.#mostFaults > 0) bounds.push(`faults ≤ ${this.#mostFaults}`);
    if (this.#finals > 0 && search.atRest === 0) bounds.push("no state at rest to be judged");
    if (cut > 0) bounds.push(`${cut} runs cut off at the step limit`);
    if (this.#observers > 0) bounds.push("what an observer remembers is in no state");
    for (const name of search.closed) bounds.push(`what is inside of ${name} is in no state`);
    const { profile = "pairFifo" } = this.#options.simulation ?? {};
    const statement = stateStates({
      states: size,
      transitions,
      runs: this.#runs,
      violations: failing,
      profile,
      faults: this.#mostFaults,
      timers: this.#timers.size,
      bounds,
    });
    return {
      states: size,
      transitions,
      runs: this.#runs,
      failures: this.#failures,
      failing,
      seen: [...this.#seen],
      statement,
    };
  }
}

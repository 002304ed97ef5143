/**
 * Why a run fails, as the fewest ordering constraints: the base order and these k holds fail, and without
 * any of them the run passes.
 *
 * The base is FIFO, or LIFO when FIFO fails by itself. Candidates are pairs of dependent steps which the
 * base takes in the other order than the failing run; they are added until the base with them fails,
 * and then thinned out. Whatever takes part in no such pair has no say in the result.
 */
import { constrained, EAGER } from "./constrained-strategy.js";
import type { Run, Step, Violation } from "./run.js";
import { FIFO, LIFO, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";
import { depend, happensBefore, necessaryPasts } from "./causality.js";
import { minimalSubset, withoutSpare } from "./minimal-subset.js";
import { AT_START, isSameConstraint, otherKeyOf, type Constraint } from "./schedule.js";

export type Base = "fifo" | "lifo" | "eager";

export interface ExplainOptions {
  /** Which violation of `failing` is to be explained; the first by default. */
  readonly violation?: Violation;
  /** Whether two violations are the same; by default the same check with the same message but for numbers. */
  readonly isSame?: (a: Violation, b: Violation) => boolean;
  /** How often the program may be run; 1000 by default. What is found by then is returned. */
  readonly maxReplays?: number;
}

export interface Explanation {
  readonly base: Base;
  /** In the order in which they take effect. Empty: the base fails by itself. */
  readonly constraints: readonly Constraint[];
  /** The run of the base with the constraints. */
  readonly run: Run;
  readonly violation: Violation;
  /** Whether each constraint was dropped alone and the run passed. */
  readonly minimal: boolean;
  /** Of the three bases, those that fail with no constraint at all. */
  readonly failingBases: readonly Base[];
  /** The same but for one constraint, and it passes. */
  readonly twin: Twin | undefined;
  /** How often the program was run. */
  readonly replays: number;
}

export interface Twin {
  /** Place in `constraints` of the one that was changed. */
  readonly index: number;
  /** `flipped`: the two happen the other way round. `dropped`: the constraint is not there. */
  readonly how: "flipped" | "dropped";
  readonly constraints: readonly Constraint[];
  readonly run: Run;
}

/** The same check, and the same message but for the numbers in it. */
export function isSameViolation(a: Violation, b: Violation): boolean {
  return a.check === b.check && withoutNumbers(a.message) === withoutNumbers(b.message);
}

/**
 * Explains a failing run. `undefined` when constraints do not bring the violation back: the program
 * depends on something that is no part of its schedule.
 *
 * @param run runs the program anew, by a strategy
 * @param failing a run of the program, with at least one violation
 */
export function explain(
  run: (strategy: Strategy) => Run,
  failing: Run,
  options: ExplainOptions = {},
): Explanation | undefined {
  const violation = options.violation ?? failing.violations[0];
  if (violation === undefined) throw new TypeError("explain: the run has no violation");
  const { isSame = isSameViolation, maxReplays = 1_000 } = options;
  const replayer = new Replayer(run, (each) => isSame(each, violation), maxReplays);

  const failingBases = baseNames.filter((base) => replayer.fails(base, []));
  const base = baseNames.find((name) => !failingBases.includes(name));
  // Explained is the plainest run that fails, so that how it was found makes no difference.
  const [plainest = "fifo"] = failingBases;
  const target = failingBases.length > 0 ? replayer.run(plainest, []) : failing;
  if (base === undefined) return conclude(replayer, plainest, [], failingBases);

  const trace = traceOf(target, (each) => isSame(each, violation));
  const forces = forcesOf(trace);
  const sufficient = findSufficient(replayer, base, trace, forces);
  if (sufficient === undefined) {
    return failingBases.length > 0 ? conclude(replayer, plainest, [], failingBases) : undefined;
  }
  const holds = (subset: readonly Constraint[]): boolean => replayer.fails(base, subset);
  let constraints = minimalSubset(sufficient, holds);
  constraints = moveForces(replayer, base, constraints);
  constraints = lookForFewer(replayer, base, constraints);
  constraints = withoutSpare(constraints, holds);
  return conclude(
    replayer,
    base,
    inOrder(constraints, replayer.run(base, constraints)),
    failingBases,
  );
}

const baseNames: readonly Base[] = ["fifo", "lifo", "eager"];
const bases: Readonly<Record<Base, Strategy>> = { fifo: FIFO, lifo: LIFO, eager: EAGER };

/** Runs the program, each way once. */
class Replayer {
  readonly #run: (strategy: Strategy) => Run;
  readonly isSought: (violation: Violation) => boolean;
  readonly #maxReplays: number;
  readonly #runs = new Map<string, Run>();

  constructor(
    run: (strategy: Strategy) => Run,
    isSought: (violation: Violation) => boolean,
    maxReplays: number,
  ) {
    this.#run = run;
    this.isSought = isSought;
    this.#maxReplays = maxReplays;
  }

  get replays(): number {
    return this.#runs.size;
  }

  get exhausted(): boolean {
    return this.#runs.size >= this.#maxReplays;
  }

  run(base: Base, constraints: readonly Constraint[]): Run {
    const id = idOf(base, constraints);
    let run = this.#runs.get(id);
    if (run === undefined) {
      run = this.#run(constrained(constraints, bases[base]));
      this.#runs.set(id, run);
    }
    return run;
  }

  /** Out of replays, everything is taken to pass: what was found so far stays. */
  fails(base: Base, constraints: readonly Constraint[]): boolean {
    if (this.exhausted && !this.#runs.has(idOf(base, constraints))) return false;
    return this.run(base, constraints).violations.some(this.isSought);
  }
}

function idOf(base: Base, constraints: readonly Constraint[]): string {
  const texts = constraints.map((each) => [each.type, each.key, otherKeyOf(each)].join(" "));
  return [base, ...texts.sort()].join("\n");
}

/** What happened up to a violation. */
interface Trace {
  readonly steps: readonly Step[];
  /** What could have happened and did not. */
  readonly left: readonly Transition[];
}

function traceOf(run: Run, isSought: (violation: Violation) => boolean): Trace {
  const end = run.violations.find(isSought)?.step ?? run.steps.length;
  const steps = run.steps.slice(0, end + 1);
  const happened = new Set(steps.map(({ transition }) => transition.key));
  const left = new Map<string, Transition>();
  for (const transition of steps.flatMap(({ enabled }) => enabled)) {
    if (transition.kind !== "fault" && !happened.has(transition.key)) {
      left.set(transition.key, transition);
    }
  }
  return { steps, left: [...left.values()] };
}

/** The faults of a trace, each right after what happened before it. */
function forcesOf({ steps }: Trace): readonly Constraint[] {
  return steps.flatMap(({ transition }, index): Constraint[] =>
    transition.kind === "fault"
      ? [
          {
            type: "force",
            key: transition.key,
            after: steps[index - 1]?.transition.key ?? AT_START,
          },
        ]
      : [],
  );
}

/** Two that could have happened in the other order. */
interface Pair {
  readonly earlier: string;
  readonly later: string;
  /** The less, the plainer. */
  readonly rank: number;
}

/** All pairs of a trace whose order may matter, the plainest first. */
function pairsOf({ steps, left }: Trace): readonly Pair[] {
  const pairs: Pair[] = [];
  const pasts = necessaryPasts(steps);
  const add = (from: number, actor: string, later: Transition, to: number): void => {
    const earlier = (steps[from] as Step).transition;
    let between = 0;
    for (let at = from + 1; at < to; at++) {
      if ((steps[at] as Step).transition.actor === actor) between++;
    }
    const starts = (earlier.kind === "start" ? 1 : 0) + (later.kind === "start" ? 1 : 0);
    pairs.push({ earlier: earlier.key, later: later.key, rank: between + starts * 1_000 });
  };
  for (const [to, step] of steps.entries()) {
    for (let from = 0; from < to; from++) {
      if (pasts[to]?.has(from) !== true && depend(steps[from] as Step, step)) {
        add(from, step.transition.actor, step.transition, to);
      }
    }
  }
  for (const transition of left) {
    for (const [from, step] of steps.entries()) {
      if (step.transition.actor === transition.actor && step.transition.kind !== "start") {
        add(from, transition.actor, transition, steps.length);
      }
    }
  }
  return pairs.sort(
    (a, b) => a.rank - b.rank || compareText(a.later, b.later) || compareText(a.earlier, b.earlier),
  );
}

/** The pairs that a run takes in the other order, as holds. */
function deviationsFrom(run: Run, pairs: readonly Pair[]): readonly Constraint[] {
  const positions = new Map(run.steps.map(({ transition }, index) => [transition.key, index]));
  return pairs
    .filter(({ earlier, later }) => {
      const at = positions.get(later);
      return at !== undefined && at < (positions.get(earlier) ?? Infinity);
    })
    .map(({ earlier, later }) => ({ type: "hold", key: later, until: earlier }));
}

/** Constraints with which the base fails, in order of preference; faults last, so that they go first. */
function findSufficient(
  replayer: Replayer,
  base: Base,
  trace: Trace,
  forces: readonly Constraint[],
): readonly Constraint[] | undefined {
  const pairs = pairsOf(trace);
  let holds: readonly Constraint[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (replayer.fails(base, [...holds, ...forces])) return [...holds, ...forces];
    const run = replayer.run(base, [...holds, ...forces]);
    const known = holds;
    const more = deviationsFrom(run, pairs).filter(
      (hold) => !known.some((each) => isSameConstraint(each, hold)),
    );
    if (more.length === 0) break;
    holds = [...known, ...more];
  }
  // Something is seen by nobody: then the whole order, one after the other.
  const order = trace.steps.slice(1).map(({ transition }, index): Constraint => ({
    type: "hold",
    key: transition.key,
    until: (trace.steps[index] as Step).transition.key,
  }));
  const whole = [...order, ...forces];
  return replayer.fails(base, whole) ? whole : undefined;
}

/** Each round adds pairs that were not there, so there is an end; no case is known that needs more than 4. */
const MAX_ROUNDS = 30;

/**
 * Looks for plainer places of the faults: such that no hold is needed beside them, and right after
 * something that has to do with them.
 */
function moveForces(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
): readonly Constraint[] {
  let moved = constraints;
  for (const force of constraints) {
    if (force.type !== "force") continue;
    const places = placesFor(
      replayer.run(base, moved),
      // Where the fault fell before says nothing: all that happens without it is a place.
      replayer.run(
        base,
        moved.filter((each) => each !== force),
      ),
      force.key,
    );
    const holdless = moved.filter(({ type }) => type === "force");
    const backgrounds = holdless.length < moved.length ? [holdless, moved] : [moved];
    moved =
      backgrounds
        .flatMap((background) => places.map((after) => ({ background, after })))
        .map(({ background, after }) =>
          background.map((each) => (isSameConstraint(each, force) ? { ...force, after } : each)),
        )
        .find((candidate) => replayer.fails(base, candidate)) ?? moved;
  }
  return moved;
}

/**
 * After what a fault can be placed: the earliest that depends on it first, then the earliest of processes that
 * have to do with it at all.
 */
function placesFor(struck: Run, unharmed: Run, fault: string): readonly string[] {
  const step = struck.steps.find(({ transition }) => transition.key === fault);
  if (step === undefined) return [];
  const acquainted = acquaintancesOf(unharmed.steps, step.transition.actor);
  const steps = unharmed.steps.filter(({ transition }) => acquainted.has(transition.actor));
  const near = steps.filter((each) => depend(each, step));
  const far = steps.filter((each) => !near.includes(each));
  return [...near, ...far]
    .slice(0, MAX_PLACES)
    .map(({ transition }) => transition.key)
    .concat(AT_START);
}

const MAX_PLACES = 40;

/** All processes that have to do with one, at whatever remove. */
function acquaintancesOf(steps: readonly Step[], actor: string): ReadonlySet<string> {
  const edges = happensBefore(steps).map(
    ({ from, to }) =>
      [(steps[from] as Step).transition.actor, (steps[to] as Step).transition.actor] as const,
  );
  const found = new Set([actor]);
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const [a, b] of edges) {
      if (found.has(a)) found.add(b);
      else if (found.has(b)) found.add(a);
    }
  }
  return found;
}

/** No constraint can be left out, and still fewer others may do: looks among the pairs of the plainer run. */
function lookForFewer(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
): readonly Constraint[] {
  const holds = constraints.filter(({ type }) => type === "hold");
  const forces = constraints.filter(({ type }) => type === "force");
  if (holds.length < 2) return constraints;
  const trace = traceOf(replayer.run(base, constraints), replayer.isSought);
  const others = deviationsFrom(replayer.run(base, []), pairsOf(trace)).slice(0, MAX_OTHERS);
  for (const one of others) if (replayer.fails(base, [one, ...forces])) return [one, ...forces];
  if (holds.length < 3) return constraints;
  for (const [index, one] of others.slice(0, MAX_PAIRED).entries()) {
    for (const two of others.slice(index + 1, MAX_PAIRED)) {
      if (replayer.fails(base, [one, two, ...forces])) return [one, two, ...forces];
    }
  }
  return constraints;
}

const MAX_OTHERS = 24;
const MAX_PAIRED = 8;

function conclude(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
  failingBases: readonly Base[],
): Explanation {
  const run = replayer.run(base, constraints);
  const passes = (changed: readonly Constraint[]): boolean => !replayer.fails(base, changed);
  const dropped = constraints.map((_, index) => constraints.toSpliced(index, 1));
  const minimal = dropped.every(passes) && !replayer.exhausted;
  let twin: Twin | undefined;
  for (const [index, constraint] of constraints.entries()) {
    if (constraint.type !== "hold" || twin !== undefined) continue;
    const { key, until } = constraint;
    const flipped = constraints.with(index, { type: "hold", key: until, until: key });
    if (replayer.exhausted || !passes(flipped)) continue;
    twin = { index, how: "flipped", constraints: flipped, run: replayer.run(base, flipped) };
  }
  const [without] = dropped;
  if (twin === undefined && without !== undefined && minimal) {
    twin = { index: 0, how: "dropped", constraints: without, run: replayer.run(base, without) };
  }
  return {
    base,
    constraints,
    run,
    violation: run.violations.find(replayer.isSought) as Violation,
    minimal,
    failingBases,
    twin,
    replays: replayer.replays,
  };
}

/** By when what they wait for happens. */
function inOrder(constraints: readonly Constraint[], run: Run): readonly Constraint[] {
  const positions = new Map(run.steps.map(({ transition }, index) => [transition.key, index]));
  const at = (constraint: Constraint): number => positions.get(constraint.key) ?? Infinity;
  return [...constraints].sort((a, b) => at(a) - at(b) || compareText(a.key, b.key));
}

function withoutNumbers(message: string): string {
  return message.replace(/\d+/g, "0");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

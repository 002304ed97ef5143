/**
 * Why a run fails, as the fewest ordering constraints: the base order and these k holds fail, and without
 * any of them the run passes.
 *
 * The base is FIFO, or LIFO when FIFO fails by itself. Candidates are pairs of dependent steps which the
 * base takes in the other order than the failing run; they are added until the base with them fails,
 * and then thinned out. Whatever takes part in no such pair has no say in the result.
 */
import { checkFunction, checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkOptionalFunction, checkTimes } from "./arguments.js";
import { moveForces } from "./fault-places.js";
import { lookForFewer } from "./fewer-constraints.js";
import { minimalSubset, withoutSpare } from "./minimal-subset.js";
import { baseNames, Replayer, type Base } from "./replayer.js";
import {
  compareText,
  deviationsFrom,
  flip,
  forcesOf,
  pairsOf,
  traceOf,
  type Trace,
} from "./run-order.js";
import type { Run, Violation } from "./run.js";
import { otherKeyOf, type Constraint } from "./schedule.js";
import type { Strategy } from "./strategy.js";

export interface ExplainOptions {
  /** Which violation of `failing` is to be explained; the first by default. */
  readonly violation?: Violation;
  /** Whether two violations are the same; by default when they are of the same check. */
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

/** What a check is called is what it is; its message may tell who it was this time. */
export function isSameViolation(a: Violation, b: Violation): boolean {
  return a.check === b.check;
}

/**
 * Explains a failing run. `undefined` when constraints do not bring the violation back: the program
 * depends on something that is no part of its schedule.
 *
 * @param run runs the program anew, by a strategy
 * @param failing a run of the program, with at least one violation
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 */
export function explain(
  run: (strategy: Strategy) => Run,
  failing: Run,
  options: ExplainOptions = {},
): Explanation | undefined {
  checkFunction("explain: run", run);
  checkKeys("explain: options", options, ["violation", "isSame", "maxReplays"]);
  checkOptionalFunction("explain: options.isSame", options.isSame);
  checkTimes("explain: options.maxReplays", options.maxReplays);
  const violation = options.violation ?? failing?.violations?.[0];
  if (violation === undefined) {
    throw new InvalidArgumentError("explain: failing", "a run with a violation", failing);
  }
  const { isSame = isSameViolation, maxReplays = 1_000 } = options;
  const replayer = new Replayer(run, (each) => isSame(each, violation), maxReplays);

  const failingBases = baseNames.filter((base) => replayer.fails(base, []));
  const base = baseNames.find((name) => !failingBases.includes(name));
  // Explained is the plainest run that fails, so that how it was found makes no difference.
  const [plainest = "fifo"] = failingBases;
  const target = failingBases.length > 0 ? replayer.run(plainest, []) : failing;
  if (base === undefined) return conclude(replayer, plainest, [], failingBases);

  const isSought = (each: Violation): boolean => isSame(each, violation);
  const targets = target === failing ? [failing] : [target, failing];
  const traces = targets.map((each) => traceOf(each, isSought));
  const sufficient = firstOf(traces, (trace) => findSufficient(replayer, base, trace));
  if (sufficient === undefined) {
    return failingBases.length > 0 ? conclude(replayer, plainest, [], failingBases) : undefined;
  }
  const holds = (subset: readonly Constraint[]): boolean => replayer.fails(base, subset);
  let constraints = minimalSubset(sufficient, holds);
  constraints = moveForces(replayer, base, constraints);
  constraints = lookForFewer(replayer, base, constraints, traces);
  constraints = withoutSpare(constraints, holds);
  return conclude(
    replayer,
    base,
    inOrder(constraints, replayer.run(base, constraints)),
    failingBases,
  );
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Constraints with which the base fails, in order of preference; faults last, so that they go first. */
function findSufficient(
  replayer: Replayer,
  base: Base,
  trace: Trace,
): readonly Constraint[] | undefined {
  const pairs = pairsOf(trace);
  const forces = forcesOf(trace);
  let holds: readonly Constraint[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (replayer.fails(base, [...holds, ...forces])) return [...holds, ...forces];
    const run = replayer.run(base, [...holds, ...forces]);
    const known = new Set(holds.map((each) => `${each.key} ${otherKeyOf(each)}`));
    const more = deviationsFrom(run, pairs)
      .filter((hold) => !known.has(`${hold.key} ${otherKeyOf(hold)}`))
      .slice(0, MAX_PER_ROUND);
    if (more.length === 0) break;
    holds = [...holds, ...more];
  }
  // Something is seen by nobody: then the whole order, one after the other.
  const whole = [...wholeOrder(trace), ...forces];
  return replayer.fails(base, whole) ? whole : undefined;
}

/** Each step after the one before, and after all of them what could have happened and did not. */
function wholeOrder({ steps, later, left }: Trace): Constraint[] {
  const keys = steps.map(({ transition }) => transition.key);
  const last = keys.at(-1);
  if (last === undefined) return [];
  const waiting = [
    ...later
      .filter(({ creator }) => creator < steps.length - 1)
      .map(({ transition }) => transition),
    ...left,
  ];
  return [
    ...keys.slice(1).map((key, index): Constraint => {
      return { type: "hold", key, until: keys[index] as string };
    }),
    ...waiting
      .filter(({ kind }) => kind !== "fault")
      .map(({ key }): Constraint => ({ type: "hold", key, until: last })),
  ];
}

/** Each round adds pairs that were not there, so there is an end; no case is known that needs more than 4. */
const MAX_ROUNDS = 30;
/** The plainest first; more can follow in the next round. */
const MAX_PER_ROUND = 500;

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
    const flipped = constraints.with(index, flip(constraint));
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

/** What a failing run says about orders: which pairs of its steps could have come the other way round. */
import { depend, necessaryPasts, type Positions } from "./causality.js";
import type { Run, Step, Violation } from "./run.js";
import { AT_START, type Constraint } from "./schedule.js";
import type { Transition } from "./transition.js";

/** What happened up to a violation, and what did not happen before it. */
export interface Trace {
  readonly steps: readonly Step[];
  /** What happened after it. */
  readonly later: readonly Step[];
  /** What could have happened and never did. */
  readonly left: readonly Transition[];
}

export function traceOf(run: Run, isSought: (violation: Violation) => boolean): Trace {
  const end = run.violations.find(isSought)?.step ?? run.steps.length;
  const steps = run.steps.slice(0, end + 1);
  const later = run.steps.slice(end + 1);
  const happened = new Set(run.steps.map(({ transition }) => transition.key));
  const left = new Map<string, Transition>();
  for (const transition of steps.flatMap(({ enabled }) => enabled)) {
    if (transition.kind !== "fault" && !happened.has(transition.key)) {
      left.set(transition.key, transition);
    }
  }
  return { steps, later, left: [...left.values()] };
}

/** The faults of a trace, each right after what happened before it. */
export function forcesOf({ steps }: Trace): readonly Constraint[] {
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
export interface Pair {
  readonly earlier: string;
  readonly later: string;
  /** The less, the plainer. */
  readonly rank: number;
}

/**
 * Pairs of a trace whose order may matter, the plainest first. Of those that are far apart only some are needed: what
 * stands between them keeps them in order.
 */
export function pairsOf({ steps, later, left }: Trace): readonly Pair[] {
  const pairs: Pair[] = [];
  const pasts = necessaryPasts(steps);
  const addAll = (
    later: Transition,
    to: number,
    isDependent: (before: Step, from: number) => boolean,
  ): void => {
    let between = 0;
    for (let from = to - 1; from >= 0 && between <= MAX_BETWEEN; from--) {
      const before = steps[from] as Step;
      const earlier = before.transition;
      if (isDependent(before, from)) {
        const starts = (earlier.kind === "start" ? 1 : 0) + (later.kind === "start" ? 1 : 0);
        const rank = between + starts * (MAX_BETWEEN + 1);
        pairs.push({ earlier: earlier.key, later: later.key, rank });
      }
      if (earlier.actor === later.actor) between++;
    }
  };
  for (const [to, step] of steps.entries()) {
    const past = pasts[to] as Positions;
    addAll(step.transition, to, (before, from) => !past.has(from) && depend(before, step));
  }
  for (const step of later.slice(0, MAX_LATER)) {
    addAll(
      step.transition,
      steps.length,
      (before) => before.transition.kind !== "start" && depend(before, step),
    );
  }
  for (const transition of left.slice(0, MAX_LATER)) {
    addAll(
      transition,
      steps.length,
      ({ transition: { actor, kind } }) => actor === transition.actor && kind !== "start",
    );
  }
  return pairs.sort(
    (a, b) => a.rank - b.rank || compareText(a.later, b.later) || compareText(a.earlier, b.earlier),
  );
}

/** Steps of one process between two of a pair. */
const MAX_BETWEEN = 64;
/** Steps after a violation that are looked at. */
const MAX_LATER = 256;

/** The pairs that a run takes in the other order, as holds. */
export function deviationsFrom(run: Run, pairs: readonly Pair[]): readonly Constraint[] {
  const positions = new Map(run.steps.map(({ transition }, index) => [transition.key, index]));
  return pairs
    .filter(({ earlier, later }) => {
      const at = positions.get(later);
      return at !== undefined && at < (positions.get(earlier) ?? Infinity);
    })
    .map(({ earlier, later }) => ({ type: "hold", key: later, until: earlier }));
}

export function flip(constraint: Constraint): Constraint {
  const { key, type } = constraint;
  return type === "hold" ? { type, key: constraint.until, until: key } : constraint;
}

/** A pair the other way round, as a hold. */
export function turned({ earlier, later }: Pair): Constraint {
  return { type: "hold", key: earlier, until: later };
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

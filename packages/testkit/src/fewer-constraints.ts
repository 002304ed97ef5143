/** Fewer constraints in place of some of which none can be left out. */
import { withoutSpare } from "./minimal-subset.js";
import type { Base, Replayer } from "./replayer.js";
import { deviationsFrom, pairsOf, traceOf, turned, type Trace } from "./run-order.js";
import type { Run } from "./run.js";
import { AT_START, otherKeyOf, type Constraint } from "./schedule.js";

/**
 * No constraint can be left out, and still fewer others may do: looks among all that the base could take the
 * other way round, and among what the runs that failed have in another order; and again, until there are no fewer.
 */
export function lookForFewer(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
  traces: readonly Trace[],
): readonly Constraint[] {
  let fewest = constraints;
  for (;;) {
    const fewer = fewerThan(replayer, base, fewest, traces);
    if (fewer === undefined) return fewest;
    fewest = withoutSpare(fewer, (some) => replayer.fails(base, some));
  }
}

function fewerThan(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
  traces: readonly Trace[],
): readonly Constraint[] | undefined {
  const holds = constraints.filter(({ type }) => type === "hold");
  const forces = constraints.filter(({ type }) => type === "force");
  if (constraints.length < 2 || holds.length === 0) return undefined;
  const plainest = traceOf(replayer.run(base, constraints), replayer.isSought);
  const usual = replayer.run(base, []);
  const others = distinct([
    ...deviationsFrom(usual, pairsOf(plainest)),
    ...pairsOf(traceOf(usual, replayer.isSought)).map(turned),
    ...traces.flatMap((trace) => deviationsFrom(usual, pairsOf(trace))),
  ]).slice(0, MAX_SINGLE);
  // What is said of the result in the end takes runs as well: without each, and the other way round.
  const until = MAX_REPLAYS - 2 * constraints.length;
  const candidates = [
    ...joined(holds).map((some) => [...some, ...forces]),
    ...others.map((one) => [one, ...forces]),
    ...singleFaults(usual, traces).map((force) => [force]),
    ...(holds.length < 3
      ? []
      : pairsAmong(others.slice(0, MAX_PAIRED)).map((two) => [...two, ...forces])),
    ...(holds.length < 4 ? [] : exchanges(holds, others).map((some) => [...some, ...forces])),
  ];
  for (const candidate of candidates) {
    if (replayer.replays >= until) break;
    if (candidate.length < constraints.length && replayer.fails(base, candidate)) return candidate;
  }
  return undefined;
}

/** Runs of an explanation from its beginning. */
const MAX_REPLAYS = 100;
const MAX_SINGLE = 48;
const MAX_PAIRED = 8;

/** With one in place of two that follow from each other: a after b, and b after c, puts a after c. */
function joined(holds: readonly Constraint[]): readonly (readonly Constraint[])[] {
  return holds.flatMap((one) =>
    holds
      .filter((two) => otherKeyOf(one) === two.key && one.key !== otherKeyOf(two))
      .map((two) => [
        ...holds.filter((each) => each !== one && each !== two),
        { type: "hold", key: one.key, until: otherKeyOf(two) } as const,
      ]),
  );
}

/** Each fault that was possible, after each of the first things that have to do with it. */
function singleFaults(usual: Run, traces: readonly Trace[]): readonly Constraint[] {
  const steps = traces.flatMap((trace) => [...trace.steps, ...trace.later]);
  const happened = steps.map(({ transition }) => transition);
  const possible = steps.flatMap(({ enabled }) => enabled);
  const keys = new Set(
    [...happened, ...possible].filter(({ kind }) => kind === "fault").map(({ key }) => key),
  );
  const places = usual.steps.map(({ transition }) => transition.key);
  return [...keys]
    .slice(0, 4)
    .flatMap((key) =>
      [AT_START, ...places]
        .slice(0, 12)
        .map((after): Constraint => ({ type: "force", key, after })),
    );
}

function pairsAmong<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((one, index) => items.slice(index + 1).map((two) => [one, two] as const));
}

/** All that is left when two are taken out and another is put in; first one that has to do with both, or with one. */
function exchanges(
  items: readonly Constraint[],
  others: readonly Constraint[],
): readonly (readonly Constraint[])[] {
  return pairsAmong(items)
    .flatMap((two) => {
      const rest = items.filter((item) => !two.includes(item));
      return others.map((other) => ({
        some: [...rest, other],
        shared: two.filter((each) => shareKey(each, other)).length,
      }));
    })
    .sort((a, b) => b.shared - a.shared)
    .map(({ some }) => some);
}

function shareKey(a: Constraint, b: Constraint): boolean {
  const keys = [b.key, otherKeyOf(b)];
  return keys.includes(a.key) || keys.includes(otherKeyOf(a));
}

function distinct(constraints: readonly Constraint[]): readonly Constraint[] {
  return [
    ...new Map(
      constraints.map((each) => [`${each.type} ${each.key} ${otherKeyOf(each)}`, each]),
    ).values(),
  ];
}

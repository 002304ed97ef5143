/** Fewer constraints in place of some of which none can be left out. */
import type { Base, Replayer } from "./replayer.js";
import { deviationsFrom, pairsOf, traceOf, turned, type Trace } from "./run-order.js";
import type { Run } from "./run.js";
import { AT_START, otherKeyOf, type Constraint } from "./schedule.js";

/**
 * No constraint can be left out, and still fewer others may do: looks among all that the base could take the
 * other way round, and among what the runs that failed have in another order.
 */
export function lookForFewer(
  replayer: Replayer,
  base: Base,
  constraints: readonly Constraint[],
  traces: readonly Trace[],
): readonly Constraint[] {
  const holds = constraints.filter(({ type }) => type === "hold");
  const forces = constraints.filter(({ type }) => type === "force");
  if (constraints.length < 2 || holds.length === 0) return constraints;
  const plainest = traceOf(replayer.run(base, constraints), replayer.isSought);
  const usual = replayer.run(base, []);
  const others = distinct([
    ...deviationsFrom(usual, pairsOf(plainest)),
    ...pairsOf(traceOf(usual, replayer.isSought)).map(turned),
    ...traces.flatMap((trace) => deviationsFrom(usual, pairsOf(trace))),
  ]);
  const until = replayer.replays + MAX_REPLAYS_FOR_FEWER;
  const candidates = [
    ...others.slice(0, MAX_SINGLE).map((one) => [one, ...forces]),
    ...singleFaults(usual, traces).map((force) => [force]),
    ...(holds.length < 3
      ? []
      : pairsAmong(others.slice(0, MAX_PAIRED)).map((two) => [...two, ...forces])),
    ...(holds.length < 4
      ? []
      : exchanges(holds, others.slice(0, MAX_SINGLE)).map((some) => [...some, ...forces])),
  ];
  for (const candidate of candidates) {
    if (replayer.replays >= until) break;
    if (candidate.length < constraints.length && replayer.fails(base, candidate)) return candidate;
  }
  return constraints;
}

const MAX_REPLAYS_FOR_FEWER = 100;
const MAX_SINGLE = 48;
const MAX_PAIRED = 8;

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

/** All that is left when two are taken out and another is put in. */
function exchanges<T>(items: readonly T[], others: readonly T[]): readonly (readonly T[])[] {
  return pairsAmong(items).flatMap((two) => {
    const rest = items.filter((item) => !two.includes(item));
    return others.map((other) => [...rest, other]);
  });
}

function distinct(constraints: readonly Constraint[]): readonly Constraint[] {
  return [
    ...new Map(
      constraints.map((each) => [`${each.type} ${each.key} ${otherKeyOf(each)}`, each]),
    ).values(),
  ];
}

/** Where the faults of an explanation are put: at the plainest places at which it still fails. */
import { depend, happensBefore } from "./causality.js";
import type { Base, Replayer } from "./replayer.js";
import type { Run, Step } from "./run.js";
import { AT_START, isSameConstraint, type Constraint } from "./schedule.js";

/**
 * Looks for plainer places of the faults: such that no hold is needed beside them, and right after
 * something that has to do with them.
 */
export function moveForces(
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
  // Of some faults nobody knows whom they befall.
  const steps = step.accesses.some(({ object }) => object === "*")
    ? unharmed.steps
    : unharmed.steps.filter(({ transition }) => acquainted.has(transition.actor));
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

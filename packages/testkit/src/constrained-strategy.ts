/**
 * A strategy that keeps the constraints of a schedule and leaves the rest to another.
 *
 * What holds keep back waits as long as anything else can happen. When nothing else can, they give
 * way: a hold never ends a run, and so a schedule means something for every program.
 */
import { FIFO, type RunView, type Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";
import { AT_START, type Constraint } from "./schedule.js";

/** Every timer fires as soon as it can, the first that was set first; the rest as under FIFO. */
export const EAGER: Strategy = {
  pick: (enabled, view) => enabled.find(isTimer) ?? FIFO.pick(enabled, view),
};

/**
 * Keeps `constraints`; whatever they leave open is for `fill` to pick.
 *
 * Made for one run: it remembers what has happened.
 */
export function constrained(constraints: readonly Constraint[], fill: Strategy): Strategy {
  return constraints.length === 0 ? fill : new ConstrainedStrategy(constraints, fill);
}

class ConstrainedStrategy implements Strategy {
  readonly #fill: Strategy;
  /** For how many others each key has still to wait. */
  readonly #waits = new Map<string, number>();
  /** The keys that wait for a key. */
  readonly #waiters = new Map<string, Set<string>>();
  /** Keys to happen at once, by the key they follow. */
  readonly #followers = new Map<string, string[]>();
  /** Followers whose turn has come, oldest first. */
  readonly #due: string[];

  constructor(constraints: readonly Constraint[], fill: Strategy) {
    this.#fill = fill;
    for (const constraint of constraints) {
      if (constraint.type === "hold") {
        const waiters = entry(this.#waiters, constraint.until, () => new Set<string>());
        if (waiters.has(constraint.key)) continue;
        waiters.add(constraint.key);
        this.#waits.set(constraint.key, (this.#waits.get(constraint.key) ?? 0) + 1);
      } else entry(this.#followers, constraint.after, () => []).push(constraint.key);
    }
    this.#due = this.#followers.get(AT_START) ?? [];
  }

  pick(enabled: readonly Transition[], view: RunView): Transition | undefined {
    const picked = this.#dueIn(enabled) ?? this.#fill.pick(this.#free(enabled), view);
    if (picked === undefined) return undefined;
    for (const waiter of this.#waiters.get(picked.key) ?? []) {
      this.#waits.set(waiter, (this.#waits.get(waiter) as number) - 1);
    }
    this.#waiters.delete(picked.key);
    const followers = this.#followers.get(picked.key);
    if (followers !== undefined) {
      this.#followers.delete(picked.key);
      this.#due.push(...followers);
    }
    return picked;
  }

  #dueIn(enabled: readonly Transition[]): Transition | undefined {
    for (const [index, key] of this.#due.entries()) {
      const transition = enabled.find((each) => each.key === key);
      if (transition !== undefined && !this.#isHeld(transition)) {
        this.#due.splice(index, 1);
        return transition;
      }
    }
    return undefined;
  }

  #free(enabled: readonly Transition[]): readonly Transition[] {
    const free = enabled.filter((transition) => !this.#isHeld(transition));
    return free.every(isFault) ? enabled : free;
  }

  #isHeld({ key }: Transition): boolean {
    return (this.#waits.get(key) ?? 0) > 0;
  }
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

function isTimer({ kind }: Transition): boolean {
  return kind === "timer";
}

function isFault({ kind }: Transition): boolean {
  return kind === "fault";
}

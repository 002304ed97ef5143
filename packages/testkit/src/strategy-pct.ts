/**
 * PCT over channels: each channel has a priority, the highest that can go goes, and at d − 1 change
 * points the channel that is about to go drops below all others.
 *
 * With n channels and k transitions each bug of depth d is found by a run with a probability of at least
 * 1/(n·k^(d−1)). The priority of a channel is made of the seed and its name, and a change point is the
 * key of a transition: what is unrelated changes neither.
 *
 * Timers stand outside: as channels among others they would nearly always come first or last of all.
 * Three in ten fire early, when their process has handled a few; the others when nothing else goes.
 *
 * Burckhardt, Kothari, Musuvathi, Nagarakatte: A randomized scheduler with probabilistic guarantees of
 * finding bugs, ASPLOS 2010. Channels as threads: Ozkan et al., OOPSLA 2018.
 */
import { hashText, hashWith, unit } from "./key-hash.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface PctPlan {
  readonly seed: number;
  /** Bugs that need so many orderings are found with the probability that is promised. */
  readonly depth: number;
  /**
   * Hashes of the keys before which the channel that is about to go drops, as `drawChanges` draws them.
   * Without them the keys of a run are not known beforehand: then any key may be one, by how many there are.
   */
  readonly changes?: readonly number[] | undefined;
  /** Where there are no `changes`: how many transitions the run is taken to have; without it the seed guesses. */
  readonly length?: number | undefined;
}

const EARLY = 0.3;
const EARLY_SALT = 1;
const WHEN_SALT = 2;
const GUESS_SALT = 3;
const CHANGE_SALT = 4;
/** A guess of how many transitions a run has is 4, 8, … up to this. */
const MOST_GUESSED = 512;

/** PCT as planned, for one run. Picks no faults. */
export function pct({ seed, depth, changes, length }: PctPlan): Strategy {
  const priorities = new Map<string, number>();
  const handled = new Map<string, number>();
  const planned = changes === undefined ? undefined : new Set(changes);
  const changed = new Set<number>();
  const chance = (depth - 1) / (length ?? guessLength(seed));

  function isChange(keyHash: number): boolean {
    if (changed.has(keyHash)) return false;
    return planned?.has(keyHash) ?? unit(seed, keyHash, CHANGE_SALT) < chance;
  }

  function priorityOf(channel: string): number {
    const known = priorities.get(channel);
    if (known !== undefined) return known;
    const priority = unit(seed, hashText(channel));
    priorities.set(channel, priority);
    return priority;
  }

  function highest(enabled: readonly Transition[]): Transition | undefined {
    let best: Transition | undefined;
    let most = -Infinity;
    for (const transition of enabled) {
      if (transition.kind === "timer" || transition.kind === "fault") continue;
      const priority = priorityOf(transition.channel);
      if (priority > most) {
        best = transition;
        most = priority;
      }
    }
    return best;
  }

  /** How many its process handles before an early timer fires; `Infinity` for a late one. */
  function firesAfter({ keyHash }: Transition): number {
    if (unit(seed, keyHash, EARLY_SALT) >= EARLY) return Infinity;
    return Math.clz32(hashWith(seed, keyHash, WHEN_SALT));
  }

  function pick(enabled: readonly Transition[]): Transition | undefined {
    for (const transition of enabled) {
      if (transition.kind !== "timer") continue;
      if ((handled.get(transition.actor) ?? 0) >= firesAfter(transition)) return transition;
    }
    let best = highest(enabled);
    while (best !== undefined && isChange(best.keyHash) && couldWait(enabled)) {
      changed.add(best.keyHash);
      priorities.set(best.channel, -unit(seed, best.keyHash, CHANGE_SALT + 1));
      best = highest(enabled);
    }
    return best ?? enabled.find(({ kind }) => kind === "timer");
  }

  return {
    pick(enabled) {
      const picked = pick(enabled);
      if (picked !== undefined) handled.set(picked.actor, (handled.get(picked.actor) ?? 0) + 1);
      return picked;
    },
  };
}

/** Each power of two is as likely as the others. */
function guessLength(seed: number): number {
  return 4 * 2 ** Math.floor(unit(seed, GUESS_SALT) * Math.log2(MOST_GUESSED / 2));
}

/** There is something else that could go: only then is this a place to change. */
export function couldWait(enabled: readonly Transition[]): boolean {
  let others = 0;
  for (const { kind } of enabled) if (kind !== "timer" && kind !== "fault") others++;
  return others > 1;
}

/**
 * Change points for depth `depth`: of these keys, the hashes that the seed likes best.
 *
 * Each is drawn from all keys alike, and stays when keys that it is not are taken away.
 */
export function drawChanges(seed: number, depth: number, keyHashes: Iterable<number>): number[] {
  const changes: number[] = [];
  const keys = [...keyHashes];
  for (let change = 1; change < depth; change++) {
    let least = Infinity;
    let drawn: number | undefined;
    for (const keyHash of keys) {
      const rank = hashWith(seed, keyHash, CHANGE_SALT + change);
      if (rank < least) {
        least = rank;
        drawn = keyHash;
      }
    }
    if (drawn !== undefined) changes.push(drawn);
  }
  return changes;
}

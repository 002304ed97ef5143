/** Which kinds of faults struck in which states. */
import type { Coverage } from "./coverage.js";
import type { Strike } from "./sightings.js";

/** A state that is a number without end has more than anybody reads. */
const MOST_STATES = 1_000;

export class StrikeTable {
  readonly #statesOf = new Map<string, Set<string>>();
  readonly #states = new Set<string>();

  add({ kind, state }: Strike): void {
    if (state === undefined) return;
    if (this.#states.size >= MOST_STATES && !this.#states.has(state)) return;
    this.#states.add(state);
    const states = this.#statesOf.get(kind);
    if (states === undefined) this.#statesOf.set(kind, new Set([state]));
    else states.add(state);
  }

  report(mostListed: number): Coverage["faults"] {
    const missing: string[] = [];
    let seen = 0;
    for (const [kind, states] of this.#statesOf) {
      seen += states.size;
      for (const state of this.#states) {
        if (missing.length === mostListed) break;
        if (!states.has(state)) missing.push(`${kind} in ${state}`);
      }
    }
    return { kinds: this.#statesOf.size, states: this.#states.size, seen, missing };
  }
}

/**
 * What is known of a program from the runs so far: what strategies draw their plans from.
 *
 * Numbers are maxima over runs: one that is too small would void what PCT promises.
 */
import type { Run } from "./run.js";
import { couldWait } from "./strategy-pct.js";
import { nameOfFault } from "./fault-plan.js";
import type { Transition } from "./transition.js";

/** With more keys than this new ones are left out: drawing from them would take longer than the run. */
const MOST_KEYS = 5_000;

export class ProgramModel {
  /** Hashes of keys of what happened although something else could have. */
  readonly changeable: Set<number> = new Set();
  /** How much each channel carried at the most. */
  readonly lengths: Map<string, number> = new Map();
  /** Processes that more than one channel leads to, and these channels. */
  readonly receivers: Map<string, Set<string>> = new Map();
  /** Kind and target of each fault that was possible. */
  readonly faults: Set<string> = new Set();
  /** Keys of the last run, in order, until its calm. */
  keys: readonly string[] = [];
  readonly #faultKeys = new Set<number>();

  learn({ steps, calmFrom = steps.length }: Run): void {
    const lengths = new Map<string, number>();
    for (const { transition, enabled } of steps) {
      const { kind, channel, keyHash } = transition;
      if (kind !== "timer" && kind !== "fault") {
        lengths.set(channel, (lengths.get(channel) ?? 0) + 1);
        if (this.changeable.size < MOST_KEYS && couldWait(enabled)) this.changeable.add(keyHash);
        if (lengths.get(channel) === 1) this.#learnReceiver(transition.actor, channel);
      }
      this.#learnFaults(enabled);
    }
    for (const [channel, length] of lengths) {
      if (length > (this.lengths.get(channel) ?? 0)) this.lengths.set(channel, length);
    }
    // In the calm nothing strikes any more.
    if (this.faults.size > 0)
      this.keys = steps.slice(0, calmFrom).map(({ transition }) => transition.key);
  }

  /** They stand last. One may have taken the place of another: what was down can come up. */
  #learnFaults(enabled: readonly Transition[]): void {
    for (let place = enabled.length - 1; place >= 0; place--) {
      const one = enabled[place] as Transition;
      if (one.kind !== "fault") return;
      if (this.#faultKeys.has(one.keyHash)) continue;
      this.#faultKeys.add(one.keyHash);
      this.faults.add(nameOfFault(one));
    }
  }

  #learnReceiver(actor: string, channel: string): void {
    const channels = this.receivers.get(actor);
    if (channels === undefined) this.receivers.set(actor, new Set([channel]));
    else channels.add(channel);
  }
}

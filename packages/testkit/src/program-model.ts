/**
 * What is known of a program from the runs so far: what strategies draw their plans from.
 *
 * Numbers are maxima over runs: one that is too small would void what PCT promises.
 */
import type { Run } from "./run.js";
import { couldWait } from "./strategy-pct.js";
import { nameOfFault } from "./fault-plan.js";

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
  /** Keys of the last run, in order. */
  keys: readonly string[] = [];

  learn({ steps }: Run): void {
    const lengths = new Map<string, number>();
    let lastFaults = 0;
    for (const { transition, enabled } of steps) {
      const { kind, channel, keyHash } = transition;
      if (kind !== "timer" && kind !== "fault") {
        lengths.set(channel, (lengths.get(channel) ?? 0) + 1);
        if (this.changeable.size < MOST_KEYS && couldWait(enabled)) this.changeable.add(keyHash);
        if (lengths.get(channel) === 1) this.#learnReceiver(transition.actor, channel);
      }
      const last = enabled.at(-1);
      if (last?.kind === "fault") {
        // Faults stand last, and change seldom.
        const faults = enabled.filter((one) => one.kind === "fault");
        if (faults.length !== lastFaults)
          for (const one of faults) this.faults.add(nameOfFault(one));
        lastFaults = faults.length;
      }
    }
    for (const [channel, length] of lengths) {
      if (length > (this.lengths.get(channel) ?? 0)) this.lengths.set(channel, length);
    }
    if (this.faults.size > 0) this.keys = steps.map(({ transition }) => transition.key);
  }

  #learnReceiver(actor: string, channel: string): void {
    const channels = this.receivers.get(actor);
    if (channels === undefined) this.receivers.set(actor, new Set([channel]));
    else channels.add(channel);
  }
}

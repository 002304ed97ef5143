/**
 * SURW: one process is selected, and each order of what arrives at it is as likely as every other.
 *
 * A uniform walk favours channels with little to say: they are done while the others are in the middle.
 * Here a channel that is expected to carry m transitions draws m times, spread uniformly, and takes them
 * in order; what arrives at the selected process does so in the order of these times. All else goes
 * by priorities of its keys. Times are made of the seed, the channel and the position on it.
 *
 * Zhao et al.: Selectively uniform concurrency testing, ASPLOS 2025.
 */
import { hashText, hashWith, unit } from "./key-hash.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

export interface SurwPlan {
  readonly seed: number;
  /** Key of the selected process; all are when there is none. */
  readonly process?: string | undefined;
  /** How much each channel to it is expected to carry; guessed by the seed for those that are not in it. */
  readonly lengths?: ReadonlyMap<string, number> | undefined;
}

/** What arrives on one channel: when each is due, and how many came. */
interface Channel {
  readonly times: readonly number[];
  taken: number;
}

/** SURW as planned, for one run. Picks no faults. */
export function surw({ seed, process, lengths }: SurwPlan): Strategy {
  const channels = new Map<string, Channel>();
  for (const [name, length] of lengths ?? []) channels.set(name, drawTimes(seed, name, length));

  function channelOf(name: string): Channel {
    const known = channels.get(name);
    if (known !== undefined) return known;
    const channel = drawTimes(seed, name, guessLength(seed, name));
    channels.set(name, channel);
    return channel;
  }

  /** Whose turn it is; `undefined` when all that was expected has come. */
  function intended(): Channel | undefined {
    let first: Channel | undefined;
    for (const channel of channels.values()) {
      if (channel.taken >= channel.times.length) continue;
      if (first === undefined || timeOf(channel) < timeOf(first)) first = channel;
    }
    return first;
  }

  function isSelected({ kind, actor }: Transition): boolean {
    return kind !== "timer" && kind !== "fault" && (process === undefined || actor === process);
  }

  /** Of what does not arrive at the selected process, what has the highest priority. */
  function bestOfOthers(enabled: readonly Transition[]): Transition | undefined {
    let best: Transition | undefined;
    let highest = -1;
    for (const transition of enabled) {
      if (transition.kind === "fault" || isSelected(transition)) continue;
      const draw = unit(seed, transition.keyHash);
      const priority = transition.kind === "timer" ? draw ** 4 : draw;
      if (priority > highest) {
        best = transition;
        highest = priority;
      }
    }
    return best;
  }

  return {
    pick(enabled: readonly Transition[]): Transition | undefined {
      let earliest: Transition | undefined;
      let earliestAt = Infinity;
      for (const transition of enabled) {
        if (!isSelected(transition)) continue;
        const at = timeOf(channelOf(transition.channel));
        if (at < earliestAt) {
          earliest = transition;
          earliestAt = at;
        }
      }
      // While the one whose turn it is has not come, the selected process waits for it, if it can.
      const waits = earliest === undefined || channelOf(earliest.channel) !== intended();
      const other = waits ? bestOfOthers(enabled) : undefined;
      if (other !== undefined || earliest === undefined) return other;
      channelOf(earliest.channel).taken++;
      return earliest;
    },
  };
}

function timeOf({ times, taken }: Channel): number {
  // More came than expected: after all that was expected.
  return times[taken] ?? 1 + taken;
}

/** 1, 2, 4 or 8. */
function guessLength(seed: number, name: string): number {
  return 2 ** (hashWith(seed, hashText(name), -1) % 4);
}

function drawTimes(seed: number, name: string, length: number): Channel {
  const hash = hashText(name);
  const times = Array.from({ length }, (_, position) => unit(seed, hash, position));
  return { times: times.sort((a, b) => a - b), taken: 0 };
}

/** What can happen in a state, by what it does: equal states have the same, whatever its keys are. */
import type { Happening } from "@coppice/core";
import { inOrder, numberAnew, rawText } from "./canonical-text.js";
import type { Kernel } from "./kernel.js";
import type { SimTimers } from "./sim-timers.js";
import type { Transition } from "./transition.js";

/** What can happen, each with its name. Of several that do the same the first stands for all. */
export function deeds(
  enabled: readonly Transition[],
  kernel: Kernel,
): ReadonlyMap<string, Transition> {
  const byName = new Map<string, Map<string, Transition>>();
  for (const transition of enabled) {
    const raw = nameOf(transition, kernel);
    const name = numberAnew(raw);
    // They differ in the numbers of references, or not at all.
    const alike = byName.get(name);
    if (alike === undefined) byName.set(name, new Map([[raw, transition]]));
    else if (!alike.has(raw)) alike.set(raw, transition);
  }
  const deeds = new Map<string, Transition>();
  for (const [name, alike] of byName) {
    for (const [at, raw] of inOrder([...alike.keys()]).entries()) {
      deeds.set(at === 0 ? name : `${name} ${at + 1}`, alike.get(raw) as Transition);
    }
  }
  return deeds;
}

function nameOf(transition: Transition, kernel: Kernel): string {
  if (transition.kind === "fault") return transition.channel;
  const happening = transition as unknown as Happening;
  const { kind, actor, content, isLoose, channel, senderPid } = happening;
  switch (kind) {
    case "signal": {
      // Who sent it says nothing where that gives it no place in an order; from which node it comes may.
      const isAnyones = isLoose || kernel.options.profile === "instant";
      const node = kernel.lives.all.length > 1 ? (senderPid?.node ?? "") : "";
      return `${isAnyones ? `${node}→${actor}` : channel} ${rawText(content)}`;
    }
    case "timer": {
      const leftMs = (kernel.agenda.timers as SimTimers).dueMs(happening) - kernel.nowMs;
      return `timer ${actor} ${leftMs} ${rawText(content)}`;
    }
    default:
      return `${kind} ${actor}`;
  }
}

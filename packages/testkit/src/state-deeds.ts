/** What can happen in a state, by what it does: equal states have the same, whatever its keys are. */
import type { Act } from "./act.js";
import { inOrder, numberAnew, rawText } from "./canonical-text.js";
import type { Kernel } from "./kernel.js";

/** What can happen, each with its name. Of several that do the same the first stands for all. */
export function deeds(enabled: readonly Act[], kernel: Kernel): ReadonlyMap<string, Act> {
  const byName = new Map<string, Map<string, Act>>();
  for (const act of enabled) {
    const raw = nameOf(act, kernel);
    const name = numberAnew(raw);
    // They differ in the numbers of references, or not at all.
    const alike = byName.get(name);
    if (alike === undefined) byName.set(name, new Map([[raw, act]]));
    else if (!alike.has(raw)) alike.set(raw, act);
  }
  const deeds = new Map<string, Act>();
  for (const [name, alike] of byName) {
    for (const [at, raw] of inOrder([...alike.keys()]).entries()) {
      deeds.set(at === 0 ? name : `${name} ${at + 1}`, alike.get(raw) as Act);
    }
  }
  return deeds;
}

function nameOf(act: Act, kernel: Kernel): string {
  if (act.kind === "fault") return act.channel;
  const { kind, actor, content, isLoose, channel, senderPid } = act;
  switch (kind) {
    case "signal": {
      // Who sent it says nothing where that gives it no place in an order; from which node it comes may.
      const isAnyones = isLoose || kernel.options.profile === "instant";
      const node = kernel.lives.all.length > 1 ? (senderPid?.node ?? "") : "";
      return `${isAnyones ? `${node}→${actor}` : channel} ${rawText(content)}`;
    }
    case "timer":
      return `timer ${actor} ${kernel.agenda.leftMs(act)} ${rawText(content)}`;
    default:
      return `${kind} ${actor}`;
  }
}

/**
 * Which steps may not be swapped.
 *
 * Mazurkiewicz: two steps are independent when making them in the other order leads to the same.
 */
import type { Step } from "./run.js";

/**
 * Would the order of the two matter? They use the same thing and one of them changes it; or they are
 * timers with different deadlines, whose order time decides.
 */
export function dependent(
  a: Pick<Step, "transition" | "accesses">,
  b: Pick<Step, "transition" | "accesses">,
): boolean {
  const timers = a.transition.kind === "timer" && b.transition.kind === "timer";
  if (timers && a.transition.atMs !== b.transition.atMs) return true;
  const ours = a.accesses;
  const theirs = b.accesses;
  for (let i = 0; i < ours.length; i++) {
    const our = ours[i] as (typeof ours)[number];
    for (let j = 0; j < theirs.length; j++) {
      const their = theirs[j] as (typeof theirs)[number];
      if (our.object === "*" || their.object === "*") return true;
      if (our.objectId !== their.objectId) continue;
      if (our.mode === "read" && their.mode === "read") continue;
      if (timers && (our.object === "timers" || our.object === "clock")) continue;
      return true;
    }
  }
  return false;
}

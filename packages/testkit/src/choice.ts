/** What comes next in a run: by a plan, so that what stands still goes on, in the calm by age, else by a strategy. */
import { actPicked, type Act } from "./act.js";
import type { FaultSource, OwnTransition } from "./fault-source.js";
import type { Kernel } from "./kernel.js";
import type { RunOutcome } from "./run.js";
import type { Strategy } from "./strategy.js";
import type { Transition } from "./transition.js";

/** It is `picked` next, or the run is over. */
export type Choice =
  { readonly picked: Act; readonly enabled: readonly Act[] } | { readonly outcome: RunOutcome };

/** @throws InvalidArgumentError the strategy picks what it was not given */
export function choose(kernel: Kernel, strategy: Strategy): Choice {
  const enabled = kernel.enabled();
  const { faults, calm } = kernel;
  const isCalm = calm?.isDue() === true;
  const forced = faults && forcedBy(faults, kernel, enabled, isCalm);
  if (enabled.length === 0 && forced === undefined) return { outcome: "quiescent" };
  if (kernel.step >= kernel.options.stepLimit) return { outcome: kernel.cutOff() };
  if (forced !== undefined) {
    return { picked: forced, enabled: enabled.includes(forced) ? enabled : [...enabled, forced] };
  }
  const picked = actPicked(
    calm === undefined ? strategy.pick(enabled, kernel) : calm.pick(strategy, enabled),
    enabled,
  );
  if (picked !== undefined) return { picked, enabled };
  return { outcome: enabled.every(isFault) ? "quiescent" : "stopped" };
}

/** What happens next whatever a strategy says: by a plan, or so that what stands still goes on. */
function forcedBy(
  faults: FaultSource,
  { steps, calm }: Kernel,
  enabled: readonly Act[],
  isCalm: boolean,
): OwnTransition | undefined {
  const planned = isCalm ? undefined : faults.forced(steps.at(-1)?.transition, steps.length);
  if (planned !== undefined) return planned;
  // Where a calm is to come, it begins when nothing but faults can happen.
  const mends = isCalm || enabled.length === 0 || (calm === undefined && enabled.every(isFault));
  return mends ? faults.relief() : undefined;
}

function isFault({ kind }: Transition): boolean {
  return kind === "fault";
}

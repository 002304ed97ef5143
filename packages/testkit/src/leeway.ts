/**
 * What bounds leave open: how long within them something takes, and how fast a clock runs.
 *
 * By itself everything happens as early as it may, on clocks that are drawn by the seed. That something takes as
 * long as it may, or that a clock runs as fast or as slowly as it may, is for strategies to choose, as faults are; but
 * it is none, and is not counted as one.
 */
import type { AnyPid } from "@coppice/core";
import type { NodeTime, ClockMode } from "./sim-time.js";
import type { Transition } from "./transition.js";
import type { World } from "./world.js";

/** Kinds of such choices. */
const KINDS: readonly string[] = ["late", "fast", "lagging"];

/** Whether a fault is one only in name. */
export function isLeeway({ key }: Transition): boolean {
  return KINDS.some((kind) => key.startsWith(`fault:${kind}:`));
}

/** The same of `KIND:TARGET`. */
export function isLeewayName(name: string): boolean {
  return KINDS.some((kind) => name.startsWith(`${kind}:`));
}

/** Whether anything may take longer than it has to. */
export function hasLeeway(clock: ClockMode): boolean {
  if (typeof clock !== "object") return false;
  const { minLatencyMs = 0, maxLatencyMs, maxPauseMs = 0 } = clock;
  return maxPauseMs > 0 || (maxLatencyMs > minLatencyMs && maxLatencyMs < Infinity);
}

/** `late:KEY`: what could happen next takes as long as it may. */
export function declareDelays(world: World): void {
  const { kernel } = world;
  kernel.faults = world;
  world.table.declareFamily({
    kind: "late",
    times: Infinity,
    members: () =>
      kernel.agenda.delayable().map((happening) => ({
        target: happening.key,
        pid: happening.actorPid,
        run: () => kernel.agenda.delay(happening),
      })),
  });
}

/** `fast:NODE` and `lagging:NODE`: from now on its clock runs that much too fast, or too slow. */
export function declareDrift(world: World, name: string, time: NodeTime, drift: number): void {
  if (drift === 0) return;
  const { kernel } = world;
  const run = (rate: number) => () => time.run(kernel.nowMs, rate);
  const target = (): AnyPid | undefined => (world.isUp(name) ? world.nodeOf(name).pid : undefined);
  world.declare(`fast:${name}`, run(1 + drift), { target, reads: [] });
  world.declare(`lagging:${name}`, run(1 - drift), { target, reads: [] });
}

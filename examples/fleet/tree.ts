/**
 * The tree: who watches whom.
 *
 * ```text
 * fleet         rest_for_one: who comes later depends on who comes earlier
 * ├─ dispatcher what is done and what is not
 * ├─ workers    one_for_one: the death of one is no concern of the others
 * │  ├─ worker 1 …
 * ├─ walker     finds the files, then it has ended
 * └─ chaos
 * ```
 *
 * Should the dispatcher die, the results die with it: all after it are stopped and started, the walk
 * begins anew, and everything is hashed again. Late, and still right.
 */
import { child, defineSupervisor, type SupervisorDefinition } from "@coppice/supervisor";
import { chaos } from "./chaos.js";
import { Dispatcher, dispatcher } from "./dispatcher.js";
import { hashWorker } from "./hash-worker.js";
import type { RawPath } from "./raw-path.js";
import { walker } from "./walker.js";

export interface FleetOptions {
  /** The directory: absolute, with symbolic links resolved. */
  readonly root: RawPath;
  /** Files to leave out. */
  readonly except: readonly RawPath[];
  readonly workers: number;
  /** How many workers chaos crashes a second, on average. */
  readonly chaosPerSecond: number;
  readonly seed: number;
}

export function fleetTree(options: FleetOptions): SupervisorDefinition {
  const { root, except, chaosPerSecond, seed } = options;
  const strikes = chaosPerSecond > 0 ? [child("chaos", chaos, seed, chaosPerSecond)] : [];
  return defineSupervisor({
    strategy: "rest_for_one",
    children: [
      child({ id: "dispatcher", name: Dispatcher }, dispatcher),
      child("workers", workersTree(options)),
      child({ id: "walker", restart: "transient" }, walker, root, except),
      ...strikes,
    ],
  });
}

function workersTree({ workers, chaosPerSecond }: FleetOptions): SupervisorDefinition {
  return defineSupervisor({
    strategy: "one_for_one",
    ...restartLimit(chaosPerSecond, workers),
    children: Array.from({ length: workers }, (_, index) => {
      const number = index + 1;
      // Killed, not asked: one that hangs would not hear it, and what they own is closed all the same.
      const options = { id: `worker ${number}`, shutdown: "brutal_kill" } as const;
      return child(options, hashWorker, number);
    }),
  });
}

const PERIOD_MS = 5_000;

/**
 * How many restarts are too many. OTP's default, one in 5 s, is for crashes nobody expects; here
 * `chaosPerSecond` are ordered, and the fleet must not be given up for them.
 *
 * Three times the mean plus twenty is more than chance will ever bring (for 1 a second: 35 where 5 are
 * the mean). A disk that stands still makes every worker look hung; as the dispatcher's patience
 * doubles each time, not five times in a period. Crashes beyond that are a fault of the program, and
 * end it.
 */
export function restartLimit(
  chaosPerSecond: number,
  workers: number,
): { readonly intensity: number; readonly periodMs: number } {
  const mean = (chaosPerSecond * PERIOD_MS) / 1_000;
  return { intensity: Math.ceil(3 * mean) + 20 + 5 * workers, periodMs: PERIOD_MS };
}

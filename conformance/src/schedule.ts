/** The ways a program can be scheduled; its trace is the same in all. */
import type { Clock, Scheduler } from "@coppice/core";
import {
  createFifoScheduler,
  createVirtualClock,
  quiesce,
  type Quiesce,
  type VirtualClock,
} from "@coppice/testkit";

/**
 * | mode | what happens next |
 * | --- | --- |
 * | `"direct"` | as in production: a signal arrives as it is sent |
 * | `"fifo"` | what became possible first |
 * | a number | what this seed picks among all that is possible |
 */
export type Mode = "direct" | "fifo" | number;

/** Lets everything happen that needs no time. */
export type Settle = Quiesce;

export interface Schedule {
  readonly clock: VirtualClock;
  /** What the node goes by. */
  readonly nodeClock: Clock;
  readonly scheduler: Scheduler | undefined;
  /** Lets everything happen that needs no time. */
  readonly settle: Settle;
}

export function createSchedule(mode: Mode): Schedule {
  const clock = createVirtualClock();
  if (mode === "direct") {
    return { clock, nodeClock: strictlyGrowing(clock), scheduler: undefined, settle: quiesce };
  }
  const scheduler = createFifoScheduler(mode === "fifo" ? { clock } : { clock, seed: mode });
  return { clock, nodeClock: clock, scheduler, settle: () => scheduler.runAll() };
}

/** So little that it adds up to nothing, in ms. */
const TICK_MS = 1e-6;

/**
 * A clock that never shows one time twice, as real ones do not: so no two deadlines are equal, and all
 * comes to rest between them.
 */
function strictlyGrowing(clock: Clock): Clock {
  let lastMs = clock.now();
  return {
    now: () => (lastMs = Math.max(lastMs + TICK_MS, clock.now())),
    set: (wake, delayMs) => clock.set(wake, lastMs + delayMs - clock.now()),
    clear: (handle) => clock.clear(handle),
  };
}

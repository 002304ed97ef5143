/** The ways a program can be scheduled; its trace is the same in all. */
import type { Scheduler } from "@coppice/core";
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
  readonly scheduler: Scheduler | undefined;
  /** Lets everything happen that needs no time. */
  readonly settle: Settle;
}

export function createSchedule(mode: Mode): Schedule {
  const clock = createVirtualClock();
  if (mode === "direct") return { clock, scheduler: undefined, settle: quiesce };
  const scheduler = createFifoScheduler(mode === "fifo" ? { clock } : { clock, seed: mode });
  return { clock, scheduler, settle: () => scheduler.runAll() };
}

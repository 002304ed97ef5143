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
 * | `{ spread }` | one of these, with the processes on two nodes by turns |
 */
export type Mode = OneNodeMode | { readonly spread: OneNodeMode };

type OneNodeMode = "direct" | "fifo" | number;

/** Lets everything happen that needs no time. */
export type Settle = Quiesce;

export interface Schedule {
  readonly clock: VirtualClock;
  /** What the node goes by. */
  readonly nodeClock: Clock;
  readonly scheduler: Scheduler | undefined;
  /** How many nodes there are. */
  readonly nodes: 1 | 2;
  /** Lets everything happen that needs no time. */
  readonly settle: Settle;
}

export function createSchedule(mode: Mode): Schedule {
  const clock = createVirtualClock();
  const isSpread = typeof mode === "object";
  const order = isSpread ? mode.spread : mode;
  const nodes = isSpread ? 2 : 1;
  if (order === "direct") {
    const settle = isSpread ? quiesceTwo : quiesce;
    return { clock, nodeClock: growing(clock), scheduler: undefined, nodes, settle };
  }
  const scheduler = createFifoScheduler(order === "fifo" ? { clock } : { clock, seed: order });
  return { clock, nodeClock: clock, scheduler, nodes, settle: () => scheduler.runAll() };
}

/** What one node says goes out when its code is done, and has then to be answered. */
async function quiesceTwo(): Promise<void> {
  for (let i = 0; i < 3; i++) await quiesce();
}

/** So little that it adds up to nothing, in ms. */
const TICK_MS = 1e-6;

/**
 * A clock that shows a little more each time, as real ones do: so no two deadlines are equal, and all
 * comes to rest between them.
 */
function growing(clock: Clock): Clock {
  let ticks = 0;
  let lastMs = 0;
  let dueMs: number | undefined;
  return {
    now() {
      // Who is woken sees the time he set, and nobody's who set a later one.
      lastMs = dueMs ?? clock.now() + TICK_MS * ticks++;
      dueMs = undefined;
      return lastMs;
    },
    set(wake, delayMs) {
      const atMs = lastMs + delayMs;
      return clock.set(() => {
        dueMs = atMs;
        wake();
        dueMs = undefined;
      }, atMs - clock.now());
    },
    clear: (handle) => clock.clear(handle),
  };
}

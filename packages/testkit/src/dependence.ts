/**
 * Which steps may not be swapped.
 *
 * Mazurkiewicz: two steps are independent when making them in the other order leads to the same.
 */
import type { Access } from "@coppice/core";
import type { Step } from "./run.js";

/** What a step uses, and all else that decides on its order with others. */
export interface Footprint {
  readonly accesses: readonly Access[];
  /** Where a timer moves its clock to; `undefined` for what is no timer. */
  readonly timerMs: number | undefined;
  /** It happened when nothing else could: what came before it stays before, what comes after, after. */
  readonly isBarrier: boolean;
  /** It read the clock. */
  readonly readsClock: boolean;
  /** What its actor takes its messages from. */
  readonly mailboxId: number;
  /** Stands for the kind of message that arrives; -1 for what commutes with nothing. */
  readonly messageKind: number;
}

/** Whether messages of these kinds may arrive at a process in either order. */
export type Commutes = (a: number, b: number) => boolean;

export function footprintOf(
  { transition, accesses }: Pick<Step, "transition" | "accesses">,
  messageKind = -1,
): Footprint {
  const timerMs = transition.kind === "timer" ? transition.atMs : undefined;
  // Under a quiet clock timers wait for everything else, and say nothing of their order with it.
  const isBarrier = timerMs !== undefined && !accesses.some(({ object }) => object === "timers");
  const readsClock = accesses.some(({ object, mode }) => object === "clock" && mode === "read");
  const mailboxId = transition.access.objectId;
  return { accesses, timerMs, isBarrier, readsClock, mailboxId, messageKind };
}

/**
 * Would the order of the two matter? They use the same thing and one of them changes it; or they are
 * timers with different deadlines, whose order time decides.
 */
export function dependent(
  a: Pick<Step, "transition" | "accesses">,
  b: Pick<Step, "transition" | "accesses">,
): boolean {
  return interfere(footprintOf(a), footprintOf(b));
}

/** The same for footprints, with message kinds that the user says commute. */
export function interfere(a: Footprint, b: Footprint, commutes?: Commutes): boolean {
  if (a.isBarrier || b.isBarrier) return true;
  const timers = a.timerMs !== undefined && b.timerMs !== undefined;
  if (timers && a.timerMs !== b.timerMs) return true;
  // Whichever of the timers that are due at once comes first moves the clock.
  if (!timers) {
    if (a.timerMs !== undefined && b.readsClock) return true;
    if (b.timerMs !== undefined && a.readsClock) return true;
  }
  const ours = a.accesses;
  const theirs = b.accesses;
  for (let i = 0; i < ours.length; i++) {
    const our = ours[i] as Access;
    for (let j = 0; j < theirs.length; j++) {
      const their = theirs[j] as Access;
      if (our.object === "*" || their.object === "*") return true;
      if (our.objectId !== their.objectId) continue;
      if (our.mode === "read" && their.mode === "read") continue;
      if (timers && isTime(our)) continue;
      const { objectId } = our;
      const arrivals = objectId === a.mailboxId && objectId === b.mailboxId;
      if (arrivals && commutes?.(a.messageKind, b.messageKind) === true) continue;
      return true;
    }
  }
  return false;
}

/** What each timer changes; timers due at the same time all change it to the same. */
export function isTime({ object }: Access): boolean {
  return object === "timers" || object === "clock";
}

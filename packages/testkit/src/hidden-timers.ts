/**
 * Timers that could have fired, had others come later: those were due earlier, or, under `instant`, were messages
 * that wait in the mailbox; and by the time they were out of the way, the timer was cancelled. No step of
 * the run and nothing that was possible in it tells of such a timer.
 */
import type { Step, Unfired } from "./run.js";
import type { Transition } from "./transition.js";

export interface HiddenTimer {
  /** The step that set it. */
  readonly setBy: number;
  /** The step after which it could have fired: this one, or one with which something went out of its way. */
  readonly at: number;
  /** The steps that put there what was in its way then, in order. */
  readonly hiddenBy: readonly number[];
}

/** A timer was cancelled while others were in its way, which were gone with a later step. */
export interface OutlivedTimer {
  /** The step that cancelled it. */
  readonly cancelledBy: number;
  /** The steps with which the others were gone, in order. */
  readonly clearedBy: readonly number[];
}

/** Timers that could have fired, had what went out of their way after their end gone before it. */
export function outlivedTimers(
  steps: readonly Step[],
  unfired: readonly Unfired[],
): readonly OutlivedTimer[] {
  const timers: Life[] = steps.flatMap(({ transition }, until) =>
    transition.kind === "timer" ? [{ transition, until }] : [],
  );
  timers.push(...unfired);
  return unfired.flatMap(({ transition: timer, until: cancelledBy }): OutlivedTimer[] => {
    if (cancelledBy >= steps.length) return [];
    const clearedBy = timers
      .filter((one) => isEarlier(one.transition, timer) && isThere(one, cancelledBy))
      .map(({ until }) => until)
      .sort((a, b) => a - b);
    const isCleared = clearedBy.length > 0 && (clearedBy.at(-1) as number) < steps.length;
    return isCleared ? [{ cancelledBy, clearedBy }] : [];
  });
}

/** What is there from the step that made it possible until another. */
interface Life {
  readonly transition: Transition;
  readonly until: number;
}

export function hiddenTimers(
  steps: readonly Step[],
  unfired: readonly Unfired[],
  isInstant: boolean,
): readonly HiddenTimer[] {
  const all: readonly Life[] = [
    ...steps.map(({ transition }, until) => ({ transition, until })),
    ...unfired,
  ];
  const timers = all.filter(({ transition }) => transition.kind === "timer");
  const signals = isInstant ? all.filter(({ transition }) => transition.kind === "signal") : [];
  const queuedAt = (actor: string, at: number): readonly number[] =>
    signals.filter((one) => one.transition.actor === actor && isThere(one, at)).map(creatorOf);
  return unfired.flatMap(({ transition: timer, until: end }) => {
    const setBy = timer.creator;
    const earlier = timers.filter(({ transition }) => isEarlier(transition, timer));
    const ends = [...earlier, ...signals.filter((one) => one.transition.actor === timer.actor)]
      .map(({ until }) => until)
      .filter((until) => until > setBy && until < end);
    return [setBy, ...ends].flatMap((at): HiddenTimer[] => {
      const hiddenBy = queuedAt(timer.actor, at).concat(
        earlier
          .filter((one) => isThere(one, at) && queuedAt(one.transition.actor, at).length === 0)
          .map((one) => Math.max(creatorOf(one), lastSignalTo(one.transition.actor, at, signals))),
      );
      return hiddenBy.length === 0 ? [] : [{ setBy, at, hiddenBy: hiddenBy.sort((a, b) => a - b) }];
    });
  });
}

function isEarlier({ actorPid, atMs }: Transition, timer: Transition): boolean {
  return actorPid.node === timer.actorPid.node && (atMs as number) < (timer.atMs as number);
}

function isThere({ transition, until }: Life, at: number): boolean {
  return transition.creator <= at && until > at;
}

function creatorOf({ transition }: Life): number {
  return transition.creator;
}

/** With which the mailbox was empty, and its process's timers were not waiting any more. */
function lastSignalTo(actor: string, at: number, signals: readonly Life[]): number {
  let last = -1;
  for (const { transition, until } of signals) {
    if (transition.actor === actor && until <= at) last = Math.max(last, until);
  }
  return last;
}

/** Runs: what happened in one schedule of a program, and what came of it. */
import type { Access } from "@coppice/core";
import type { Look } from "./looks.js";
import type { Strike } from "./sightings.js";
import type { Transition } from "./transition.js";

/** A message that a `receive` took; `TIMEOUT` when it looked without waiting and found none. */
export interface Take {
  readonly message: unknown;
  /** What it would have taken; everything when there is none. */
  readonly guard: ((message: unknown) => boolean) | undefined;
  /** It only looked, and would not have waited. */
  readonly isLook: boolean;
}

/** One transition that was made. */
export interface Step {
  readonly transition: Transition;
  /** The step in the course of which it became possible; -1 for set-up. */
  readonly creator: number;
  /** What it used of what several processes share; its own mailbox too. */
  readonly accesses: readonly Access[];
  /** What could have happened, this one included. */
  readonly enabled: readonly Transition[];
  /** What its process received in it, when the simulation was asked to note that. */
  readonly takes?: readonly Take[] | undefined;
}

/** A timer that did not fire. */
export interface Unfired {
  readonly transition: Transition;
  /** The step in the course of which it was cancelled; the number of steps when it never was. */
  readonly until: number;
}

/** Something that must not be. The check's name is its identity. */
export interface Violation {
  readonly check: string;
  readonly message: string;
  /** In the course of which step; -1 for set-up, the number of steps at rest. */
  readonly step: number;
  readonly error?: unknown;
}

/**
 * | outcome | |
 * | --- | --- |
 * | `"quiescent"` | nothing can happen any more, but faults and what daemons do |
 * | `"stepLimit"` | it was cut off |
 * | `"zeno"` | it was cut off, and no time had passed for long |
 * | `"stopped"` | the strategy picked nothing |
 */
export type RunOutcome = "quiescent" | "stepLimit" | "zeno" | "stopped";

export interface Run {
  readonly steps: readonly Step[];
  /** Of each check the first violation, in the order they came. */
  readonly violations: readonly Violation[];
  readonly outcome: RunOutcome;
  readonly nowMs: number;
  /** What was said to be seen at least sometimes, and was. */
  readonly seen: ReadonlySet<string>;
  /** What was said to be seen at least sometimes. */
  readonly asked?: ReadonlySet<string>;
  /** Who looked at everything between steps, so that the order of any two of them counts; none by default. */
  readonly looks?: readonly Look[];
  /** Timers that were set and did not fire. */
  readonly unfired?: readonly Unfired[];
  /** What must hold at rest, and was not looked at, as the run was cut off before. */
  readonly unjudged?: readonly string[];
  /** How many messages waited for each process at the most, where any did; by its key. */
  readonly mailboxes?: ReadonlyMap<string, number> | undefined;
  /** The faults in their order, and what they came upon. */
  readonly strikes?: readonly Strike[] | undefined;
  /** The step with which the calm began, where there was one. */
  readonly calmFrom?: number | undefined;
  /** The keys of what happened over and over at the end of a `"zeno"` run. */
  readonly loop: readonly string[];
  /** Equal when the keys of all steps are, in their order. */
  hash(): string;
}

/** A digest of a sequence of keys: 64 bits, in hexadecimal. */
export function hashOfKeys(steps: readonly { readonly transition: Transition }[]): string {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (const { transition } of steps) {
    const { keyHash } = transition;
    low = Math.imul(low ^ keyHash, 0x01000193);
    low ^= low >>> 15;
    high = Math.imul(high ^ keyHash ^ (low >>> 7), 0x85ebca6b);
    high ^= high >>> 13;
  }
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
  return hex(high) + hex(low);
}

/** The shortest sequence of channels that the last steps repeat at least three times. */
export function loopAtEnd(steps: readonly { readonly transition: Transition }[]): string[] {
  const channelAt = (back: number): string | undefined => steps.at(-1 - back)?.transition.channel;
  for (let period = 1; period <= 64 && period * 3 <= steps.length; period++) {
    let repeats = true;
    for (let back = 0; repeats && back < period * 2; back++) {
      repeats = channelAt(back) === channelAt(back + period);
    }
    if (repeats) return steps.slice(-period).map(({ transition }) => transition.key);
  }
  return steps.slice(-8).map(({ transition }) => transition.key);
}

/**
 * Transitions: what a run is made of. Between two of them no code of the program runs.
 *
 * Most are what core offers; faults are the simulation's own.
 */
import type { Access, AnyPid } from "@coppice/core";

export type TransitionKind = "signal" | "start" | "timer" | "resume" | "fault";

/** Something that can happen next, or did. */
export interface Transition {
  /**
   * Stable over schedules: `a→b#2`, `start:a/1`, `timer:a#1`, `resume:a#3`, `fault:crash:srv#1`. Made of
   * places in the tree of processes and of numbers per channel or process, never of a position in the run.
   */
  readonly key: string;
  /** A whole number of 32 bits, computed from the key alone. */
  readonly keyHash: number;
  /** Stands for the key within one `KeySpace`: a small whole number. */
  readonly keyId: number;
  readonly kind: TransitionKind;
  /** What is of one channel happens in order: of an ordered pair, of a process; a timer's is its key. */
  readonly channel: string;
  /** Key of the process that acts. */
  readonly actor: string;
  readonly actorPid: AnyPid;
  readonly senderPid: AnyPid | undefined;
  /** When it is due, on its node's clock; timers only. */
  readonly atMs?: number | undefined;
  /** The message that arrives; `undefined` for what carries none. */
  readonly message?: unknown;
  /** What it uses in any case. */
  readonly access: Access;
  /** The how-manieth of all that became possible. Tells old from new; depends on the schedule. */
  readonly order: number;
  /** In the course of which step it became possible; -1 for set-up. */
  readonly creator: number;
  /** For people. */
  describe(): string;
}

/**
 * Which class a run belongs to: one number for all runs that differ in the order of independent steps.
 *
 * Each thing that steps use has a hash of what it went through, in its order; the sum of these does not
 * depend on how steps that share nothing are interleaved.
 */
import type { Access } from "@coppice/core";
import { isTime } from "./dependence.js";
import { hashText, mix } from "./key-hash.js";
import type { Run, Step } from "./run.js";
import type { Transition } from "./transition.js";

/** What one thing went through. */
interface Lane {
  /** Up to the last write. */
  written: number;
  /** The reads since then, in no order. */
  read: number;
  isWritten: boolean;
  /** Of time: where it was moved to last, and `written` before that. */
  atMs?: number | undefined;
  base?: number;
  /** Where some uses may change places. */
  entries?: Entry[];
}

/** The class of a run, as a whole number of 53 bits. Constant work for each step. */
export function traceClass(run: Pick<Run, "steps">): number {
  return classOf(run.steps);
}

/** Whether two messages may arrive at one process in either order. */
export type Swaps = (one: Transition, other: Transition) => boolean;

/** The class of a run with these steps, or with these first ones. */
export function classOf(steps: readonly Step[], swaps?: Swaps): number {
  const lanes = new Map<number, Lane>();
  let a = 0;
  let b = 0;
  for (const { transition, accesses } of steps) {
    const { keyHash } = transition;
    const timerMs = transition.kind === "timer" ? transition.atMs : undefined;
    const isQuiet = timerMs !== undefined && !accesses.some(({ object }) => object === "timers");
    if (isQuiet || accesses.some(({ object }) => object === "*")) {
      // A barrier: all that came before it stays before it.
      a = mix(a ^ keyHash);
      b = mix(Math.imul(b, 31) ^ keyHash);
    }
    for (const access of accesses) {
      // What a timer that moves time reads of it is where it moved it to.
      if (timerMs !== undefined && access.mode === "read" && isTime(access)) continue;
      const lane = laneOf(lanes, access);
      const hash =
        swaps === undefined || isTime(access)
          ? pass(lane, access, keyHash, timerMs)
          : passBy((lane.entries ??= []), lane.written, { transition, access, hash: 0 }, swaps);
      if (hash === undefined) continue;
      a = (a + hash) | 0;
      b = (b + mix(hash ^ 0x27d4eb2f)) | 0;
    }
  }
  return (a >>> 0) * 0x20_0000 + (b >>> 11);
}

/** One use of a thing, and what it stands for: itself and all that it cannot come before. */
interface Entry {
  readonly transition: Transition;
  readonly access: Access;
  hash: number;
}

/** As `pass`, where some may change places: what a use stands for is the same whichever of these came first. */
function passBy(entries: Entry[], seed: number, entry: Entry, swaps: Swaps): number {
  const { transition, access } = entry;
  const isArrival = ({ transition: by, access: of }: Entry): boolean =>
    of.objectId === by.access.objectId;
  let before = 0;
  for (const other of entries) {
    if (access.mode === "read" && other.access.mode === "read") continue;
    const isSwap = isArrival(entry) && isArrival(other) && swaps(transition, other.transition);
    if (!isSwap) before = (before + mix(other.hash)) | 0;
  }
  entry.hash = mix(mix(seed ^ before) ^ transition.keyHash ^ (access.mode === "read" ? 1 : 0));
  entries.push(entry);
  return entry.hash;
}

/**
 * A write changes what later uses see; a read tells after which write it came. That it came before all of them, the
 * first one tells: what nobody changes is no matter, and which of two steps looked at it may depend on their order.
 */
function pass(
  lane: Lane,
  access: Access,
  keyHash: number,
  timerMs: number | undefined,
): number | undefined {
  if (access.mode === "read") {
    lane.read = (lane.read + mix(keyHash)) | 0;
    return lane.isWritten ? mix(lane.written ^ Math.imul(keyHash, 5)) : undefined;
  }
  lane.isWritten = true;
  if (timerMs !== undefined && access.object === "clock") return setClock(lane, timerMs);
  if (timerMs !== undefined && isTime(access)) return moveTime(lane, keyHash, timerMs);
  lane.written = mix(lane.written ^ keyHash ^ Math.imul(lane.read, 0x01000193));
  lane.read = 0;
  lane.atMs = undefined;
  return lane.written;
}

/** Of timers due at the same time the first moves the clock; which one that is does not matter. */
function setClock(lane: Lane, atMs: number): number {
  lane.written = mix(lane.written ^ Math.imul(lane.read, 0x01000193) ^ mix(Math.imul(atMs, 31)));
  lane.read = 0;
  return lane.written;
}

/** Timers due at the same time have no order among themselves. */
function moveTime(lane: Lane, keyHash: number, atMs: number): number {
  if (lane.atMs !== atMs || lane.read !== 0) {
    lane.base = lane.written = mix(lane.written ^ Math.imul(lane.read, 0x01000193) ^ 0x2545f491);
    lane.read = 0;
    lane.atMs = atMs;
  }
  lane.written = (lane.written + mix(keyHash ^ 0x3c6ef372)) | 0;
  return mix((lane.base as number) ^ keyHash);
}

function laneOf(lanes: Map<number, Lane>, { objectId, object }: Access): Lane {
  let lane = lanes.get(objectId);
  if (lane === undefined)
    lanes.set(objectId, (lane = { written: hashText(object), read: 0, isWritten: false }));
  return lane;
}

/**
 * Watermarks: what a session does when more is waiting to be sent than goes out. Pure.
 */
import type { Limits } from "./limits.js";
import type { SharedBytes } from "./shared-bytes.js";
import { isDroppable, type WireOp } from "./wire-signal.js";

/** What happens to messages above the hard mark: the session closes, or they become dead letters. */
export type OverflowPolicy = "close" | "drop";

export type WatermarkLimits = Pick<
  Limits,
  "softQueueBytes" | "hardQueueBytes" | "controlQueueBytes"
>;

/** Is the session busy, so that senders that can wait should? Once it is, until half of the soft mark is left. */
export function isBusy(wasBusy: boolean, queuedBytes: number, limits: WatermarkLimits): boolean {
  const { softQueueBytes } = limits;
  return queuedBytes >= (wasBusy ? softQueueBytes / 2 : softQueueBytes);
}

/**
 * The marks of one among many who share what may wait: as long as more waits for all of them than may, none
 * has more than makes it busy.
 */
export function marksAmong(
  shared: SharedBytes | undefined,
  limits: WatermarkLimits,
): WatermarkLimits {
  if (shared === undefined || shared.bytes <= shared.maxBytes) return limits;
  return { ...limits, hardQueueBytes: limits.softQueueBytes };
}

/**
 * | waiting | a message | any other signal |
 * | --- | --- | --- |
 * | below the hard mark | queue | queue |
 * | up to `controlQueueBytes` | drop or close, by policy | queue |
 * | above | drop or close, by policy | close |
 *
 * @param queuedBytes what waits already, in our own queue and in the transport
 */
export function admit(
  op: WireOp,
  bytes: number,
  queuedBytes: number,
  limits: WatermarkLimits,
  policy: OverflowPolicy,
): "queue" | "drop" | "close" {
  const total = queuedBytes + bytes;
  if (total <= limits.hardQueueBytes) return "queue";
  if (isDroppable(op)) return policy;
  return total <= limits.controlQueueBytes ? "queue" : "close";
}

/** The mark that a signal of this op is above when it is not queued. */
export function exceededBy(op: WireOp): "hardQueueBytes" | "controlQueueBytes" {
  return isDroppable(op) ? "hardQueueBytes" : "controlQueueBytes";
}

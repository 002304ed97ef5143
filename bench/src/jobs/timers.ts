/** Timers that are set and taken back, as call timeouts are, while 10 000 others are pending. */
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const PENDING = 10_000;
const DELAY_MS = 5_000;
/** The pending ones are due between one and two of these from now, in no order. */
const PENDING_MS = 60_000;

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let cancelled = 0;
  let value = 0;
  const process = node.spawn<"due">(async (self) => {
    for (let i = 0; i < PENDING; i++) self.sendAfter(self.pid, pendingMs(i), "due");
    const startMs = performance.now();
    for (let i = 0; i < count; i++) {
      const timer = self.sendAfter(self.pid, DELAY_MS, "due");
      if (self.cancelTimer(timer) !== false) cancelled++;
    }
    value = perSecond(cancelled, startMs);
  });
  await node.whenExited(process);
  await node.stop();
  return { count: cancelled, value };
}

export async function node(count: number): Promise<Measurement> {
  let fired = 0;
  const due = (): void => void fired++;
  const pending = Array.from({ length: PENDING }, (_, i) => setTimeout(due, pendingMs(i)));
  const startMs = performance.now();
  let set = 0;
  for (; set < count; set++) clearTimeout(setTimeout(due, DELAY_MS));
  const value = perSecond(set, startMs);
  for (const timer of pending) clearTimeout(timer);
  return { count: set - fired, value };
}

function pendingMs(i: number): number {
  return PENDING_MS + ((i * 7_919) % PENDING_MS);
}

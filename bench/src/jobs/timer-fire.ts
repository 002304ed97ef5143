/**
 * 100 000 timers at a time are set to fire within 20 ms, and their messages taken. That is more than
 * anybody can do in 20 ms, so what is measured is the work of setting, firing and receiving.
 */
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const BATCH = 100_000;
const WITHIN_MS = 20;

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let fired = 0;
  const startMs = performance.now();
  const process = node.spawn<"due">(async (self) => {
    while (fired < count) {
      const batch = Math.min(BATCH, count - fired);
      for (let i = 0; i < batch; i++) self.sendAfter(self.pid, delayMs(i), "due");
      for (let i = 0; i < batch; i++) {
        await self.receive();
        fired++;
      }
    }
  });
  await node.whenExited(process);
  const value = perSecond(fired, startMs);
  await node.stop();
  return { count: fired, value };
}

export async function node(count: number): Promise<Measurement> {
  let fired = 0;
  const startMs = performance.now();
  while (fired < count) {
    const batch = Math.min(BATCH, count - fired);
    await new Promise<void>((allFired) => {
      let left = batch;
      const due = (): void => {
        fired++;
        if (--left === 0) allFired();
      };
      for (let i = 0; i < batch; i++) setTimeout(due, delayMs(i));
    });
  }
  return { count: fired, value: perSecond(fired, startMs) };
}

function delayMs(i: number): number {
  return 1 + ((i * 7_919) % WITHIN_MS);
}

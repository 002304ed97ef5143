/** One process casts to a server that counts, and asks in the end how many there were. */
import { defineServer } from "@coppice/supervisor";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const counter = defineServer({
  init: () => 0,
  call: { retrieve: (counted) => ({ reply: counted }) },
  cast: { increment: (counted, by: number) => ({ state: counted + by }) },
});

export async function coppice(count: number): Promise<Measurement> {
  return cast(count, Infinity);
}

/** Casts `count` times, and gives way to others after so many each. */
export async function cast(count: number, stretch: number): Promise<Measurement> {
  const node = startNode();
  const pid = await node.start(counter);
  let total = 0;
  const startMs = performance.now();
  const client = node.spawn(async (self) => {
    for (let i = 1; i <= count; i++) {
      self.cast(pid, ["increment", 1]);
      if (i % stretch === 0) await self.yield();
    }
    total = await self.call(pid, ["retrieve"], { timeoutMs: Infinity });
  });
  await node.whenExited(client);
  const value = perSecond(total, startMs);
  await node.stop();
  return { count: total, value };
}

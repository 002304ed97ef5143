/** What a process costs that waits for its first message. */
import { setImmediate as afterTurn } from "node:timers/promises";
import { spawn, start, stop } from "nact";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { usedBytes } from "../garbage.js";

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let waiting = 0;
  const before = usedBytes();
  for (let i = 0; i < count; i++) {
    node.spawn(async (self) => {
      waiting++;
      await self.receive();
    });
  }
  while (waiting < count) await afterTurn();
  const value = (usedBytes() - before) / count;
  const { processes } = node.counts;
  await node.stop({ timeoutMs: 0 });
  return { count: processes, value };
}

export async function nact(count: number): Promise<Measurement> {
  const system = start();
  let spawned = 0;
  const before = usedBytes();
  for (let i = 0; i < count; i++) {
    // Named: nact's own names are random numbers of 32 bits, of which two would soon be the same.
    spawn(system, (state: undefined, _message: unknown) => state, `idle-${i}`);
    spawned++;
  }
  const value = (usedBytes() - before) / count;
  stop(system);
  return { count: spawned, value };
}

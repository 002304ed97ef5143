/** A chain in which each process is linked to the next; one end is killed, and all die of it. */
import type { Node, Pid, Self } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";

const NS_PER_MS = 1_000_000;

/** Kills `count` processes, in chains of `length` at the most. */
export async function killChains(count: number, length: number): Promise<Measurement> {
  const node = startNode();
  let died = 0;
  let elapsedMs = 0;
  while (died < count) {
    const { first, last } = await startChain(node, Math.min(length, count - died));
    const { processes } = node.counts;
    const startMs = performance.now();
    node.exit(first, "boom");
    await node.whenExited(last);
    elapsedMs += performance.now() - startMs;
    if (node.counts.processes > 0) throw new Error(`${node.counts.processes} have survived`);
    died += processes;
  }
  await node.stop();
  return { count: died, value: (elapsedMs * NS_PER_MS) / died };
}

async function startChain(
  node: Node,
  length: number,
): Promise<{ first: Pid<never>; last: Pid<never> }> {
  const link = async (
    self: Self<never>,
    left: number,
    complete: (last: Pid<never>) => void,
  ): Promise<void> => {
    if (left === 1) complete(self.pid);
    else self.spawnLink(link, left - 1, complete);
    await self.receive();
  };
  let complete!: (last: Pid<never>) => void;
  const whole = new Promise<Pid<never>>((resolve) => (complete = resolve));
  const first = node.spawn(link, length, complete);
  return { first, last: await whole };
}

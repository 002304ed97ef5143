/** A chain in which each process is linked to the next; one end is killed, and all die of it. */
import type { Pid, Self } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";

const NS_PER_MS = 1_000_000;

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  const chain = async (
    self: Self<never>,
    length: number,
    complete: (last: Pid<never>) => void,
  ): Promise<void> => {
    if (length === 1) complete(self.pid);
    else self.spawnLink(chain, length - 1, complete);
    await self.receive();
  };
  let first: Pid<never> | undefined;
  const last = await new Promise<Pid<never>>((complete) => {
    first = node.spawn(chain, count, complete);
  });
  const { processes } = node.counts;
  const startMs = performance.now();
  node.exit(first as Pid<never>, "boom");
  await node.whenExited(last);
  const elapsedMs = performance.now() - startMs;
  const died = processes - node.counts.processes;
  await node.stop();
  return { count: died, value: (elapsedMs * NS_PER_MS) / died };
}

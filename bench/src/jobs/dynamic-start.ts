/** Children under a dynamic supervisor, started one after the other. */
import type { Measurement } from "../benchmark.js";
import { countServers, startChildren, startServers } from "../dynamic-servers.js";
import { perSecond } from "../rate.js";
import { inNode } from "../supervised-worker.js";

export async function coppice(count: number): Promise<Measurement> {
  return inNode(async (self) => {
    const supervisor = await startServers(self);
    const startMs = performance.now();
    await startChildren(self, supervisor, count);
    const value = perSecond(count, startMs);
    return { count: await countServers(self, supervisor), value };
  });
}

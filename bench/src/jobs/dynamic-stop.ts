/** A dynamic supervisor is stopped, with all its children. */
import { stop } from "@coppice/supervisor";
import type { Measurement } from "../benchmark.js";
import { startChildren, startServers } from "../dynamic-servers.js";
import { perSecond } from "../rate.js";
import { inNode } from "../supervised-worker.js";

export async function coppice(count: number): Promise<Measurement> {
  return inNode(async (self, node) => {
    const supervisor = await startServers(self);
    await startChildren(self, supervisor, count);
    const { processes } = node.counts;
    self.unlink(supervisor);
    const startMs = performance.now();
    await stop(self, supervisor);
    const value = perSecond(count, startMs);
    return { count: processes - node.counts.processes - 1, value };
  });
}

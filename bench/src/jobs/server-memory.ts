/** What a server costs that a supervisor has started and nobody uses. */
import type { Measurement } from "../benchmark.js";
import { countServers, startChildren, startServers } from "../dynamic-servers.js";
import { usedBytes } from "../garbage.js";
import { inNode } from "../supervised-worker.js";

export async function coppice(count: number): Promise<Measurement> {
  return inNode(async (self) => {
    const supervisor = await startServers(self);
    const before = usedBytes();
    await startChildren(self, supervisor, count);
    const value = (usedBytes() - before) / count;
    return { count: await countServers(self, supervisor), value };
  });
}

/** A process spawns another and monitors it, atomically, and waits for its end; one after the other. */
import type { Down } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let ended = 0;
  const startMs = performance.now();
  const parent = node.spawn<Down>(async (self) => {
    for (let i = 0; i < count; i++) {
      const { ref } = self.spawnMonitor(
        (down) => down,
        async () => {},
      );
      const { reason } = await self.receive((down) => down.ref === ref);
      if (reason === "normal") ended++;
    }
  });
  await node.whenExited(parent);
  const value = perSecond(ended, startMs);
  await node.stop();
  return { count: ended, value };
}

/** A supervised server crashes: how long until its successor has answered its first call. */
import { child, defineSupervisor, startSupervisor } from "@coppice/supervisor";
import type { Measurement } from "../benchmark.js";
import { median } from "../statistics.js";
import { awaitStarted, inNode, PERIOD_MS, worker } from "../supervised-worker.js";

const US_PER_MS = 1_000;

export async function coppice(count: number): Promise<Measurement> {
  return inNode(async (self) => {
    const children = [child("worker", worker, self.pid)];
    const tree = defineSupervisor({ intensity: count, periodMs: PERIOD_MS, children });
    await startSupervisor(self, tree);
    let pid = await awaitStarted(self, 1);
    const us: number[] = [];
    for (let i = 0; i < count; i++) {
      const startMs = performance.now();
      self.cast(pid, ["crash"]);
      pid = await awaitStarted(self, 1);
      const reply = await self.call(pid, ["add", 1]);
      us.push((performance.now() - startMs) * US_PER_MS);
      if (reply !== 2) throw new Error(`replied ${reply}`);
    }
    return { count: us.length, value: median(us) };
  });
}

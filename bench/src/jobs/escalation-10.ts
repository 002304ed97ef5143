/** Ten supervisors, one below the other: how long until a crash at the bottom has gone up and all stands again. */
import { child, defineSupervisor, startSupervisor, type ChildSpec } from "@coppice/supervisor";
import type { Measurement } from "../benchmark.js";
import { awaitStarted, inNode, PERIOD_MS, worker } from "../supervised-worker.js";

const LEVELS = 10;
const US_PER_MS = 1_000;

export async function coppice(count: number): Promise<Measurement> {
  return inNode(async (self) => {
    let below: ChildSpec = child("worker", worker, self.pid);
    for (let level = LEVELS; level > 1; level--) {
      const tree = defineSupervisor({ intensity: 0, periodMs: PERIOD_MS, children: [below] });
      below = child(`${level}`, tree);
    }
    const top = defineSupervisor({ intensity: count, periodMs: PERIOD_MS, children: [below] });
    await startSupervisor(self, top);
    let leaf = await awaitStarted(self, 1);
    let escalated = 0;
    const startMs = performance.now();
    for (; escalated < count; escalated++) {
      self.cast(leaf, ["crash"]);
      leaf = await awaitStarted(self, 1);
    }
    return { count: escalated, value: ((performance.now() - startMs) * US_PER_MS) / escalated };
  });
}

/** One of a thousand children under one_for_all crashes: how long until all are restarted. */
import { child, defineSupervisor, startSupervisor } from "@coppice/supervisor";
import type { Measurement } from "../benchmark.js";
import { awaitStarted, inNode, PERIOD_MS, worker } from "../supervised-worker.js";

const GROUP = 1_000;

export async function coppice(count: number): Promise<Measurement> {
  const size = Math.min(count, GROUP);
  const restarts = Math.floor(count / size);
  return inNode(async (self) => {
    const children = Array.from({ length: size }, (_, id) => child(`${id}`, worker, self.pid));
    const tree = defineSupervisor({
      strategy: "one_for_all",
      intensity: restarts,
      periodMs: PERIOD_MS,
      children,
    });
    await startSupervisor(self, tree);
    let first = await awaitStarted(self, size);
    let restarted = 0;
    const startMs = performance.now();
    for (let i = 0; i < restarts; i++) {
      self.cast(first, ["crash"]);
      first = await awaitStarted(self, size);
      restarted += size;
    }
    return { count: restarted, value: (performance.now() - startMs) / restarts };
  });
}

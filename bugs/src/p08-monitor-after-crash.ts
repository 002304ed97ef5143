/**
 * P08: a monitor set after the crash hears `noproc`, not why.
 */
import type { Down } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

export const p08: Entry = {
  id: "P08",
  title: "monitor after the crash loses the reason",
  source: "why spawn_monitor is atomic in Erlang",
  optimum: { base: "lifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let outcome: unknown;
    spawn<Down>("par", async (self) => {
      const work = (): void => {
        throw new Error("the disk is full");
      };
      if (variant === "fixed") {
        self.spawnOpt({ key: "w", monitor: true }, work);
      } else {
        const worker = self.spawnOpt<never>({ key: "w" }, work);
        await self.yield();
        self.monitor(worker);
      }
      const { reason } = await self.receive();
      outcome = reason === "noproc" ? "finished" : reason;
    });
    sim.finally("a crash is not taken for success", () => outcome !== "finished");
  },
};

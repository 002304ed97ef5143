/**
 * P34: recovery truncates its log before it has applied it, and crashes in between.
 */
import type { AnyPid, Down, Self } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

export const p34: Entry = {
  id: "P34",
  title: "crash during recovery",
  source: "Pillai et al., All file systems are not created equal (ALICE), OSDI 2014",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const { node } = stage(sim);
    const disk = sim.shared("disk", { hasLog: false, isApplied: false });
    let isAcknowledged = false;
    const update = (self: Self<never>, change: Partial<typeof disk.now>): Promise<unknown> =>
      disk.write(self, (stored) => ({ ...stored, ...change }));
    const firstRun = async (self: Self<never>): Promise<void> => {
      await update(self, { hasLog: true });
      isAcknowledged = true;
      await update(self, { isApplied: true });
      await update(self, { hasLog: false });
    };
    const recovery = async (self: Self<never>): Promise<void> => {
      if (!(await disk.read(self, ({ hasLog }) => hasLog))) return;
      const steps = [{ isApplied: true }, { hasLog: false }];
      if (variant === "buggy") steps.reverse();
      for (const step of steps) await update(self, step);
    };
    let pid: AnyPid = node.spawnOpt({ key: "srv" }, firstRun);
    node.spawnOpt<Down>({ key: "sup" }, async (self) => {
      for (let life = 2; life <= 4; life++) {
        self.monitor(pid);
        if ((await self.receive()).reason === "normal") return;
        pid = node.spawnOpt({ key: `srv~${life}` }, recovery);
      }
    });
    sim.faults.crash("srv", () => pid, { times: 2 });
    sim.finally("what was acknowledged is applied", () => !isAcknowledged || disk.now.isApplied);
  },
};

/**
 * P44: two own the same, as a lost connection is taken for a crash.
 *
 * The standby hears that the primary is down. Why it is down tells which of the two it was: with `"noconnection"`
 * nobody knows more than that nothing is heard of it.
 */
import type { Down } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

export const p44: Entry = {
  id: "P44",
  title: "a lost connection is taken for a crash",
  source: "erlang:monitor/2: noconnection; split brain of global names",
  profile: "erlDist",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const [a, b] = [stage(sim, "a"), stage(sim, "b")];
    const primary = a.spawn<Down>("primary", async (self) => void (await self.receive()));
    let owners = 1;
    b.spawn<Down>("standby", async (self) => {
      self.monitor(primary);
      const { reason } = await self.receive();
      if (variant === "buggy" || reason !== "noconnection") owners++;
    });
    sim.faults.disconnect("a", "b");
    sim.faults.crash("primary", primary);
    sim.finally("one owns it", () => owners === 1 || !a.node.isAlive(primary));
  },
};

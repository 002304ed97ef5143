/** P27: the end of a worker's previous life removes its present one from a table of names. */
import type { AnyPid, Down } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Manager = Tell<"register", { name: string; pid: AnyPid }> | Down;
type Worker = Tell<"die">;

export const p27: Entry = {
  id: "P27",
  title: "the Down of the previous life removes the restarted worker",
  source: "registries that are keyed by name",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 2, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const table = new Map<string, AnyPid>();
    const nameOf = new Map<AnyPid, string>();
    const manager = spawn(
      "mgr",
      server<Manager>({
        register: (self, { name, pid }) => {
          table.set(name, pid);
          nameOf.set(pid, name);
          self.monitor(pid);
        },
        down: (_self, { process: pid }) => {
          const name = nameOf.get(pid as AnyPid) as string;
          if (variant === "buggy" || table.get(name) === pid) table.delete(name);
        },
      }),
    );
    spawn<Down>("sup", async (self) => {
      const start = (key: string) => {
        const pid = self.spawnOpt<Worker>({ key }, async (own) => {
          await own.receive();
          own.exit({ error: "told to" });
        });
        self.send(manager, { type: "register", name: "w", pid });
        return pid;
      };
      const first = start("w");
      self.monitor(first);
      self.send(first, { type: "die" });
      await self.receive();
      start("w~2");
    });
    sim.finally("the live worker is in the table", () => table.has("w"));
  },
};

/**
 * P36: a report of a disk that is dead counts as a replica, and nothing is repaired.
 */
import type { Down, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Manager =
  | Tell<"sync", { id: string }>
  | Tell<"failed", { id: string; replacement: string }>
  | Tell<"check">
  | Tell<"copied", { id: string }>;
type Disk = Tell<"tick"> | Tell<"copy">;

export const p36: Entry = {
  id: "P36",
  title: "a stale sync report hides a dead replica",
  source: "Deligiannis et al., Uncovering bugs in distributed storage systems, FAST 2016",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 4, failing: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    const disks = new Map<string, Pid<Disk>>();
    const alive = new Set(["d1", "d2"]);
    const replicas = new Set(["d1", "d2"]);
    const manager = spawn(
      "mgr",
      server<Manager>({
        sync: (_self, { id }) => {
          if (variant === "buggy" || alive.has(id)) replicas.add(id);
        },
        failed: (self, { id, replacement }) => {
          alive.delete(id);
          replicas.delete(id);
          alive.add(replacement);
          self.send(self.pid, { type: "check" });
        },
        check: (self) => {
          if (replicas.size >= 2) return;
          for (const id of alive) {
            if (!replicas.has(id)) self.send(disks.get(id) as Pid<Disk>, { type: "copy" });
          }
        },
        copied: (_self, { id }) => void replicas.add(id),
      }),
    );
    const holders = new Set(["d1", "d2"]);
    for (const id of ["d1", "d2", "d3"]) {
      disks.set(
        id,
        spawn(
          id,
          server<Disk>({
            tick: (self) => {
              if (holders.has(id)) self.send(manager, { type: "sync", id });
            },
            copy: (self) => {
              holders.add(id);
              self.send(manager, { type: "copied", id });
            },
          }),
        ),
      );
    }
    spawn<Down>("env", async (self) => {
      const d2 = disks.get("d2") as Pid<Disk>;
      self.send(d2, { type: "tick" });
      await self.yield();
      self.exit(d2, "kill");
      self.monitor(d2);
      await self.receive();
      self.send(manager, { type: "failed", id: "d2", replacement: "d3" });
    });
    sim.finally("two live replicas hold the data", () => {
      const live = [...holders].filter((id) => node.isAlive(disks.get(id) as Pid<Disk>));
      return live.length >= 2;
    });
  },
};

/**
 * P01: a registry still holds a process that is dead.
 *
 * A table of names is read and written by its clients; a server deletes entries when it hears that their
 * process has ended. Who reads the table sees a dead holder as nobody, who writes it does not look: until
 * the server has heard, a name is neither held nor free.
 */
import type { AnyPid, Down, Self } from "@coppice/core";
import { ask } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Registry = Tell<"track", { pid: AnyPid }> | Ask<"audit", "ok", { name: string }> | Down;

export const p01: Entry = {
  id: "P01",
  title: "registry entry of a dead process not yet reaped",
  source: "Claessen et al., Finding race conditions in Erlang with QuickCheck and PULSE, ICFP 2009",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    const names = new Map<string, AnyPid>();
    const table = sim.shared("table", names);
    const holderOf = (name: string): AnyPid | undefined => {
      const pid = names.get(name);
      return pid !== undefined && node.isAlive(pid) ? pid : undefined;
    };
    const registry = spawn(
      "reg",
      server<Registry>({
        track: (self, { pid }) => void self.monitor(pid),
        down: (_self, { process: pid }) => {
          table.change(() => {
            for (const [name, holder] of names) if (holder === pid) names.delete(name);
          });
        },
        audit: (self, { name }, from) => {
          table.change(() => {
            if (holderOf(name) === undefined) names.delete(name);
          });
          self.reply(from, "ok");
        },
      }),
    );

    const where = (self: Self<Down>, name: string): Promise<AnyPid | undefined> =>
      table.read(self, () => holderOf(name));
    const register = async (self: Self<Down>, name: string, pid: AnyPid): Promise<boolean> => {
      for (let attempt = 0; attempt < 3; attempt++) {
        let isFree = false;
        await table.write(self, () => {
          isFree = !names.has(name);
          if (isFree) names.set(name, pid);
        });
        if (isFree) {
          self.send(registry, { type: "track", pid });
          return true;
        }
        if (variant === "buggy" || (await where(self, name)) !== undefined) return false;
        await ask(self, registry, { type: "audit", name });
      }
      return false;
    };

    const worker = async (self: Self<never>): Promise<void> => void (await self.receive());
    const first = spawn("w1", worker);
    const second = spawn("w2", worker);
    spawn<Down>("client", async (self) => {
      await register(self, "x", first);
      self.exit(first, "kill");
      self.monitor(first);
      await self.receive();
      const holder = await where(self, "x");
      const isMine = await register(self, "x", second);
      if (holder === undefined && !isMine)
        sim.fail("free name", "nobody held it, yet it was taken");
    });
  },
};

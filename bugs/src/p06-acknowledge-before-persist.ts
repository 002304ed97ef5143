/**
 * P06: an increment is acknowledged before it is on disk.
 *
 * The server writes behind: it replies, tells itself to flush, and a crash in between loses what the client
 * was promised.
 */
import { name, TIMEOUT, type Down } from "@coppice/core";
import { askWithin } from "./ask.js";
import type { Entry } from "./entry.js";
import { server, type Ask, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Counter = Ask<"increment", number> | Tell<"flush", { count: number }>;
const Counter = name<Counter>("counter");

export const p06: Entry = {
  id: "P06",
  title: "acknowledge before persist",
  source: "write-behind caches; state lost when a process is let crash",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node } = stage(sim);
    const disk = sim.shared("disk", 0);
    let live = 0;
    const boot = (life: number) => {
      let count = disk.now;
      live = count;
      return node.spawnOpt(
        { key: life === 1 ? "srv" : `srv~${life}`, name: Counter },
        server<Counter>({
          increment: async (self, _request, from) => {
            if (variant === "fixed") {
              count = await disk.write(self, (stored) => stored + 1);
            } else {
              count++;
              self.send(self.pid, { type: "flush", count });
            }
            live = count;
            self.reply(from, count);
          },
          flush: (_self, message) => void disk.change(() => message.count),
        }),
      );
    };
    boot(1);
    sim.faults.crash("srv", () => node.whereis(Counter));
    node.spawnOpt<Down>({ key: "sup" }, async (self) => {
      for (let life = 2; life <= 3; life++) {
        self.monitor(Counter);
        await self.receive();
        boot(life);
      }
    });
    let acknowledged = 0;
    node.spawnOpt<never>({ key: "cli" }, async (self) => {
      for (let i = 0; i < 2; i++) {
        const pid = node.whereis(Counter);
        if (pid === undefined) continue;
        const reply = await askWithin(self, 50, pid, { type: "increment" }).catch(() => TIMEOUT);
        if (reply !== TIMEOUT) acknowledged++;
      }
    });
    sim.finally("what was acknowledged is kept", () => live >= acknowledged);
  },
};

/**
 * P41: the `Down` of a server that has answered is taken for that of the next.
 *
 * It was in the mailbox already when the monitor was taken back, and nobody flushed it.
 */
import type { Down, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

type Client = { readonly type: "answer" } | Down;

export const p41: Entry = {
  id: "P41",
  title: "demonitor without flush",
  source: "erlang:demonitor/2, the option flush",
  optimum: { base: "lifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const servers = ["s1", "s2"].map((key) =>
      spawn<Pid<Client>>(key, async (self) => {
        self.send(await self.receive(), { type: "answer" });
      }),
    );
    let answers = 0;
    spawn<Client>("cli", async (self) => {
      for (const each of servers) {
        const ref = self.monitor(each);
        self.send(each, self.pid);
        const { type } = await self.receive();
        if (type === "down") continue;
        answers++;
        await self.yield();
        self.demonitor(ref, { flush: variant === "fixed" });
      }
    });
    sim.finally("both answers are taken", () => answers === servers.length);
  },
};

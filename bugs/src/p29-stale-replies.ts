/** P29: replies that come after their timeout pile up in the mailbox. */
import { TIMEOUT, type Alias, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Reply = Tell<"reply", { number: number }>;
type Query = Tell<"query", { number: number; from: Pid<Reply> | Alias<Reply> }>;

export const p29: Entry = {
  id: "P29",
  title: "stale replies pile up in the mailbox",
  source: "EEP 53: process aliases",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    const srv = spawn(
      "srv",
      server<Query>({
        query: (self, { number, from }) => self.send(from, { type: "reply", number }),
      }),
    );
    const client = spawn<Reply>("cli", async (self) => {
      for (let number = 1; number <= 4; number++) {
        const from = variant === "fixed" ? self.alias() : self.pid;
        self.send(srv, { type: "query", number, from });
        const isMine = (reply: Reply): boolean => reply.number === number;
        const reply = await self.receive(isMine, { timeoutMs: 10 });
        if (reply === TIMEOUT && variant === "fixed") self.unalias(from as Alias<Reply>);
      }
      await self.receive(() => false);
    });
    sim.finally("few messages are left", () => node.mailboxOf(client).length < 3);
  },
};

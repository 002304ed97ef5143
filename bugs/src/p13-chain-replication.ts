/**
 * P13: updates that were inside a dead node of the chain are not sent again to its successor.
 */
import type { Down, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Link =
  | Tell<"update", { x: string }>
  | Tell<"acknowledge", { x: string }>
  | Tell<"successor", { id: string }>;

export const p13: Entry = {
  id: "P13",
  title: "chain replication: un-acknowledged updates are not resent",
  source: "van Renesse and Schneider, Chain replication, OSDI 2004",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const links = new Map<string, Pid<Link>>();
    const logs = new Map<string, string[]>();
    const link = (id: string, firstSuccessor: string | undefined): void => {
      const log: string[] = [];
      let sent: string[] = [];
      let successor = firstSuccessor;
      logs.set(id, log);
      links.set(
        id,
        spawn(
          id,
          server<Link>({
            update: (self, { x }) => {
              if (variant === "fixed" && log.includes(x)) return;
              log.push(x);
              if (successor === undefined) {
                self.send(links.get("n1") as Pid<Link>, { type: "acknowledge", x });
              } else {
                sent.push(x);
                self.send(links.get(successor) as Pid<Link>, { type: "update", x });
              }
            },
            acknowledge: (_self, { x }) => void (sent = sent.filter((other) => other !== x)),
            successor: (self, message) => {
              successor = message.id;
              if (variant === "buggy") return;
              for (const x of sent) {
                self.send(links.get(successor) as Pid<Link>, { type: "update", x });
              }
            },
          }),
        ),
      );
    };
    link("n3", undefined);
    link("n2", "n3");
    link("n1", "n2");
    const head = links.get("n1") as Pid<Link>;
    spawn<Down>("master", async (self) => {
      self.monitor(links.get("n2") as Pid<Link>);
      await self.receive();
      self.send(head, { type: "successor", id: "n3" });
    });
    spawn<never>("cli", (self) => {
      self.send(head, { type: "update", x: "u1" });
      self.send(head, { type: "update", x: "u2" });
    });
    sim.faults.crash("n2", links.get("n2") as Pid<Link>);
    sim.finally("head and tail agree", () => logs.get("n1")?.join() === logs.get("n3")?.join());
  },
};

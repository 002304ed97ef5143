/**
 * P10: a node that has declared itself leader does not listen to a higher one that declares itself later.
 *
 * The bully algorithm: who hears nothing from higher nodes in time declares itself.
 */
import type { HandlerSelf, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Peer =
  | Tell<"start">
  | Tell<"elect", { from: number }>
  | Tell<"ok">
  | Tell<"timeout">
  | Tell<"coordinator", { id: number }>;

const IDS = [1, 2, 3];

export const p10: Entry = {
  id: "P10",
  title: "two leaders: a late coordinator is ignored",
  source: "Garcia-Molina, Elections in a distributed computing system, 1982",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const peers = new Map<number, Pid<Peer>>();
    const leaderOf = new Map<number, number>();
    const tell = (self: HandlerSelf<Peer>, id: number, message: Peer): void =>
      self.send(peers.get(id) as Pid<Peer>, message);
    for (const id of IDS) {
      let isElecting = false;
      let heardHigher = false;
      const declare = (self: HandlerSelf<Peer>): void => {
        leaderOf.set(id, id);
        for (const other of IDS) if (other !== id) tell(self, other, { type: "coordinator", id });
      };
      const elect = (self: HandlerSelf<Peer>): void => {
        if (isElecting) return;
        isElecting = true;
        for (const other of IDS) if (other > id) tell(self, other, { type: "elect", from: id });
        if (id === 3) declare(self);
        else self.sendAfter(self.pid, 10, { type: "timeout" });
      };
      peers.set(
        id,
        spawn(
          `n${id}`,
          server<Peer>({
            start: (self) => elect(self),
            elect: (self, { from }) => {
              tell(self, from, { type: "ok" });
              elect(self);
            },
            ok: () => void (heardHigher = true),
            timeout: (self) => {
              if (!heardHigher && !leaderOf.has(id)) declare(self);
            },
            coordinator: (_self, message) => {
              const leader = leaderOf.get(id);
              if (variant === "buggy" && leader === id) return;
              if (variant === "buggy" || leader === undefined || message.id >= leader) {
                leaderOf.set(id, message.id);
              }
            },
          }),
        ),
      );
    }
    spawn<never>("env", (self) => self.send(peers.get(1) as Pid<Peer>, { type: "start" }));
    sim.finally(
      "at most one leader",
      () => IDS.filter((id) => leaderOf.get(id) === id).length <= 1,
    );
  },
};

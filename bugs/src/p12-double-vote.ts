/**
 * P12: who restarts forgets whom it voted for, and votes again in the same term.
 */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Peer =
  Tell<"timeout"> | Tell<"requestVote", { candidate: string }> | Tell<"vote", { voter: string }>;

const NAMES = ["A", "B", "C"];

export const p12: Entry = {
  id: "P12",
  title: "Raft: two votes in one term after a restart",
  source: "Scott et al., Minimizing faulty executions of distributed systems (DEMi), NSDI 2016",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const disk = new Map<string, string>();
    const voted = new Map<string, string>();
    const votes = new Map<string, Set<string>>();
    const peers = new Map<string, Pid<Peer>>();
    let leaders = 0;
    for (const id of NAMES) {
      votes.set(id, new Set());
      const vote = (candidate: string): void => {
        voted.set(id, candidate);
        disk.set(id, candidate);
      };
      peers.set(
        id,
        spawn(
          id,
          server<Peer>({
            timeout: (self) => {
              if (voted.has(id)) return;
              vote(id);
              votes.get(id)?.add(id);
              for (const other of NAMES) {
                if (other === id) continue;
                self.send(peers.get(other) as Pid<Peer>, { type: "requestVote", candidate: id });
              }
            },
            requestVote: (self, { candidate }) => {
              if ((voted.get(id) ?? candidate) !== candidate) return;
              vote(candidate);
              self.send(peers.get(candidate) as Pid<Peer>, { type: "vote", voter: id });
            },
            vote: (_self, { voter }) => {
              const own = votes.get(id) as Set<string>;
              if (own.size >= 2) return;
              own.add(voter);
              if (own.size === 2 && ++leaders > 1) sim.fail("one leader", "two leaders in term 1");
            },
          }),
        ),
      );
    }
    spawn<never>("env", (self) => {
      self.send(peers.get("A") as Pid<Peer>, { type: "timeout" });
      self.send(peers.get("B") as Pid<Peer>, { type: "timeout" });
    });
    sim.fault("restart:C", () => {
      voted.delete("C");
      votes.get("C")?.clear();
      const stored = disk.get("C");
      if (variant === "fixed" && stored !== undefined) voted.set("C", stored);
    });
  },
};

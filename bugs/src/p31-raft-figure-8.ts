/**
 * P31: an entry of an old term is committed because it is on a majority, and overwritten later.
 *
 * Figure 8 of the Raft paper: a leader may count replicas only of entries of its own term.
 */
import type { HandlerSelf, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

interface LogEntry {
  readonly term: number;
  readonly value: string;
}
type Peer =
  | Tell<"timeout">
  | Tell<"requestVote", { term: number; candidate: string; lastIndex: number; lastTerm: number }>
  | Tell<"vote", { term: number; voter: string }>
  | Tell<"append", { term: number; leader: string; log: readonly LogEntry[] }>
  | Tell<"appended", { term: number; matched: number }>;

const NAMES = ["A", "B", "C"];

export const p31: Entry = {
  id: "P31",
  title: "Raft figure 8: an old term's entry is committed by counting",
  source: "Ongaro and Ousterhout, In search of an understandable consensus algorithm, 2014, 5.4.2",
  optimum: { base: "fifo", constraints: 6 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const peers = new Map<string, Pid<Peer>>();
    const committed = new Map<number, string>();
    const commit = (index: number, { value }: LogEntry): void => {
      const other = committed.get(index);
      if (other !== undefined && other !== value) {
        sim.fail("one entry per index", `${other} and ${value} are committed at ${index}`);
      }
      committed.set(index, value);
    };
    for (const id of NAMES) {
      let term = 0;
      let voted: string | undefined;
      let log: readonly LogEntry[] = [];
      let role: "follower" | "candidate" | "leader" = "follower";
      let votes = new Set<string>();
      const toOthers = (self: HandlerSelf<Peer>, message: Peer): void => {
        for (const other of NAMES) if (other !== id) self.send(peers.get(other) as never, message);
      };
      const lastTerm = (): number => log.at(-1)?.term ?? 0;
      peers.set(
        id,
        spawn(
          id,
          server<Peer>({
            timeout: (self) => {
              if (role === "leader") return;
              term++;
              voted = id;
              role = "candidate";
              votes = new Set([id]);
              const last = { lastIndex: log.length, lastTerm: lastTerm() };
              toOthers(self, { type: "requestVote", term, candidate: id, ...last });
            },
            requestVote: (self, request) => {
              const { candidate } = request;
              if (request.term > term) {
                term = request.term;
                voted = undefined;
                role = "follower";
              }
              const isUpToDate =
                request.lastTerm > lastTerm() ||
                (request.lastTerm === lastTerm() && request.lastIndex >= log.length);
              if (request.term !== term || (voted ?? candidate) !== candidate || !isUpToDate)
                return;
              voted = candidate;
              self.send(peers.get(candidate) as Pid<Peer>, { type: "vote", term, voter: id });
            },
            vote: (self, vote) => {
              if (role !== "candidate" || vote.term !== term) return;
              votes.add(vote.voter);
              if (votes.size !== 2) return;
              role = "leader";
              if (log.length < 1) log = [{ term, value: `${id}${term}` }];
              toOthers(self, { type: "append", term, leader: id, log });
            },
            append: (self, append) => {
              if (append.term < term) return;
              if (append.term > term) {
                term = append.term;
                voted = undefined;
              }
              role = "follower";
              log = append.log;
              const reply = { type: "appended", term: append.term, matched: log.length } as const;
              self.send(peers.get(append.leader) as Pid<Peer>, reply);
            },
            appended: (_self, reply) => {
              if (role !== "leader" || reply.term !== term) return;
              for (const [index, entry] of log.slice(0, reply.matched).entries()) {
                if (variant === "buggy" || entry.term === term) commit(index + 1, entry);
              }
            },
          }),
        ),
      );
    }
    for (const [id, timeouts] of [
      ["A", 2],
      ["B", 1],
      ["C", 2],
    ] as const) {
      spawn<never>(`clk${id}`, async (self) => {
        for (let i = 0; i < timeouts; i++) {
          await self.yield();
          self.send(peers.get(id) as Pid<Peer>, { type: "timeout" });
        }
      });
    }
  },
};

/**
 * P37: a proposer asks for its own value although one of those that promised has accepted another.
 *
 * It takes over what is accepted only where all that promised have accepted it. But one is enough for a majority
 * that it has not heard all of: then two values are chosen.
 */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

interface Accepted {
  readonly ballot: number;
  readonly value: string;
}
type Promised = Tell<"promise", { accepted: Accepted | undefined }>;
type Acceptor =
  | Tell<"prepare", { ballot: number; from: Pid<Promised> }>
  | Tell<"accept", { ballot: number; value: string }>;

const MAJORITY = 2;

export const p37: Entry = {
  id: "P37",
  title: "Paxos: a proposer prefers its own value",
  source: "Lamport, Paxos made simple, 2001: condition P2c",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const chosen = new Set<string>();
    const votes = new Map<string, number>();
    const acceptors = ["a1", "a2", "a3"].map((key) => {
      let promised = 0;
      let accepted: Accepted | undefined;
      return spawn(
        key,
        server<Acceptor>({
          prepare: (self, { ballot, from }) => {
            if (ballot < promised) return;
            promised = ballot;
            self.send(from, { type: "promise", accepted });
          },
          accept: (_self, { ballot, value }) => {
            if (ballot < promised) return;
            promised = ballot;
            accepted = { ballot, value };
            const id = `${ballot} ${value}`;
            votes.set(id, (votes.get(id) ?? 0) + 1);
            if (votes.get(id) === MAJORITY) chosen.add(value);
          },
        }),
      );
    });
    for (const [ballot, own] of [
      [1, "red"],
      [2, "blue"],
    ] as const) {
      spawn<Promised>(`p${ballot}`, async (self) => {
        for (const acceptor of acceptors) {
          self.send(acceptor, { type: "prepare", ballot, from: self.pid });
        }
        const known: (Accepted | undefined)[] = [];
        while (known.length < MAJORITY) known.push((await self.receive()).accepted);
        const highest = known.reduce((one, other) =>
          (other?.ballot ?? 0) > (one?.ballot ?? 0) ? other : one,
        );
        const isBound = variant === "fixed" || !known.includes(undefined);
        const value = isBound ? (highest?.value ?? own) : own;
        for (const acceptor of acceptors) self.send(acceptor, { type: "accept", ballot, value });
      });
    }
    sim.finally("one value is chosen", () => chosen.size < 2);
  },
};

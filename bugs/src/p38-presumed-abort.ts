/**
 * P38: a coordinator that recovers presumes abort, although it had told the participants to commit.
 *
 * Its decision is written, but told before it is synced. When the power fails in between, the log says that it had
 * begun and no more.
 */
import { at, name } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Participant = Tell<"prepare"> | Tell<"decide", { commits: boolean }>;
type Coordinator = Tell<"yes">;
const Coordinator = name<Coordinator>("coordinator");

export const p38: Entry = {
  id: "P38",
  title: "two-phase commit: told before it is logged",
  source: "Mohan, Lindsay and Obermarck, R*, 1986: presumed abort forces the record of the commit",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const decisions = new Set<boolean>();
    const participants = ["p1", "p2"].map((key) =>
      stage(sim, key).spawn(
        "part",
        server<Participant>({
          prepare: (self) => self.send(at("c", Coordinator), { type: "yes" }),
          decide: (_self, { commits }) => void decisions.add(commits),
        }),
      ),
    );
    sim.boot("c", (node) => {
      const log = sim.durable<"nothing" | "begun" | "commit" | "abort">(node, "log", "nothing");
      node.spawnOpt<Coordinator>({ key: "coord", name: Coordinator }, async (self) => {
        const tell = (message: Participant): void => {
          for (const participant of participants) self.send(participant, message);
        };
        if (log.read() === "nothing") {
          log.write("begun");
          log.sync();
          tell({ type: "prepare" });
          for (const _ of participants) await self.receive();
          log.write("commit");
          if (variant === "fixed") log.sync();
          tell({ type: "decide", commits: true });
          await self.yield();
        } else {
          if (log.read() === "begun") log.write("abort");
          log.sync();
          tell({ type: "decide", commits: log.read() === "commit" });
        }
        log.sync();
      });
    });
    sim.faults.nodeDown("c");
    sim.finally("all decide alike", () => decisions.size < 2);
  },
};

/**
 * P11: a late yes turns an abort into a commit.
 *
 * The coordinator of a two-phase commit times out and decides to abort; the vote that comes after that is
 * counted all the same.
 */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Decision = "commit" | "abort";
type Participant = Tell<"prepare"> | Tell<"decide", { decision: Decision }>;
type Coordinator = Tell<"yes", { from: string }> | Tell<"timeout">;

const NAMES = ["p1", "p2"];

export const p11: Entry = {
  id: "P11",
  title: "two-phase commit: a late yes after the abort",
  source: "Gray, Notes on data base operating systems, 1978",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    const decided = new Map<string, Decision>();
    const participants = new Map<string, Pid<Participant>>();
    let coordinator: Pid<Coordinator>;
    for (const name of NAMES) {
      participants.set(
        name,
        spawn(
          name,
          server<Participant>({
            prepare: (self) => self.send(coordinator, { type: "yes", from: name }),
            decide: (_self, { decision }) => {
              if (!decided.has(name)) decided.set(name, decision);
            },
          }),
        ),
      );
    }
    coordinator = node.spawnOpt<Coordinator>({ key: "co" }, async (self) => {
      const yes = new Set<string>();
      let decision: Decision | undefined;
      const tell = (name: string, message: Participant): void =>
        self.send(participants.get(name) as Pid<Participant>, message);
      for (const name of NAMES) tell(name, { type: "prepare" });
      self.sendAfter(self.pid, 10, { type: "timeout" });
      for (;;) {
        const message = await self.receive();
        if (message.type === "yes") {
          yes.add(message.from);
          if (variant === "fixed" && decision !== undefined) continue;
          if (yes.size < NAMES.length) continue;
          decision = "commit";
          for (const name of NAMES) tell(name, { type: "decide", decision });
        } else if (decision === undefined) {
          decision = "abort";
          for (const name of NAMES) {
            if (variant === "fixed" || yes.has(name)) tell(name, { type: "decide", decision });
          }
        }
      }
    });
    sim.finally("all decide alike", () => new Set(decided.values()).size <= 1);
  },
};

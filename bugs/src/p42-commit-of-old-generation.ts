/**
 * P42: who has lost a partition commits what it had read of it, and sets the new owner back.
 *
 * It looks whether the partition was revoked before each commit; but the news may be on its way.
 */
import { TIMEOUT, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Group =
  Tell<"join", { from: Pid<Consumer> }> | Tell<"commit", { generation: number; offset: number }>;
type Assigned = Tell<"assigned", { generation: number; offset: number }>;
type Consumer = Assigned | Tell<"revoked">;

export const p42: Entry = {
  id: "P42",
  title: "consumer group: a commit of the generation before",
  source: "Kafka's group protocol: commits carry the generation, and ILLEGAL_GENERATION answers",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let generation = 0;
    let committed = 0;
    let owner: Pid<Consumer> | undefined;
    const group = spawn(
      "group",
      server<Group>({
        join: (self, { from }) => {
          if (owner !== undefined) self.send(owner, { type: "revoked" });
          owner = from;
          self.send(from, { type: "assigned", generation: ++generation, offset: committed });
        },
        commit: (_self, message) => {
          if (variant === "fixed" && message.generation !== generation) return;
          if (message.offset < committed) {
            sim.fail("offsets go forward", `from ${committed} to ${message.offset}`);
          }
          committed = message.offset;
        },
      }),
    );
    for (const key of ["c1", "c2"]) {
      spawn<Consumer>(key, async (self) => {
        self.send(group, { type: "join", from: self.pid });
        const isAssigned = (message: Consumer): message is Assigned => message.type === "assigned";
        const { generation: own, offset } = await self.receive(isAssigned);
        for (const read of [1, 2]) {
          await self.yield();
          const isRevoked = (message: Consumer): boolean => message.type === "revoked";
          if ((await self.receive(isRevoked, { timeoutMs: 0 })) !== TIMEOUT) return;
          self.send(group, { type: "commit", generation: own, offset: offset + read });
        }
      });
    }
  },
};

/**
 * P04: the reply to a request that timed out is taken for the reply to the next one.
 */
import { TIMEOUT, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Query = Tell<"query", { x: number; number: number; from: Pid<Answer> }>;
type Answer = Tell<"answer", { x: number; number: number }>;

export const p04: Entry = {
  id: "P04",
  title: "late reply taken as the answer to the next request",
  source: "why OTP matches replies by reference",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const times10 = spawn(
      "srv",
      server<Query>({
        query: (self, { x, number, from }) =>
          self.send(from, { type: "answer", x: x * 10, number }),
      }),
    );
    spawn<Answer>("cli", async (self) => {
      for (const x of [1, 2]) {
        self.send(times10, { type: "query", x, number: x, from: self.pid });
        const isMine = (answer: Answer): boolean => variant === "buggy" || answer.number === x;
        const answer = await self.receive(isMine, { timeoutMs: 10 });
        if (answer !== TIMEOUT && answer.x !== x * 10) {
          sim.fail("the right answer", `asked for 10 × ${x}, took ${answer.x}`);
        }
      }
    });
  },
};

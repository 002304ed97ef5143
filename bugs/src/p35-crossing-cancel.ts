/** P35: a cancel crosses the answer, and arrives in a state that does not know it. */
import { TIMEOUT, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

type Job = { readonly type: "start" | "cancel" | "tick" };
type Answer = { readonly type: "done" | "cancelled" };

export const p35: Entry = {
  id: "P35",
  title: "cancel and done cross",
  source: "call control protocols; session types",
  optimum: { base: "lifo", constraints: 0 },
  classes: { all: 3, failing: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    let client: Pid<Answer>;
    const worker = spawn<Job>("srv", async (self) => {
      let state: "idle" | "work" | "drain" = "idle";
      for (;;) {
        const { type } = await self.receive();
        if (state === "idle" && type === "start") {
          state = "work";
          self.send(self.pid, { type: "tick" });
        } else if (state === "work" && type === "tick") {
          state = "idle";
          self.send(client, { type: "done" });
        } else if (state === "work" && type === "cancel") {
          state = "drain";
          self.send(client, { type: "cancelled" });
        } else if (state === "drain" && type === "tick") {
          state = "idle";
        } else if (variant === "fixed" && state === "idle" && type === "cancel") {
          self.send(client, { type: "cancelled" });
        } else {
          sim.fail("every message is expected", `${type} came in state ${state}`);
        }
      }
    });
    client = spawn<Answer>("cli", async (self) => {
      self.send(worker, { type: "start" });
      await self.yield();
      const done = await self.receive((m) => m.type === "done", { timeoutMs: 0 });
      if (done !== TIMEOUT) return;
      self.send(worker, { type: "cancel" });
      await self.receive((message) => message.type === "cancelled");
    });
  },
};

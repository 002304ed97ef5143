/**
 * P28: a job of high priority waits for a lock that is held by one of low priority, which waits for those
 * of medium priority.
 */
import type { HandlerSelf } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Job = "low" | "medium" | "high";
type Cpu = Tell<"ready", { job: Job }> | Tell<"slice">;

const PRIORITY = { low: 1, medium: 2, high: 3 };

export const p28: Entry = {
  id: "P28",
  title: "priority inversion",
  source: "Reeves, What really happened on Mars, 1997",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const ready: Job[] = [];
    let isRunning = false;
    let slices = 0;
    let lowHolds: "not yet" | "yes" | "done" = "not yet";
    let slicesLeft = 2;
    let mediumSlices = 0;
    let highWaitsSince: number | undefined;

    const priorityOf = (job: Job): number => {
      const inherits = variant === "fixed" && lowHolds === "yes" && highWaitsSince !== undefined;
      return PRIORITY[inherits && job === "low" ? "high" : job];
    };
    const runLow = (): void => {
      if (lowHolds === "not yet") {
        lowHolds = "yes";
        ready.push("low");
      } else if (lowHolds === "yes") {
        if (--slicesLeft > 0) {
          ready.push("low");
          return;
        }
        lowHolds = "done";
        if (highWaitsSince !== undefined) ready.push("high");
        highWaitsSince = undefined;
      }
    };
    const run = (job: Job): void => {
      if (job === "low") runLow();
      else if (job === "medium") {
        if (++mediumSlices < 14) ready.push("medium");
      } else if (lowHolds === "yes") highWaitsSince = slices;
    };
    const slice = (self: HandlerSelf<Cpu>): void => {
      const best = ready.reduce<Job | undefined>(
        (a, b) => (a !== undefined && priorityOf(a) >= priorityOf(b) ? a : b),
        undefined,
      );
      if (best === undefined) {
        isRunning = false;
        return;
      }
      slices++;
      ready.splice(ready.indexOf(best), 1);
      run(best);
      if (highWaitsSince !== undefined && slices - highWaitsSince > 8) {
        sim.fail("high priority waits at most 8 slices", `it waited ${slices - highWaitsSince}`);
      }
      self.send(self.pid, { type: "slice" });
    };
    const cpu = spawn(
      "cpu",
      server<Cpu>({
        ready: (self, { job }) => {
          ready.push(job);
          if (!isRunning) self.send(self.pid, { type: "slice" });
          isRunning = true;
        },
        slice,
      }),
    );
    for (const [key, job] of [
      ["eL", "low"],
      ["eM", "medium"],
      ["eH", "high"],
    ] as const) {
      spawn<never>(key, (self) => self.send(cpu, { type: "ready", job }));
    }
  },
};

/**
 * P19: a duplicate outlives the window in which duplicates are known.
 *
 * The server remembers the last request only, and the network delivers a copy late.
 */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Payments = Tell<"pay", { id: number; from: Pid<Paid> }>;
type Paid = Tell<"paid">;

function payments(window: number, requests: number, waits: boolean): Entry["program"] {
  return (variant) => (sim) => {
    const { spawn } = stage(sim);
    let executed = 0;
    let highest = 0;
    const recent: number[] = [];
    const isKnown = (id: number): boolean => {
      if (variant === "fixed") {
        if (id <= highest) return true;
        highest = id;
        return false;
      }
      if (recent.includes(id)) return true;
      recent.push(id);
      if (recent.length > window) recent.shift();
      return false;
    };
    const srv = spawn(
      "srv",
      server<Payments>({
        pay: (self, { id, from }) => {
          if (isKnown(id)) return;
          executed++;
          if (waits) self.send(from, { type: "paid" });
        },
      }),
    );
    spawn<Paid>("c1", async (self) => {
      for (let id = 1; id <= requests; id++) {
        self.send(srv, { type: "pay", id, from: self.pid });
        if (waits) await self.receive();
      }
    });
    sim.faults.duplicate({ times: 1 });
    sim.finally("each request is executed once", () => executed <= requests);
  };
}

export const p19: Entry = {
  id: "P19",
  title: "dedup window too small",
  source: "exactly-once by a finite window",
  profile: "datagram",
  optimum: { base: "fifo", constraints: 1 },
  program: payments(1, 2, false),
};

export const p19h: Entry = {
  id: "P19h",
  title: "dedup window of four, six requests that are acknowledged",
  source: "P19, hardened",
  profile: "datagram",
  optimum: { base: "fifo", constraints: 2 },
  program: payments(4, 6, true),
};

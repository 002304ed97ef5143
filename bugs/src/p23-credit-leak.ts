/** P23: the credit that a crashed consumer held is never given back, and the producer stalls. */
import type { AnyPid, Down, HandlerSelf, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Consumer = Tell<"item">;
type Producer = Tell<"acknowledge", { from: AnyPid }> | Down;

export const p23: Entry = {
  id: "P23",
  title: "credit leaks when a consumer crashes",
  source: "demand in GenStage and Reactive Streams",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { node, spawn } = stage(sim);
    let producer: Pid<Producer>;
    let consumers = ["k1", "k2"].map((key) =>
      spawn(
        key,
        server<Consumer>({
          item: (self) => self.send(producer, { type: "acknowledge", from: self.pid }),
        }),
      ),
    );
    let credit = 1;
    let left = 3;
    const held = new Map<AnyPid, number>(consumers.map((pid) => [pid, 0]));
    const pump = (self: HandlerSelf<Producer>): void => {
      while (credit > 0 && left > 0 && consumers.length > 0) {
        credit--;
        left--;
        const consumer = consumers[left % consumers.length] as Pid<Consumer>;
        held.set(consumer, (held.get(consumer) ?? 0) + 1);
        self.send(consumer, { type: "item" });
      }
    };
    producer = node.spawnOpt(
      { key: "prod" },
      server<Producer>(
        {
          acknowledge: (self, { from }) => {
            if (!consumers.some((pid) => pid === from)) return;
            credit++;
            held.set(from, (held.get(from) ?? 0) - 1);
            pump(self);
          },
          down: (self, { process: pid }) => {
            consumers = consumers.filter((other) => other !== pid);
            if (variant === "fixed") {
              const lost = held.get(pid as AnyPid) ?? 0;
              credit += lost;
              left += lost;
            }
            pump(self);
          },
        },
        (self) => {
          for (const consumer of consumers) self.monitor(consumer);
          pump(self);
        },
      ),
    );
    sim.faults.crash("k1", consumers[0] as Pid<Consumer>);
    sim.finally("everything is sent", () => left === 0);
  },
};

/**
 * P39: what was done is done again, as the power fails between the effect and the mark that it was done.
 *
 * Each of the two is synced; but they are two.
 */
import { at, name, TIMEOUT, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { stage } from "./stage.js";

interface Order {
  readonly id: number;
  readonly from: Pid<number>;
}
const Orders = name<Order>("orders");

export const p39: Entry = {
  id: "P39",
  title: "exactly once: the effect and its mark are two writes",
  source:
    "Helland, Life beyond distributed transactions, 2007: messages that were processed are remembered with the change",
  optimum: { base: "fifo", constraints: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim, "q");
    sim.boot("c", (node) => {
      const count = sim.durable(node, "count", 0);
      const marks = sim.durable<readonly number[]>(node, "marks", []);
      node.spawnOpt<Order>({ key: "consumer", name: Orders }, async (self) => {
        for (;;) {
          const { id, from } = await self.receive();
          if (!marks.read().includes(id)) {
            count.write(count.read() + 1);
            count.sync();
            if (variant === "buggy") await self.yield();
            marks.write([...marks.read(), id]);
            marks.sync();
          }
          self.send(from, id);
        }
      });
    });
    spawn<number>("queue", async (self) => {
      for (const id of [1, 2]) {
        for (let time = 1; time <= 3; time++) {
          self.send(at("c", Orders), { id, from: self.pid });
          const acknowledged = await self.receive((each) => each === id, { timeoutMs: 100 });
          if (acknowledged !== TIMEOUT) break;
        }
      }
    });
    sim.faults.nodeDown("c");
    sim.finally("each order counts once", () => sim.durable("c", "count", 0).read() <= 2);
  },
};

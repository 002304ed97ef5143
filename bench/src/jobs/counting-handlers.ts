/** As `counting`, with handlers: functions that are called with each message. */
import type { Pid } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

type Count =
  | { readonly type: "increment"; readonly by: number }
  | { readonly type: "retrieve"; readonly from: Pid<number> };

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let total = 0;
  const startMs = performance.now();
  const counter = node.spawn<Count, number>({
    init: () => 0,
    message(counted, message, self) {
      if (message.type === "increment") return counted + message.by;
      self.send(message.from, counted);
      return counted;
    },
  });
  const sender = node.spawn<number>({
    init(self) {
      for (let i = 0; i < count; i++) self.send(counter, { type: "increment", by: 1 });
      self.send(counter, { type: "retrieve", from: self.pid });
    },
    message(_state, counted, self) {
      total = counted;
      self.exit("normal");
    },
  });
  await node.whenExited(sender);
  const value = perSecond(total, startMs);
  await node.stop();
  return { count: total, value };
}

export { nact } from "./counting.js";

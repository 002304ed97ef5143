/** As `timer-latency`, with handlers: functions that are called with each message. */
import type { HandlerSelf, Pid } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { lateness } from "./timer-latency.js";

const DELAY_MS = 10;

interface Ball {
  readonly from: Pid<Ball>;
}

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  const message = (state: undefined, { from }: Ball, self: HandlerSelf<Ball>): undefined => {
    self.send(from, { from: self.pid });
    return state;
  };
  const player = node.spawn<Ball, undefined>({ init: () => undefined, message });
  const other = node.spawn<Ball, undefined>({
    init: (self) => self.send(player, { from: self.pid }) as undefined,
    message,
  });
  const lateMs: number[] = [];
  const set = (self: HandlerSelf<"due">): number => {
    self.sendAfter(self.pid, DELAY_MS, "due");
    return performance.now() + DELAY_MS;
  };
  const timed = node.spawn<"due", number>({
    init: set,
    message(dueMs, _due, self) {
      lateMs.push(performance.now() - dueMs);
      if (lateMs.length === count) self.exit("normal");
      return set(self);
    },
  });
  await node.whenExited(timed);
  return lateness(node, [player, other], lateMs);
}

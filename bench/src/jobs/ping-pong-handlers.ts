/** As `ping-pong`, with handlers: functions that are called with each message. */
import type { Pid } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

interface Ping {
  readonly type: "ping";
  readonly from: Pid<Pong>;
}

interface Pong {
  readonly type: "pong";
}

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let messages = 0;
  const startMs = performance.now();
  const ponger = node.spawn<Ping>({
    init: () => undefined,
    message(state, { from }, self) {
      messages++;
      self.send(from, { type: "pong" });
      return state;
    },
  });
  const pinger = node.spawn<Pong, number>({
    init(self) {
      self.send(ponger, { type: "ping", from: self.pid });
      return count / 2;
    },
    message(left, _pong, self) {
      messages++;
      if (left === 1) self.exit("normal");
      self.send(ponger, { type: "ping", from: self.pid });
      return left - 1;
    },
  });
  await node.whenExited(pinger);
  const value = perSecond(messages, startMs);
  await node.stop();
  return { count: messages, value };
}

export { nact } from "./ping-pong.js";

/** A process takes its messages, all of which are there already. */
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  let taken = 0;
  let value = 0;
  const receiver = node.spawn<number | "go">(async (self) => {
    await self.receive((message) => message === "go");
    const startMs = performance.now();
    for (; taken < count; taken++) {
      const message = await self.receive();
      if (message !== taken) throw new Error(`message ${message} came in place of ${taken}`);
    }
    value = perSecond(taken, startMs);
  });
  for (let i = 0; i < count; i++) node.send(receiver, i);
  node.send(receiver, "go");
  await node.whenExited(receiver);
  await node.stop();
  return { count: taken, value };
}

/** A process takes its messages, all of which are there already. */
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";

/** Takes `count` messages, from mailboxes that hold `backlog` at the most. */
export async function drain(count: number, backlog: number): Promise<Measurement> {
  const node = startNode();
  let taken = 0;
  let elapsedMs = 0;
  while (taken < count) {
    const first = taken;
    const end = Math.min(first + backlog, count);
    const receiver = node.spawn<number | "go">(async (self) => {
      await self.receive((message) => message === "go");
      const startMs = performance.now();
      for (; taken < end; taken++) {
        const message = await self.receive();
        if (message !== taken) throw new Error(`message ${message} came in place of ${taken}`);
      }
      elapsedMs += performance.now() - startMs;
    });
    for (let i = first; i < end; i++) node.send(receiver, i);
    node.send(receiver, "go");
    await node.whenExited(receiver);
  }
  await node.stop();
  return { count: taken, value: (taken * 1_000) / elapsedMs };
}

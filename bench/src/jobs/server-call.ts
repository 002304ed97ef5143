/** One process calls a server, again and again: `call` with a behaviour at the other end. */
import { defineServer } from "@coppice/supervisor";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

const server = defineServer({
  init: () => 0,
  call: { add: (_state, to: number) => ({ reply: to + 1 }) },
});

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  const pid = await node.start(server);
  let called = 0;
  const startMs = performance.now();
  const client = node.spawn(async (self) => {
    while (called < count) called = await self.call(pid, ["add", called]);
  });
  await node.whenExited(client);
  const value = perSecond(called, startMs);
  await node.stop();
  return { count: called, value };
}

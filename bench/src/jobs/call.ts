/** One process calls another, again and again: a request and its reply each time. */
import type { Call } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";

export async function coppice(count: number): Promise<Measurement> {
  return call(count, 0);
}

/** Calls by a process in whose mailbox `unmatched` messages wait. */
export async function call(count: number, unmatched: number): Promise<Measurement> {
  const node = startNode();
  const server = node.spawn<Call<number, number>>({
    init: () => undefined,
    message(state, { request, from }, self) {
      self.reply(from, request + 1);
      return state;
    },
  });
  let called = 0;
  let startMs = 0;
  const client = node.spawn<"unmatched">(async (self) => {
    for (let i = 0; i < unmatched; i++) self.send(self.pid, "unmatched");
    startMs = performance.now();
    while (called < count) called = await self.call(server, called);
    const left = self.processInfo(self.pid)?.mailboxSize;
    if (left !== unmatched) throw new Error(`${left} messages are left of ${unmatched}`);
  });
  await node.whenExited(client);
  const value = perSecond(called, startMs);
  await node.stop();
  return { count: called, value };
}

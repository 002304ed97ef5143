/** What the benchmarks of remoting do with the node `peer`, however it is connected. */
import { at, type Node } from "@coppice/core";
import type { Remote } from "@coppice/remote";
import type { Measurement } from "./benchmark.js";
import { perSecond } from "./rate.js";
import { Echo, Sink } from "./remote-services.js";
import { median } from "./statistics.js";

/** So much is sent before others have their turn. */
export const BATCH = 100;
export const MESSAGE: Uint8Array = new Uint8Array(100).fill(7);

/** Casts of 100 bytes by one process to another, per second. */
export async function castMany(node: Node, remote: Remote, count: number): Promise<Measurement> {
  const target = at("peer", Sink);
  const startMs = performance.now();
  const caster = node.spawn<"done">(async (self) => {
    for (let sent = 0; sent < count; sent++) {
      self.send(target, MESSAGE);
      if (sent % BATCH !== 0) continue;
      await self.sleep(0);
      if (remote.isBusy("peer")) await remote.ready("peer");
    }
    self.send(target, { type: "whenAt", count, from: self.pid });
    await self.receive();
  });
  await node.whenExited(caster);
  return { count, value: perSecond(count, startMs) };
}

/** One call after the other: how many us one takes. */
export async function callMany(node: Node, count: number): Promise<Measurement> {
  const target = at("peer", Echo);
  const timesUs: number[] = [];
  const caller = node.spawn(async (self) => {
    for (let i = 0; i < count; i++) {
      const startMs = performance.now();
      await self.call(target, i);
      timesUs.push((performance.now() - startMs) * 1_000);
    }
  });
  await node.whenExited(caller);
  return { count: timesUs.length, value: median(timesUs) };
}

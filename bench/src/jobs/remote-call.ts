/** A process calls a process of another operating-system process, one call after the other. */
import { at } from "@coppice/core";
import type { Measurement } from "../benchmark.js";
import { median } from "../statistics.js";
import { Echo } from "../remote-peer.js";
import { withRemote, withSocket } from "../remote-setting.js";

export function coppice(count: number): Promise<Measurement> {
  return withRemote(async (node) => {
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
  });
}

/** `ws`: a text there and back. */
export function node(count: number): Promise<Measurement> {
  return withSocket(async (socket) => {
    let answered: () => void = () => undefined;
    socket.on("message", () => answered());
    const timesUs: number[] = [];
    for (let i = 0; i < count; i++) {
      const startMs = performance.now();
      const answer = new Promise<void>((resolve) => (answered = resolve));
      socket.send(String(i));
      await answer;
      timesUs.push((performance.now() - startMs) * 1_000);
    }
    return { count: timesUs.length, value: median(timesUs) };
  });
}

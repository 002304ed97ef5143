/** A process sends 100 bytes to a process of another operating-system process, again and again. */
import { once } from "node:events";
import { at } from "@coppice/core";
import type { Measurement } from "../benchmark.js";
import { perSecond } from "../rate.js";
import { Sink } from "../remote-peer.js";
import { withRemote, withSocket } from "../remote-setting.js";

const BATCH = 100;
const MESSAGE = new Uint8Array(100).fill(7);

export function coppice(count: number): Promise<Measurement> {
  return withRemote(async (node, remote) => {
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
  });
}

/** `ws`, one message to a frame. */
export function node(count: number): Promise<Measurement> {
  return withSocket(async (socket) => {
    const startMs = performance.now();
    for (let sent = 0; sent < count; sent++) {
      socket.send(MESSAGE);
      if (sent % BATCH !== 0) continue;
      do await new Promise((resolve) => setImmediate(resolve));
      while (socket.bufferedAmount > 1 << 20);
    }
    socket.send("count");
    const [data] = (await once(socket, "message")) as [Buffer];
    return { count: Number(String(data)), value: perSecond(count, startMs) };
  });
}

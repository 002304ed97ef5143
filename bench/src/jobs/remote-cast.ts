/** A process sends 100 bytes to a process of another operating-system process, again and again. */
import { once } from "node:events";
import type { Measurement } from "../benchmark.js";
import { withComedy, withMoleculer, withNats } from "../framework-setting.js";
import { castOver } from "../link.js";
import { perSecond } from "../rate.js";
import { BATCH, castMany, MESSAGE } from "../remote-load.js";
import { withRemote, withSocket } from "../remote-setting.js";

export function coppice(count: number): Promise<Measurement> {
  return withRemote((node, remote) => castMany(node, remote, count));
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

export function moleculer(count: number): Promise<Measurement> {
  return withMoleculer((link) => castOver(link, count));
}

export function comedy(count: number): Promise<Measurement> {
  return withComedy((link) => castOver(link, count));
}

export function nats(count: number): Promise<Measurement> {
  return withNats((link) => castOver(link, count));
}

/** A process calls a process of another operating-system process, one call after the other. */
import type { Measurement } from "../benchmark.js";
import { withComedy, withMoleculer, withNats } from "../framework-setting.js";
import { askOver } from "../link.js";
import { median } from "../statistics.js";
import { callMany } from "../remote-load.js";
import { withRemote, withSocket } from "../remote-setting.js";

export function coppice(count: number): Promise<Measurement> {
  return withRemote((node) => callMany(node, count));
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

export function moleculer(count: number): Promise<Measurement> {
  return withMoleculer((link) => askOver(link, count));
}

export function comedy(count: number): Promise<Measurement> {
  return withComedy((link) => askOver(link, count));
}

export function nats(count: number): Promise<Measurement> {
  return withNats((link) => askOver(link, count));
}

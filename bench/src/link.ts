/** One who sends to, and asks, a peer in another operating-system process, by whatever framework. */
import type { Measurement } from "./benchmark.js";
import { perSecond } from "./rate.js";
import { BATCH } from "./remote-load.js";
import { median } from "./statistics.js";

export interface Link {
  /** Sends 100 bytes or characters. */
  send(): void;
  /** Waits, after some were sent, until more should be. */
  ready(): Promise<unknown>;
  /** How many the peer has taken. */
  taken(): Promise<number>;
  /** What the peer answers with. */
  ask(value: number): Promise<unknown>;
}

export const TEXT: string = "x".repeat(100);

export async function castOver(link: Link, count: number): Promise<Measurement> {
  const startMs = performance.now();
  for (let sent = 0; sent < count; sent++) {
    link.send();
    if (sent % BATCH === 0) await link.ready();
  }
  let taken: number;
  do taken = await link.taken();
  while (taken < count);
  return { count: taken, value: perSecond(count, startMs) };
}

export async function askOver(link: Link, count: number): Promise<Measurement> {
  const timesUs: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    if ((await link.ask(i)) === i) timesUs.push((performance.now() - startMs) * 1_000);
  }
  return { count: timesUs.length, value: median(timesUs) };
}

/** What the process of the operating system takes while the processes of `million` are alive. */
import type { Measurement } from "../benchmark.js";
import { ask } from "./million.js";

const BYTES_PER_MB = 1_000_000;

export async function coppice(count: number): Promise<Measurement> {
  const { answers, rssBytes } = await ask(count);
  return { count: answers, value: rssBytes / BYTES_PER_MB };
}

/** As `counting`, by a process that gives way now and then, as a long loop should. */
import type { Measurement } from "../benchmark.js";
import { flood } from "./counting.js";

const STRETCH = 100;

export async function coppice(count: number): Promise<Measurement> {
  return flood(count, STRETCH);
}

/**
 * As `server-cast`, by a process that gives way now and then, as a long loop should: the server keeps
 * up, and no backlog of a million casts has to be kept.
 */
import type { Measurement } from "../benchmark.js";
import { cast } from "./server-cast.js";

const STRETCH = 100;

export async function coppice(count: number): Promise<Measurement> {
  return cast(count, STRETCH);
}

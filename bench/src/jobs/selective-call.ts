/** As `call`, by a process that has not taken 100 000 of its messages: a reply must not cost a search. */
import type { Measurement } from "../benchmark.js";
import { call } from "./call.js";

const UNMATCHED = 100_000;

export async function coppice(count: number): Promise<Measurement> {
  return call(count, UNMATCHED);
}

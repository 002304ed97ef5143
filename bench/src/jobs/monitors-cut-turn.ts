/** How long the event loop is held up at most while all who monitor processes of a node that is killed are told. */
import type { Measurement } from "../benchmark.js";
import { cutWith } from "../monitors-cut.js";

export async function coppice(count: number): Promise<Measurement> {
  const { answered, longestTurnMs } = await cutWith(count);
  return { count: answered, value: longestTurnMs };
}

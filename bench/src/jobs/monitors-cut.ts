/** How long it takes until all who monitor processes of a node that is killed know of it. */
import type { Measurement } from "../benchmark.js";
import { cutWith } from "../monitors-cut.js";

export async function coppice(count: number): Promise<Measurement> {
  const { answered, totalMs } = await cutWith(count);
  return { count: answered, value: totalMs };
}

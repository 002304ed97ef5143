/** `link-chain` with 100 000 processes: what one costs must not depend on how many there are. */
import type { Measurement } from "../benchmark.js";
import { killChains } from "./link-chain.js";

const LENGTH = 100_000;

export async function coppice(count: number): Promise<Measurement> {
  return killChains(count, LENGTH);
}

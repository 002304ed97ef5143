/** `mailbox-drain` with 100 000 messages in the mailbox: what one costs must not depend on how many there are. */
import type { Measurement } from "../benchmark.js";
import { drain } from "./mailbox-drain.js";

const BACKLOG = 100_000;

export async function coppice(count: number): Promise<Measurement> {
  return drain(count, BACKLOG);
}

/** How much memory grows while a process sends at full load to a peer that is stopped, and waits whenever the session is busy. */
import type { Measurement } from "../benchmark.js";
import { pausedPeer } from "../paused-peer.js";

export function coppice(count: number): Promise<Measurement> {
  return pausedPeer("await", count);
}

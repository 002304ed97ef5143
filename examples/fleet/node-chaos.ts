/** Chaos among nodes: a supervised process that kills and pauses processes of the system. */
import type { Self } from "@coppice/core";
import { Dispatcher } from "./dispatcher.js";
import { nodeProcessName } from "./node-process.js";
import { nodeStrikes, type NodeStrikeKind } from "./strike.js";

/** One of so many strikes is at a whole node, and more than one in two seconds there is not. */
const STRIKES_PER_NODE_STRIKE = 30;
const MOST_PER_SECOND = 0.5;

export function nodeStrikesPerSecond(chaosPerSecond: number): number {
  return Math.min(MOST_PER_SECOND, chaosPerSecond / STRIKES_PER_NODE_STRIKE);
}

/** Windows cannot stop a process and continue it. */
const KINDS: readonly NodeStrikeKind[] =
  process.platform === "win32" ? ["killed"] : ["killed", "paused"];

export async function nodeChaos(self: Self<never>, seed: number, perSecond: number): Promise<void> {
  for (const { pauseMs, kind, pick, lastingMs } of nodeStrikes(seed, perSecond, KINDS)) {
    await self.sleep(pauseMs);
    const node = await self.call(Dispatcher, { type: "strikeNode", kind, pick });
    if (node === undefined) continue;
    const order =
      kind === "killed" ? { type: "kill" as const } : { type: "pause" as const, lastingMs };
    self.send(nodeProcessName(node), order);
  }
}

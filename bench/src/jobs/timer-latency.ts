/** How late a 10 ms timer is, at the 99th percentile, while two processes send messages for ever. */
import type { Node, Pid } from "@coppice/core";
import { startNode } from "../bench-node.js";
import type { Measurement } from "../benchmark.js";
import { quantile } from "../statistics.js";

const DELAY_MS = 10;

interface Ball {
  readonly from: Pid<Ball>;
}

export async function coppice(count: number): Promise<Measurement> {
  const node = startNode();
  const player = node.spawn<Ball>(async (self) => {
    for (;;) {
      const { from } = await self.receive();
      self.send(from, { from: self.pid });
    }
  });
  const other = node.spawn<Ball>(async (self) => {
    for (;;) {
      self.send(player, { from: self.pid });
      await self.receive();
    }
  });
  const lateMs: number[] = [];
  const timed = node.spawn<"due">(async (self) => {
    for (let i = 0; i < count; i++) {
      const dueMs = performance.now() + DELAY_MS;
      self.sendAfter(self.pid, DELAY_MS, "due");
      await self.receive();
      lateMs.push(performance.now() - dueMs);
    }
  });
  await node.whenExited(timed);
  return lateness(node, [player, other], lateMs);
}

/** Ends a measurement during which the players must not have ended. */
export async function lateness(
  node: Node,
  players: readonly Pid<Ball>[],
  lateMs: readonly number[],
): Promise<Measurement> {
  if (!players.every((player) => node.isAlive(player))) throw new Error("a player has ended");
  for (const player of players) node.exit(player, "kill");
  await node.stop();
  return { count: lateMs.length, value: quantile(lateMs, 0.99) };
}

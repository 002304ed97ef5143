/** Chaos: a supervised process that crashes workers which are in the middle of a file. */
import type { Self } from "@coppice/core";
import { Dispatcher } from "./dispatcher.js";
import type { WorkerPid } from "./hash-worker.js";
import { strikes, type StrikeKind } from "./strike.js";

/** What it does not come to do while the program stands still it need not make up for all at once. */
const MAX_BEHIND_MS = 100;

export async function chaos(self: Self<never>, seed: number, perSecond: number): Promise<void> {
  let dueMs = self.now();
  for (const { pauseMs, kind, pick } of strikes(seed, perSecond)) {
    dueMs = Math.max(dueMs + pauseMs, self.now() - MAX_BEHIND_MS);
    await self.sleep(Math.max(0, dueMs - self.now()));
    const victim = await self.call(Dispatcher, { type: "strike", kind, pick });
    // Nobody is at work, or what they work on has been struck often enough: this one misses.
    if (victim !== undefined) crash(self, victim, kind);
  }
}

function crash(self: Self<never>, victim: WorkerPid, kind: StrikeKind): void {
  switch (kind) {
    case "thrown":
      return self.send(victim, { type: "sabotage", how: "throw" });
    case "hung":
      return self.send(victim, { type: "sabotage", how: "hang" });
    case "killed":
      return self.exit(victim, "kill");
    default:
      return kind satisfies never;
  }
}

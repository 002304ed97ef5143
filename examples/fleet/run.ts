/** A run: starts the fleet, shows it, waits for its result, and stops it. */
import { NoProcessError, ServerExitError, formatReason, type Node } from "@coppice/core";
import { startSupervisor, whichChildren, type SupervisorPid } from "@coppice/supervisor";
import type { Cluster } from "./cluster.js";
import { Dispatcher, type Status } from "./dispatcher.js";
import { frames, look, restartsIn } from "./frame.js";
import { incidents } from "./incident.js";
import type { Outcome } from "./ledger.js";
import { Problem } from "./problem.js";
import type { RawPath } from "./raw-path.js";
import type { Report } from "./report.js";
import type { Screen } from "./screen.js";
import { fleetTree, type FleetOptions } from "./tree.js";

/** How a run ended. */
export type Ending =
  | { readonly type: "finished"; readonly report: Report }
  | { readonly type: "interrupted"; readonly status: Status; readonly left: readonly RawPath[] };

/** So many of the files that are left are named. */
const NAMED_LEFT = 10;

/**
 * Runs a fleet on a node of its own, and stops the node.
 *
 * @param cluster where the workers live; here when there is none
 * @param interruption aborts when the run is to stop in order
 * @throws Problem the topmost supervisor has given up: more crashed than chaos can have ordered
 */
export async function runFleet(
  node: Node,
  options: FleetOptions,
  screen: Screen,
  interruption: AbortSignal,
  cluster?: Cluster,
): Promise<Ending> {
  const startMs = node.now();
  const shown = incidents(node).subscribe((line) => screen.say(line));
  try {
    const fleet = await startSupervisor(node, fleetTree(options, cluster), { label: "fleet" });
    const seen = frames(node, fleet, startMs, screen.everyMs);
    shown.add(seen.subscribe((frame) => screen.show(frame)));
    const outcome = await outcomeOf(node, fleet, interruption);
    shown.unsubscribe();
    const frame = await look(node, fleet, startMs);
    screen.end(frame);
    if (outcome === undefined) {
      const left = await node.call(Dispatcher, { type: "left", limit: NAMED_LEFT });
      return { type: "interrupted", status: frame.status, left };
    }
    const report = { outcome, restarts: restartsIn(frame.tree), elapsedMs: frame.elapsedMs };
    return { type: "finished", report };
  } finally {
    shown.unsubscribe();
    await node.stop();
  }
}

/** `undefined` when the run was interrupted. */
async function outcomeOf(
  node: Node,
  fleet: SupervisorPid,
  interruption: AbortSignal,
): Promise<Outcome | undefined> {
  const ended = node.whenExited(fleet);
  for (;;) {
    try {
      const options = { timeoutMs: Infinity, signal: interruption };
      return await node.call(Dispatcher, { type: "outcome" }, options);
    } catch (error) {
      if (interruption.aborted) return undefined;
      if (!(error instanceof ServerExitError || error instanceof NoProcessError)) throw error;
      // The dispatcher has died. The supervisor answers when it has started the next, or never more.
      await whichChildren(node, fleet).catch(async () => {
        throw new Problem(`the fleet was given up: ${formatReason(await ended)}`);
      });
    }
  }
}

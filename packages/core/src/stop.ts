/** Stopping a node in order. */
import { dieAtOnce } from "./death.js";
import { ProcessId, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import type { LocalNode } from "./local-node.js";
import { Deadline } from "./timer-queue.js";

class StopLimit extends Deadline {
  readonly #reached: () => void;

  constructor(reached: () => void) {
    super();
    this.#reached = reached;
  }

  override fire(): void {
    this.#reached();
  }
}

/** Ends all processes, roots first and last one first; what is left after `timeoutMs` is killed. */
export async function stopNode(
  node: LocalNode,
  timeoutMs: number,
): Promise<{ readonly killed: readonly AnyPid[] }> {
  node.tell({ type: "stopping", processes: node.counts.processes });
  let limit: StopLimit | undefined;
  const timeUp = new Promise<"time up">((resolve) => {
    limit = new StopLimit(() => resolve("time up"));
  });
  if (timeoutMs < Infinity) node.timers.arm(limit as StopLimit, timeoutMs, undefined);

  const end = async (process: Process): Promise<boolean> => {
    const ended = node.whenExited(process.pid);
    node.exit(process.pid, "shutdown");
    return (await Promise.race([ended, timeUp])) !== "time up";
  };
  const inTime = (await endRoots(node, end)) && (await endRest(node, end));
  const killed: AnyPid[] = [];
  if (inTime) node.timers.disarm(limit as StopLimit);
  else {
    for (const process of [...node.eachProcess()].reverse()) {
      // One may have ended by the death of another.
      if (process.life === "dead") continue;
      killed.push(process.pid);
      dieAtOnce(process, "killed");
    }
  }
  node.close(killed);
  return { killed };
}

type End = (process: Process) => Promise<boolean>;

/** Ends what was spawned from outside, last first; again, should something have come meanwhile. */
async function endRoots(node: LocalNode, end: End): Promise<boolean> {
  for (;;) {
    const roots = [...node.eachProcess()].filter(isRoot).reverse();
    if (roots.length === 0) return true;
    for (const root of roots) {
      if (root.life !== "dead" && !(await end(root))) return false;
    }
  }
}

/** Ends what the roots left behind, the last first, but parents before their children. */
async function endRest(node: LocalNode, end: End): Promise<boolean> {
  for (let last = node.lastProcess; last !== undefined; last = node.lastProcess) {
    if (!(await end(topmost(last)))) return false;
  }
  return true;
}

/** Who stands above it, as far up as they are alive. */
function topmost(process: Process): Process {
  let top = process;
  for (;;) {
    const pid = ProcessId.parentOf(top.pid);
    const parent = pid === undefined ? undefined : top.node.processOf(pid);
    if (parent === undefined) return top;
    top = parent;
  }
}

function isRoot(process: Process): boolean {
  return ProcessId.parentOf(process.pid) === process.node.pid;
}

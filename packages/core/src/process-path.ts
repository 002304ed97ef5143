/** Where a process stands: what people call it and those above it, e.g. `shop/workers/w1`. */
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";

/**
 * The labels from the topmost ancestor down to the process. One without a label stands there with its
 * name, or else with its pid, as does one that is dead; one with the label "" is left out.
 */
export function pathOf(pid: ProcessId<Process>): string {
  const steps: string[] = [];
  for (
    let at: ProcessId<Process> | undefined = pid;
    at !== undefined;
    at = ProcessId.parentOf(at)
  ) {
    // The node itself is no process.
    if (at.serial === 0) break;
    const process = ProcessId.processOf(at);
    const step = process?.extra?.label ?? process?.registeredName ?? String(at);
    if (step !== "") steps.push(step);
  }
  return steps.reverse().join("/");
}

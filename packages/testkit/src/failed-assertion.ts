/**
 * Assertions that fail in processes, and in subscribers of events. A process may crash, and be none the worse for it; but who writes
 * `expect(…)` into a process wants to be told.
 */
import { keyOf, type NodeEvent } from "@coppice/core";
import type { Kernel } from "./kernel.js";

/**
 * Holds a crash by a failed assertion against the run. Programs use `node:assert`, too, and let themselves be
 * restarted: its errors count where nobody watched the process.
 */
export function noteFailedAssertion(kernel: Kernel, event: NodeEvent): void {
  if (event.type === "subscriberFailed") {
    const { error } = event;
    if (typeof error !== "object" || error === null) return;
    if (!isExpectation(error) && !isAssertion(error)) return;
    kernel.fail("what a subscriber of events asserts", (error as Error).message, error);
    return;
  }
  if (event.type !== "crashed") return;
  const { report, watched } = event;
  const { error } = report.reason;
  if (!isExpectation(error) && (watched || !isAssertion(error))) return;
  kernel.fail(`what ${keyOf(report.pid)} asserts`, error.message, error);
}

/** Of jest and chai, which vitest is made of: they are in tests, and nowhere else. */
function isExpectation(error: object): boolean {
  return "matcherResult" in error || (isAssertion(error) && !("generatedMessage" in error));
}

function isAssertion(error: object): boolean {
  return (error as { readonly name?: unknown }).name === "AssertionError";
}

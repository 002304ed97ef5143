/** Starting a process in a way of one's own, where a behaviour is expected. */
import type { Startable } from "@coppice/core";

/**
 * Makes a start function usable where a behaviour is expected. The process has to be linked to its
 * starter: hand the options to `spawnOpt`, or to `spawnAndWait` when it acknowledges its start.
 *
 * @example
 * import { child, startWith } from "@coppice/supervisor";
 * const spec = child("cache", startWith(async (starter, options) => {
 *   const pid = starter.spawnOpt(options, async (self) => { await self.receive(); });
 *   return { pid };
 * }));
 */
export function startWith<M = never, A extends readonly unknown[] = []>(
  start: Startable<M, A>["start"],
): Startable<M, A> {
  return { start };
}

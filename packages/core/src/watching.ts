/** Starting and ending watches, and telling of the end of a process. */
import type { Process } from "./process.js";
import { ProcessId } from "./pid.js";
import { transmit } from "./signal.js";
import { displace, holdByOwner, place, settleWatch, type Watch } from "./watch.js";

/** Starts watching; a target that does not exist (any more) is told as `noproc`. */
export function watch(entry: Watch): void {
  holdByOwner(entry);
  const { runtime, target } = entry;
  const atOnce = runtime.direct && !runtime.travelling;
  const process = atOnce ? ProcessId.processOf(target) : undefined;
  if (process !== undefined && process.node === runtime) place(entry, process);
  else {
    try {
      transmit(runtime, entry.ownerPid, target, { type: "monitor", watch: entry });
    } catch (error) {
      // A name that cannot be said to another node: nothing was begun.
      settleWatch(entry);
      throw error;
    }
  }
}

/** Starts watching a process that is only just made: nothing can come between. */
export function watchAtSpawn(entry: Watch, target: Process): void {
  holdByOwner(entry);
  place(entry, target);
}

/** Stops watching: `ended` will not be called any more. */
export function unwatch(entry: Watch): void {
  if (!entry.active) return;
  settleWatch(entry);
  const { runtime, target } = entry;
  runtime.offers?.watchEnds(entry.ownerPid, target);
  if (runtime.isLocal(target)) displace(entry);
  else transmit(runtime, entry.ownerPid, target, { type: "demonitor", watch: entry });
}

/** Tells all who watch this process that it has ended, in the order they began. */
export function tellWatchers(process: Process): void {
  if (process.watchers === undefined) return;
  const entries: Watch[] = [];
  for (
    let entry: Watch | undefined = process.watchers;
    entry !== undefined;
    entry = entry.nextOfTarget
  ) {
    if (entry.placed) entries.push(entry);
  }
  process.watchers = undefined;
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i] as Watch;
    entry.placed = false;
    entry.nextOfTarget = entry.previousOfTarget = undefined;
    const reason = entry.late ? "noproc" : process.exitReason;
    transmit(process.node, process.pid, entry.ownerPid, { type: "down", watch: entry, reason });
  }
}

/** Takes back all that this process watches. */
export function abandonWatches(process: Process): void {
  while (process.watching !== undefined) {
    const entry = process.watching;
    entry.abandon();
    if (entry.active) unwatch(entry);
  }
}

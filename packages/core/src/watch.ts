/**
 * Watches: what waits for the end of a process, be it a monitor, a call, or code outside any process.
 *
 * A watch stands in two lists that run through it: its owner's, to be taken back when the owner ends,
 * and its target's, to be told when the target ends. So setting and taking back cost the same however
 * many there are.
 */
import type { ExitReason } from "./exit-reason.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";

export abstract class Watch {
  // The fields are declared alone, and set in the constructor. Where there was none of a class alive at
  // several collections of garbage, V8 defines each field of the next ones the slow way, for good.
  declare readonly runtime: Runtime;
  /** The process that watches; `undefined` outside any process. */
  declare readonly owner: Process | undefined;
  declare readonly target: ProcessId<Process>;
  /** Its owner waits for it; a monitor only listens. */
  get isCall(): boolean {
    return false;
  }
  /** It is told the reason also when it came while the target was exiting; processes are not, as in OTP. */
  get comesInTime(): boolean {
    return false;
  }
  /** The owner still wants to know. */
  declare active: boolean;
  /** It came when the target was exiting already: as in OTP, it finds nobody. */
  declare late: boolean;
  /** It stands in its target's list. */
  declare placed: boolean;
  declare nextOfOwner: Watch | undefined;
  declare previousOfOwner: Watch | undefined;
  declare nextOfTarget: Watch | undefined;
  declare previousOfTarget: Watch | undefined;

  constructor(runtime: Runtime, owner: Process | undefined, target: ProcessId<Process>) {
    this.runtime = runtime;
    this.owner = owner;
    this.target = target;
    this.active = true;
    this.late = false;
    this.placed = false;
    this.nextOfOwner = undefined;
    this.previousOfOwner = undefined;
    this.nextOfTarget = undefined;
    this.previousOfTarget = undefined;
  }

  /** The target has ended, or was never there. */
  abstract ended(reason: ExitReason): void;

  /** The owner exits and will not hear of it any more. */
  abstract abandon(): void;

  get ownerPid(): ProcessId<Process> {
    return this.owner === undefined ? this.runtime.pid : this.owner.pid;
  }

  /** What another node knows it by. */
  abstract get wireRef(): Reference;

  /** What it is told apart by from others. */
  get token(): unknown {
    return this.wireRef;
  }
}

/** Enters it into its owner's list. */
export function holdByOwner(entry: Watch): void {
  const { owner } = entry;
  if (owner === undefined) return;
  const first = owner.watching;
  entry.nextOfOwner = first;
  if (first !== undefined) first.previousOfOwner = entry;
  owner.watching = entry;
}

/** The owner has no more use for it, and the target need not be told: it has ended. */
export function settleWatch(entry: Watch): void {
  entry.active = false;
  const { owner, nextOfOwner: next, previousOfOwner: previous } = entry;
  if (next !== undefined) next.previousOfOwner = previous;
  if (previous !== undefined) previous.nextOfOwner = next;
  else if (owner !== undefined && owner.watching === entry) owner.watching = next;
  entry.nextOfOwner = entry.previousOfOwner = undefined;
}

/** The monitor signal has reached its target. */
export function place(entry: Watch, target: Process): void {
  entry.placed = true;
  entry.late = !target.isThere && !entry.comesInTime;
  const first = target.watchers;
  entry.nextOfTarget = first;
  if (first !== undefined) first.previousOfTarget = entry;
  target.watchers = entry;
}

/** The demonitor signal has reached its target. */
export function displace(entry: Watch): void {
  if (!entry.placed) return;
  entry.placed = false;
  const target = ProcessId.processOf(entry.target);
  // One that is about to tell its watchers goes through the list, and leaves out who is placed no more.
  if (target === undefined) return;
  const { nextOfTarget: next, previousOfTarget: previous } = entry;
  if (next !== undefined) next.previousOfTarget = previous;
  if (previous !== undefined) previous.nextOfTarget = next;
  else target.watchers = next;
  entry.nextOfTarget = entry.previousOfTarget = undefined;
}

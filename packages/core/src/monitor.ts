/**
 * Monitors: to be told, once, why a process ended.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#monitor-2
 */
import type { ExitReason } from "./exit-reason.js";
import { deliver, mapOrCrash, type SignalMap } from "./message.js";
import type { AnyName, RemoteName } from "./name.js";
import type { AnyPid, ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference, type MonitorRef } from "./reference.js";
import { holdByOwner, settleWatch, Watch } from "./watch.js";
import { unwatch, watch, watchAtSpawn } from "./watching.js";

/** A monitored process has ended, or was not there. OTP's `{'DOWN', Ref, process, Object, Reason}`. */
export interface Down {
  readonly type: "down";
  readonly ref: MonitorRef;
  /** What was monitored: the pid, or the name when it was monitored by name. */
  readonly process: AnyPid | AnyName | RemoteName<never>;
  readonly reason: ExitReason;
}

/**
 * When the reference of a monitor also serves as an alias of its owner, and until when.
 *
 * | mode | ends with |
 * | --- | --- |
 * | `"explicit_unalias"` | `unalias` only |
 * | `"demonitor"` | `demonitor`, or the `Down` |
 * | `"reply_demonitor"` | the same, or the first message sent to it, which also ends the monitor |
 */
export type MonitorAlias = "explicit_unalias" | "demonitor" | "reply_demonitor";

export interface MonitorOptions {
  /** Makes the reference an alias too; not by default. */
  readonly alias?: MonitorAlias;
}

export interface DemonitorOptions {
  /** Also removes the `Down` if it is in the mailbox already. */
  readonly flush?: boolean;
  /** Makes `demonitor` return whether the monitor was still there. */
  readonly info?: boolean;
}

/** What a monitor's reference stands for. */
export class Monitor extends Watch {
  readonly object: AnyPid | AnyName | RemoteName<never>;
  readonly map: SignalMap | undefined;
  /** The alias mode while the alias is active. */
  alias: MonitorAlias | undefined;
  readonly ref: Reference;

  constructor(
    owner: Process,
    target: ProcessId<Process>,
    object: AnyPid | AnyName | RemoteName<never>,
    map: SignalMap | undefined,
    alias: MonitorAlias | undefined,
    serial: number = owner.node.nextSerial(),
  ) {
    super(owner.node, owner, target);
    this.object = object;
    this.map = map;
    this.alias = alias;
    if (alias !== undefined) owner.countAliases(1);
    this.ref = new Reference(owner.pid, serial, this);
  }

  override ended(reason: ExitReason): void {
    const owner = this.owner as Process;
    settleWatch(this);
    this.endAliasUnlessExplicit();
    const down: Down = { type: "down", ref: this.ref, process: this.object, reason };
    const message = mapOrCrash(owner, this.map, down);
    if (message !== undefined) deliver(owner, message.value, this.ref, "signal");
  }

  override get wireRef(): Reference {
    return this.ref;
  }

  override abandon(): void {
    this.alias = undefined;
    Reference.retire(this.ref);
  }

  endAliasUnlessExplicit(): void {
    if (this.alias !== "explicit_unalias") {
      if (this.alias !== undefined) (this.owner as Process).countAliases(-1);
      this.alias = undefined;
      Reference.retire(this.ref);
    }
  }
}

export function monitor(
  owner: Process,
  target: ProcessId<Process>,
  object: AnyPid | AnyName | RemoteName<never>,
  map: SignalMap | undefined,
  alias: MonitorAlias | undefined,
): Reference {
  const entry = new Monitor(owner, target, object, map, alias);
  // Monitoring oneself is allowed, and says nothing: nobody is left to hear.
  if (target === owner.pid) entry.active = false;
  else watch(entry);
  return entry.ref;
}

export function monitorAtSpawn(
  owner: Process,
  child: Process,
  map: SignalMap | undefined,
  alias: MonitorAlias | undefined,
): Reference {
  const entry = new Monitor(owner, child.pid, child.pid, map, alias);
  watchAtSpawn(entry, child);
  return entry.ref;
}

/** Another node has started `child` for `owner`, and monitors it by `serial` already: no signal goes out. */
export function monitorAtStart(
  owner: Process,
  child: ProcessId<Process>,
  serial: number,
  map: SignalMap | undefined,
  alias: MonitorAlias | undefined,
): Monitor {
  const entry = new Monitor(owner, child, child, map, alias, serial);
  holdByOwner(entry);
  return entry;
}

/** Returns whether the monitor was still there. */
export function demonitor(process: Process, ref: unknown, flush: boolean): boolean {
  const entry = Reference.meaningOf(ref);
  const isOwn = entry instanceof Monitor && entry.owner === process;
  // While it is active there is nothing of it to flush.
  if (flush && !(isOwn && entry.active)) process.mailbox?.remove(ref as Reference);
  // Only its owner can take it back; of another's reference OTP says nothing.
  if (!isOwn) return false;
  const wasActive = entry.active;
  unwatch(entry);
  entry.endAliasUnlessExplicit();
  return wasActive;
}

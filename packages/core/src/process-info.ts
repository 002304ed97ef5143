/**
 * Facts about a process, for people and tools.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#process_info-2
 */
import { InvalidArgumentError } from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import { Monitor } from "./monitor.js";
import type { AnyName, RemoteName } from "./name.js";
import { ancestorsOf, ProcessId, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import type { Node } from "./node.js";
import { pathOf } from "./process-path.js";
import type { Runtime } from "./runtime.js";
import { runtimeOf } from "./runtime-of.js";
import { settle } from "./signal.js";

export interface ProcessInfo {
  readonly pid: AnyPid;
  readonly name: string | undefined;
  readonly label: string | undefined;
  /** Its label and those of its ancestors, from the topmost down, e.g. `shop/workers/w1`. */
  readonly path: string;
  /** The name of the function, or `(handler)`. */
  readonly initialCall: string;
  /** Who spawned it, who spawned that, …; nearest first. */
  readonly ancestors: readonly AnyPid[];
  /** What it does; `waiting` is on the runtime, `running` includes an await on something foreign. */
  readonly status: "starting" | "running" | "receiving" | "waiting" | "idle" | "exiting";
  readonly trapsExits: boolean;
  readonly mailboxSize: number;
  /** How many of its aliases are active, those of its monitors counted in. */
  readonly aliases: number;
  readonly links: readonly AnyPid[];
  /**
   * What it monitors: pids, or names where it monitors by name; with repetitions. As in OTP, who waits for
   * a reply monitors the server.
   */
  readonly monitors: readonly (AnyPid | AnyName | RemoteName<never>)[];
  /** Who monitors it, or waits for its reply; with repetitions. */
  readonly monitoredBy: readonly AnyPid[];
}

export function processInfo(
  node: Runtime,
  by: ProcessId<Process>,
  pid: ProcessId<Process>,
): ProcessInfo | undefined {
  // Whatever it does may change what is told of it; so may who begins to monitor it, which reads its life.
  node.access(by, "mailbox", pid, "read");
  node.access(by, "alive", pid, "write");
  settle(node, by, pid, "all");
  const process = node.processOf(pid);
  return process === undefined ? undefined : factsOf(process);
}

function factsOf(process: Process): ProcessInfo {
  const monitors: (AnyPid | AnyName | RemoteName<never>)[] = [];
  for (let entry = process.watching; entry !== undefined; entry = entry.nextOfOwner) {
    monitors.push(entry instanceof Monitor ? entry.object : entry.target);
  }
  const monitoredBy: AnyPid[] = [];
  for (let entry = process.watchers; entry !== undefined; entry = entry.nextOfTarget) {
    monitoredBy.push(entry.ownerPid);
  }
  return {
    pid: process.pid,
    name: process.registeredName,
    label: process.extra?.label,
    path: pathOf(process.pid),
    initialCall: process.initialCall,
    ancestors: ancestorsOf(process.pid),
    status: statusOf(process),
    trapsExits: process.trap !== undefined,
    mailboxSize: process.mailbox?.size ?? 0,
    aliases: process.extra?.aliases ?? 0,
    links: process.links?.linked() ?? [],
    monitors: monitors.reverse(),
    monitoredBy: monitoredBy.reverse(),
  };
}

function statusOf(process: Process): ProcessInfo["status"] {
  if (process.life !== "alive") return "exiting";
  if (!process.started) return "starting";
  if (process.wake !== undefined) return "receiving";
  if (process.calls > 0 || (process.extra?.waits?.size ?? 0) > 0) return "waiting";
  if (process.handler !== undefined && !process.busy) return "idle";
  return "running";
}

// Who glances at a process changes nothing: nothing that is under way arrives for it.

/** As `processInfo` says it; `undefined` when the process is dead, or of another realm. */
export function glanceAtStatus(pid: AnyPid): ProcessInfo["status"] | undefined {
  const process = ProcessId.processOf(pid as ProcessId<Process>);
  return process && statusOf(process);
}

/** @throws InvalidArgumentError it is of another node, which alone could tell */
export function checkHere(node: Runtime, argument: string, pid: AnyPid): void {
  if (pid.node === node.name) return;
  throw new InvalidArgumentError(argument, `a pid of this node, "${node.name}"`, pid);
}

/** How many messages wait for it; 0 when it is dead. */
export function glanceAtMailbox(pid: AnyPid): number {
  return ProcessId.processOf(pid as ProcessId<Process>)?.mailbox?.size ?? 0;
}

/** A process as far as the runtime knows it; what is not there is as it is for most. */
export interface ProcessOutline {
  readonly status: ProcessInfo["status"];
  readonly name?: string;
  /** What it has to exit with, and whether a signal said so. */
  readonly exits?: readonly [reason: ExitReason, signalled: boolean];
  /** The state of a handler. */
  readonly state?: unknown;
  readonly mailbox?: readonly unknown[];
  readonly trapsExits?: true;
  readonly links?: readonly AnyPid[];
  /** What it waits to hear the end of, or a reply from: whom, under which reference, and whether it is a call. */
  readonly watches?: readonly (readonly [target: AnyPid, token: unknown, isCall: boolean])[];
  /** Under which references its end will be told; those that came too late will be told of nobody. */
  readonly watchers?: readonly unknown[];
  /** How many it has spawned: the next has a place of its own. */
  readonly spawned?: number;
}

/**
 * All that decides how a process goes on, but for its code; of the node's own pid, the node. As a glance, this
 * changes nothing.
 */
export function outlineOf(node: Node, pid: AnyPid): ProcessOutline | undefined {
  const runtime = runtimeOf(node);
  if (pid === node.pid) return { status: "idle", spawned: runtime.children };
  const process = runtime.processOf(pid as ProcessId<Process>);
  if (process === undefined) return undefined;
  const { registeredName, life, exitReason, state, mailbox, trap, children } = process;
  const links = process.links?.linked() ?? [];
  const watches: (readonly [AnyPid, unknown, boolean])[] = [];
  for (let entry = process.watching; entry !== undefined; entry = entry.nextOfOwner) {
    watches.push([entry.target, entry.token, entry.isCall]);
  }
  const watchers: unknown[] = [];
  for (let entry = process.watchers; entry !== undefined; entry = entry.nextOfTarget) {
    watchers.push(entry.late ? ["late", entry.token] : entry.token);
  }
  return {
    status: statusOf(process),
    ...(registeredName !== undefined && { name: registeredName }),
    ...(life !== "alive" && { exits: [exitReason, process.signalled] as const }),
    ...(state !== undefined && { state }),
    ...(mailbox !== undefined &&
      mailbox.size > 0 && { mailbox: mailbox.entries().map(([message]) => message) }),
    ...(trap !== undefined && { trapsExits: true }),
    ...(links.length > 0 && { links }),
    ...(watches.length > 0 && { watches: watches.reverse() }),
    ...(watchers.length > 0 && { watchers: watchers.reverse() }),
    ...(children > 0 && { spawned: children }),
  };
}

/** The processes whose code is in the middle of something and waits for nothing of the runtime. */
export function busyProcesses(node: Node): readonly AnyPid[] {
  let busy: AnyPid[] | undefined;
  let process = runtimeOf(node).lastProcess;
  for (; process !== undefined; process = process.previousProcess) {
    if (statusOf(process) === "running") (busy ??= []).push(process.pid);
  }
  return busy?.reverse() ?? NOBODY;
}

const NOBODY: readonly AnyPid[] = [];

/** A process that exits is not alive any more. */
export function isAlive(node: Runtime, by: ProcessId<Process>, pid: ProcessId<Process>): boolean {
  checkHere(node, "isAlive: pid", pid);
  node.access(by, "alive", pid, "read");
  settle(node, by, pid, "exits");
  return node.processOf(pid)?.life === "alive";
}

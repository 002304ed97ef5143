/**
 * Links: two processes that share their fate.
 *
 * Linking and unlinking travel as signals, and an unlink is acknowledged, so that nothing of a link
 * arrives after `unlink` has returned, whatever crossed on the way.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#links and the link protocol in
 * https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#link_protocol
 */
import { NoProcessError } from "./errors.js";
import { exitSignalled } from "./exit-signal.js";
import { ExitOrigin } from "./mailbox.js";
import { formatPid, ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { transmit, type Signal } from "./signal.js";

export interface UnlinkOptions {
  /** Also removes an `Exit` of it that is in the mailbox already. */
  readonly flush?: boolean;
}

/** The state of one side: 0 is linked, another number is the unlink that waits for its acknowledgement. */
type LinkState = number;
const LINKED: LinkState = 0;

/** One side's links. Most processes have one, so the first needs no map. */
export class LinkTable {
  #first: ProcessId<Process> | undefined;
  #firstState: LinkState = LINKED;
  #rest: Map<ProcessId<Process>, LinkState> | undefined;

  get(pid: ProcessId<Process>): LinkState | undefined {
    return pid === this.#first ? this.#firstState : this.#rest?.get(pid);
  }

  set(pid: ProcessId<Process>, state: LinkState): void {
    if (this.#first === pid || (this.#first === undefined && !this.#rest?.has(pid))) {
      this.#first = pid;
      this.#firstState = state;
    } else {
      (this.#rest ??= new Map()).set(pid, state);
    }
  }

  delete(pid: ProcessId<Process>): void {
    if (pid === this.#first) this.#first = undefined;
    else this.#rest?.delete(pid);
  }

  /** Those that are linked; an unlink under way counts as unlinked. */
  linked(): ProcessId<Process>[] {
    const pids: ProcessId<Process>[] = [];
    if (this.#first !== undefined && this.#firstState === LINKED) pids.push(this.#first);
    for (const [pid, state] of this.#rest ?? []) if (state === LINKED) pids.push(pid);
    return pids;
  }
}

export function link(process: Process, pid: ProcessId<Process>): void {
  if (pid === process.pid) return;
  const { node } = process;
  if (node.isLocal(pid)) {
    node.access(process.pid, "alive", pid, "read");
    if (!ProcessId.processOf(pid)?.isThere) {
      // As in OTP: a process that traps exits is told by a signal, one that does not at once.
      if (process.trap === undefined) throw new NoProcessError(formatPid(pid));
      exitSignalled(process, pid, "noproc", { viaLink: true });
      return;
    }
  }
  process.links ??= new LinkTable();
  if (process.links.get(pid) === LINKED) return;
  process.links.set(pid, LINKED);
  transmit(node, process.pid, pid, { type: "link", from: process.pid });
}

export function unlink(process: Process, pid: ProcessId<Process>): void {
  if (process.links?.get(pid) !== LINKED) return;
  const id = process.node.nextSerial();
  process.links.set(pid, id);
  transmit(process.node, process.pid, pid, { type: "unlink", from: process.pid, id });
}

/** Removes what came of exit signals of `pid` that were trapped, as far as it has not been taken. */
export function flushExits(process: Process, pid: ProcessId<Process>): void {
  process.mailbox?.removeAll((origin) => origin instanceof ExitOrigin && origin.from === pid);
}

/** Links two processes of which one is only just made: nothing can come between. */
export function linkAtSpawn(parent: Process, child: Process): void {
  (parent.links ??= new LinkTable()).set(child.pid, LINKED);
  (child.links ??= new LinkTable()).set(parent.pid, LINKED);
}

type LinkSignal = Extract<Signal, { type: "link" | "unlink" | "unlink-ack" | "link-exit" }>;

/** What a link signal does to a process that is alive. */
export function linkSignalled(process: Process, signal: LinkSignal): void {
  const state = process.links?.get(signal.from);
  switch (signal.type) {
    case "link":
      // One that crosses an unlink of ours which is not acknowledged yet belongs to the link we left.
      if (!process.isThere) {
        // It is past linking: as in OTP, what exits is not there any more.
        const exit: Signal = { type: "link-exit", from: process.pid, reason: "noproc" };
        transmit(process.node, process.pid, signal.from, exit);
      } else if (state === undefined) (process.links ??= new LinkTable()).set(signal.from, LINKED);
      return;
    case "unlink":
      if (state === LINKED) process.links?.delete(signal.from);
      transmit(process.node, process.pid, signal.from, {
        type: "unlink-ack",
        from: process.pid,
        id: signal.id,
      });
      return;
    case "unlink-ack":
      if (state === signal.id) process.links?.delete(signal.from);
      return;
    case "link-exit":
      if (state !== LINKED) return;
      process.links?.delete(signal.from);
      exitSignalled(process, signal.from, signal.reason, { viaLink: true });
      return;
    default:
      signal satisfies never;
  }
}

/** Tells all linked processes that this one has ended. */
export function breakLinks(process: Process): void {
  if (process.links === undefined) return;
  const reason = process.exitReason;
  for (const pid of process.links.linked()) {
    transmit(process.node, process.pid, pid, { type: "link-exit", from: process.pid, reason });
  }
  process.links = undefined;
}

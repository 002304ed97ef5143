/**
 * What ties processes of this node to those of another over one connection: links and monitors. All of it
 * ends with the connection.
 */
import type { ExitReason } from "./exit-reason.js";
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { RemoteWatch } from "./remote-watch.js";
import type { Runtime } from "./runtime.js";
import { transmit, type Signal } from "./signal.js";
import { displace, type Watch } from "./watch.js";

type LocalPid = ProcessId<Process>;

export class Ties {
  readonly #local: Runtime;
  /** The other node's processes that each of ours is linked with. */
  readonly #links = new Map<LocalPid, Set<LocalPid>>();
  #linkCount = 0;
  /** Monitors of ours, by the number of their reference. */
  readonly watching: Map<number, Watch> = new Map();
  /** Theirs. */
  readonly watched: Map<number, RemoteWatch> = new Map();

  constructor(local: Runtime) {
    this.#local = local;
  }

  /** How many links there are. */
  get links(): number {
    return this.#linkCount;
  }

  link(ours: LocalPid, theirs: LocalPid): void {
    const others = this.#links.get(ours);
    if (others === undefined) this.#links.set(ours, new Set([theirs]));
    else if (others.has(theirs)) return;
    else others.add(theirs);
    this.#linkCount++;
  }

  /** Returns whether there was a link. */
  unlink(ours: LocalPid, theirs: LocalPid): boolean {
    const others = this.#links.get(ours);
    if (!others?.delete(theirs)) return false;
    this.#linkCount--;
    if (others.size === 0) this.#links.delete(ours);
    return true;
  }

  /** Who linked or monitors what turns out not to be there is told `noproc`. */
  leave(isThere: (theirs: LocalPid) => boolean): void {
    for (const [ours, others] of [...this.#links]) {
      for (const theirs of [...others]) {
        if (!isThere(theirs)) this.#breakLink(ours, theirs, "noproc");
      }
    }
    for (const watch of [...this.watching.values()]) {
      if (!isThere(watch.target)) this.#endWatch(watch, "noproc");
    }
  }

  /**
   * The connection is lost: who is linked or monitors across it is told `noconnection`, each once.
   *
   * @param most so many at a time
   * @returns whether all are told
   */
  end(most: number): boolean {
    let told = 0;
    for (const [ours, others] of this.#links) {
      for (const theirs of others) {
        this.#breakLink(ours, theirs, "noconnection");
        if (++told === most) return false;
      }
    }
    for (const watch of this.watching.values()) {
      this.#endWatch(watch, "noconnection");
      if (++told === most) return false;
    }
    for (const [serial, watch] of this.watched) {
      this.watched.delete(serial);
      watch.active = false;
      displace(watch);
      if (++told === most) return false;
    }
    return true;
  }

  #endWatch(watch: Watch, reason: ExitReason): void {
    this.watching.delete(watch.wireRef.serial);
    transmit(this.#local, watch.target, watch.ownerPid, { type: "down", watch, reason });
  }

  #breakLink(ours: LocalPid, theirs: LocalPid, reason: ExitReason): void {
    this.unlink(ours, theirs);
    const state = this.#local.processOf(ours)?.links?.get(theirs);
    if (state === undefined) return;
    // An unlink that was not acknowledged never will be.
    const signal: Signal =
      state === 0
        ? { type: "link-exit", from: theirs, reason }
        : { type: "unlink-ack", from: theirs, id: state };
    transmit(this.#local, theirs, ours, signal);
  }
}

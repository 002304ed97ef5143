/**
 * One connection with one other node, as the node sees it: what is said over it, and the links and
 * monitors that end with it.
 */
import { takeEffect } from "./arrival.js";
import { Elsewhere } from "./elsewhere.js";
import { LinkTable } from "./link.js";
import { monitorAtStart } from "./monitor.js";
import { ProcessId, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import { Reference, type Alias, type MonitorRef } from "./reference.js";
import { Refusal } from "./refusal.js";
import { RemoteWatch } from "./remote-watch.js";
import type { RemoteSignal } from "./router.js";
import type { Runtime } from "./runtime.js";
import { MessageSignal, type Signal } from "./signal.js";
import type { StartMonitorOptions } from "./start.js";
import { Ties } from "./ties.js";

type LocalPid = ProcessId<Process>;

/** How many are told of a lost connection before the event loop turns. */
const SLICE = 1_000;

interface Watcher {
  losing(): void;
  over(): void;
}

export class Peer {
  /** The name of the other node. */
  readonly node: string;
  readonly #local: Runtime;
  readonly #send: (signal: RemoteSignal) => void;
  readonly #watcher: Watcher;
  /** The connection before this one, while not everybody was told that it is lost. */
  #before: Peer | undefined;
  /** What came while that was so. */
  #held: RemoteSignal[] = [];
  #incarnation: number | undefined = undefined;
  #life: "open" | "losing" | "over" = "open";
  #whenOver: (() => void)[] = [];
  /** What ends with it. */
  readonly #ties: Ties;

  constructor(
    local: Runtime,
    node: string,
    send: (signal: RemoteSignal) => void,
    before: Peer | undefined,
    watcher: Watcher,
  ) {
    this.node = node;
    this.#local = local;
    this.#send = send;
    this.#before = before;
    this.#watcher = watcher;
    this.#ties = new Ties(local);
    before?.whenOver(() => this.#release());
  }

  /** Which life of the other node it is; `undefined` until the connection is `up`. */
  get incarnation(): number | undefined {
    return this.#incarnation;
  }

  /** How much ends with the connection. */
  get counts(): { readonly links: number; readonly watching: number; readonly watched: number } {
    const { links, watching, watched } = this.#ties;
    return { links, watching: watching.size, watched: watched.size };
  }

  get isOver(): boolean {
    return this.#life !== "open";
  }

  /** Is the pid of the life that this connection is with, as far as that is known? */
  isOf(pid: AnyPid): boolean {
    return this.#incarnation === undefined || this.#incarnation === pid.incarnation;
  }

  /**
   * The connection is there, with that life of the other node. Who linked or monitored processes of
   * another life meanwhile is told `noproc`.
   */
  up(incarnation: number): void {
    if (this.#life !== "open" || this.#incarnation !== undefined) return;
    this.#incarnation = incarnation;
    this.#ties.leave((pid) => pid instanceof Elsewhere || this.isOf(pid));
    const { node } = this;
    this.#local.emit(() => ({ type: "nodeUp", node, incarnation }));
  }

  /** A process of this node has something to say to one of the other. */
  send(from: LocalPid, to: LocalPid, signal: Signal): void {
    switch (signal.type) {
      case "message": {
        const { message } = signal;
        this.#send(
          to instanceof Elsewhere
            ? new NamedMessage(from, to.token, message)
            : new RemoteMessage(from, to, message),
        );
        return;
      }
      case "call":
        this.send(from, to, { type: "monitor", watch: signal.watch });
        this.send(from, to, new MessageSignal(signal.message));
        return;
      case "alias": {
        const { ref, message } = signal;
        if (Refusal.is(message)) {
          this.#send({ type: "refusal", from, ref, error: message.error });
        } else this.#send({ type: "alias", from, ref, message });
        return;
      }
      case "link":
        this.#before?.forgetLink(from, to);
        this.#ties.link(from, to);
        this.#send({ type: "link", from, to });
        return;
      case "unlink":
        this.#before?.forgetLink(from, to);
        this.#send({ type: "unlink", id: signal.id, from, to });
        return;
      case "unlink-ack":
        this.#send({ type: "unlink-ack", id: signal.id, from, to });
        return;
      case "link-exit":
        this.#ties.unlink(from, to);
        this.#send({ type: "link-exit", from, to, reason: signal.reason });
        return;
      case "exit":
        this.#send({ type: "exit", from, to, reason: signal.reason });
        return;
      case "monitor": {
        const { watch } = signal;
        const ref = watch.wireRef;
        this.#ties.watching.set(ref.serial, watch);
        const target = to instanceof Elsewhere ? to.token : to;
        try {
          this.#send({ type: "monitor", ref, from, target });
        } catch (error) {
          this.#ties.watching.delete(ref.serial);
          throw error;
        }
        return;
      }
      case "demonitor": {
        const ref = signal.watch.wireRef;
        // One of a connection that is lost ended with it.
        if (this.#ties.watching.delete(ref.serial)) this.#send({ type: "demonitor", ref });
        return;
      }
      case "down": {
        const { watch, reason } = signal;
        if (!(watch instanceof RemoteWatch) || !watch.active) return;
        watch.active = false;
        if (this.#ties.watched.get(watch.wireRef.serial) !== watch) return;
        this.#ties.watched.delete(watch.wireRef.serial);
        const { object: target, wireRef: ref } = watch;
        this.#send({ type: "down", ref, from, to, target, reason });
        return;
      }
      default:
        signal satisfies never;
    }
  }

  /**
   * What the other node says arrives, now. Its pids and references are those that the gateway knows; of
   * this node's own there may be dead ones among them.
   *
   * Comes it to one who has not heard yet that the connection before is lost, it waits until he has.
   */
  arrive(signal: RemoteSignal): void {
    if (this.#life !== "open") return;
    if (this.#before !== undefined) this.#held.push(signal);
    else takeEffect(this.#local, this.#ties, signal);
  }

  /**
   * A link or a monitor of a process that was started for the other node in this very step: it is there at once, for
   * the process may end in the next. Nobody could have heard of it over a connection before.
   */
  begin(signal: Extract<RemoteSignal, { readonly type: "link" | "monitor" }>): void {
    if (this.#life === "open") takeEffect(this.#local, this.#ties, signal);
  }

  /**
   * The other node has started a process for one of ours and linked the two: so they are here too, without
   * a signal. `false`: ours is not there any more, and the other is told.
   */
  linked(ours: AnyPid, theirs: AnyPid): boolean {
    const [pid, other] = [ours as LocalPid, theirs as LocalPid];
    const process = this.#local.processOf(pid);
    if (this.#life !== "open") return false;
    if (process === undefined || process.life !== "alive") {
      this.#send({ type: "link-exit", from: ours, to: theirs, reason: "noproc" });
      return false;
    }
    (process.links ??= new LinkTable()).set(other, 0);
    this.#ties.link(pid, other);
    return true;
  }

  /** A number for a reference that is to be made later: no other reference of this node gets it. */
  nextRef(): number {
    return this.#local.nextSerial();
  }

  /**
   * The other node has started a process for one of ours, and monitors it for that one from its first moment,
   * by a number of `nextRef`: so the monitor is here too, without a signal. Returns its
   * reference; `undefined`: ours is not there any more, and the other is told.
   *
   * @param wanted what a `StartMonitorOptions` says; its options are checked
   */
  monitored(
    ours: AnyPid,
    theirs: AnyPid,
    serial: number,
    wanted: Pick<StartMonitorOptions<unknown>, "monitor" | "monitorOptions">,
  ): (MonitorRef & Alias<never>) | undefined {
    const process = this.#local.processOf(ours as LocalPid);
    if (this.#life !== "open") return undefined;
    if (process === undefined || process.life !== "alive") {
      this.#send({ type: "demonitor", ref: new Reference(ours, serial, undefined) });
      return undefined;
    }
    const { monitor, monitorOptions } = wanted;
    const map = typeof monitor === "function" ? monitor : undefined;
    const alias = monitorOptions?.alias;
    const entry = monitorAtStart(process, theirs as LocalPid, serial, map, alias);
    this.#ties.watching.set(serial, entry);
    return entry.ref;
  }

  /**
   * The connection is lost, or did not come about: who is linked or monitors across it is told
   * `noconnection`, each once, a thousand to a turn of the event loop.
   */
  lost(): void {
    if (this.#life !== "open") return;
    this.#life = "losing";
    this.#held = [];
    this.#watcher.losing();
    const { node } = this;
    const incarnation = this.#incarnation;
    if (incarnation !== undefined) {
      this.#local.emit(() => ({ type: "nodeDown", node, incarnation }));
    }
    this.#lose();
  }

  /** @internal */
  whenOver(act: () => void): void {
    if (this.#life === "over") act();
    else this.#whenOver.push(act);
  }

  /** @internal Of a link that was left since the connection was lost, nobody is to hear any more. */
  forgetLink(ours: LocalPid, theirs: LocalPid): void {
    this.#ties.unlink(ours, theirs);
  }

  #lose(): void {
    if (!this.#ties.end(SLICE)) {
      this.#local.scheduler.afterTurn(() => this.#lose());
      return;
    }
    this.#life = "over";
    this.#watcher.over();
    for (const act of this.#whenOver) act();
    this.#whenOver = [];
  }

  /** Everybody was told of the connection before. */
  #release(): void {
    this.#before = undefined;
    const held = this.#held;
    this.#held = [];
    for (const signal of held) {
      if (this.#life === "open") takeEffect(this.#local, this.#ties, signal);
    }
  }
}

// Messages that may wait for a connection: see `MessageSignal`.

class RemoteMessage {
  readonly type = "message";
  readonly from: AnyPid;
  readonly to: AnyPid;
  readonly message: unknown;

  constructor(from: AnyPid, to: AnyPid, message: unknown) {
    this.from = from;
    this.to = to;
    this.message = message;
  }
}

class NamedMessage {
  readonly type = "named";
  readonly from: AnyPid;
  readonly name: string;
  readonly message: unknown;

  constructor(from: AnyPid, name: string, message: unknown) {
    this.from = from;
    this.name = name;
    this.message = message;
  }
}

/** A node's side of all its connections: who is connected, and pids and references of other nodes. */
import { Elsewhere } from "./elsewhere.js";
import { NodeStoppedError } from "./errors.js";
import { Interned } from "./intern.js";
import { Peer } from "./peer.js";
import { ProcessId, type AnyPid } from "./pid.js";
import { refuseFrom } from "./post.js";
import type { Process } from "./process.js";
import { Reference, type Ref } from "./reference.js";
import type { RemoteSignal, Router } from "./router.js";
import type { Runtime } from "./runtime.js";
import { answerFor, type Signal } from "./signal.js";

type LocalPid = ProcessId<Process>;

/** What `connectRouter` returns: how the package that connects nodes reaches into this one. */
export class Gateway {
  readonly #node: Runtime;
  #router: Router | undefined = undefined;
  readonly #interned: Interned;
  readonly #peers = new Map<string, Peer>();
  /** Connections that are lost and of which not everybody was told yet. */
  readonly #losing = new Map<string, Peer>();

  constructor(node: Runtime) {
    this.#node = node;
    this.#interned = new Interned(node);
  }

  /** @internal `false`: there is a router already. */
  connect(router: Router): boolean {
    if (this.#router !== undefined) return false;
    this.#router = router;
    return true;
  }

  /**
   * The router gives up, such as when it could not be started: connections that are left are lost, and
   * another router can be connected. Pids and references stay what they are.
   */
  disconnect(): void {
    this.#router = undefined;
    for (const peer of this.peers()) peer.lost();
  }

  /**
   * A connection with `node` begins: what is said to that node from now on goes to `send`, in order.
   * `send` may throw for what a user says, a message or the name of who is to be monitored, and for nothing
   * else: whoever says it gets the error. An end is told in any case, be it with another reason.
   *
   * There is one connection with a node at a time; one that is there is lost first.
   */
  open(node: string, send: (signal: RemoteSignal) => void): Peer {
    if (this.#node.stopped) throw new NodeStoppedError(this.#node.name);
    this.#peers.get(node)?.lost();
    const peer = new Peer(this.#node, node, send, this.#losing.get(node), {
      losing: () => {
        if (this.#peers.get(node) === peer) this.#peers.delete(node);
        this.#losing.set(node, peer);
      },
      over: () => {
        if (this.#losing.get(node) === peer) this.#losing.delete(node);
      },
    });
    this.#peers.set(node, peer);
    return peer;
  }

  /** The connection with `node`, if there is one, also one that has only begun. */
  peer(node: string): Peer | undefined {
    return this.#peers.get(node);
  }

  /** All connections, also those that have only begun. */
  peers(): Peer[] {
    return [...this.#peers.values()];
  }

  /** The pid with that number of one life of a node; of this node too. The same object each time. */
  pid(node: string, incarnation: number, serial: number): AnyPid {
    return this.#interned.pid(node, incarnation, serial);
  }

  /** The reference with that number, made by the node of `owner`. The same object each time. */
  ref(owner: AnyPid, serial: number): Ref {
    return this.#interned.ref(owner as LocalPid, serial);
  }

  /** A pid or reference of this node is given to another: from now on it is found by its number. */
  export(what: AnyPid | Ref): void {
    this.#interned.export(what as LocalPid | Reference);
  }

  /** Who holds `name`, as far as this node knows its own processes. */
  holder(name: string): AnyPid | undefined {
    return this.#node.registry.find(name, this.#node.pid)?.pid;
  }

  /** Stands for whoever holds `name` at `node`, in what is told of messages. */
  place(node: string, name: string): AnyPid {
    return this.#node.elsewhere(node, name);
  }

  /** Something that was accepted to be sent will never arrive: it is counted and told. */
  undelivered(to: AnyPid, message: unknown, from: AnyPid): void {
    this.#node.undelivered(to, message, from, "noconnection");
  }

  /** Something is not sent because of `error`, and whoever sent it could not be told: it is counted and told. */
  unsendable(to: AnyPid, message: unknown, from: AnyPid, error: unknown): void {
    this.#node.undelivered(to, message, from, "unsendable", error);
  }

  /** Whoever waits for a reply by `ref` gets `error` in place of it. */
  refuse(ref: Ref, error: unknown): void {
    refuseFrom(this.#node, this.#node.pid, ref as Reference, error);
  }

  /** @internal Could it be sent to any other node? @throws the router's error if not */
  check(message: unknown): void {
    this.#router?.check?.(message);
  }

  /** A signal for a process of another node. */
  route(from: LocalPid, to: LocalPid, signal: Signal): void {
    const name = to.node;
    // Its own name, in another life.
    if (name === this.#node.name) {
      answerFor(this.#node, from, to, signal, "noproc");
      return;
    }
    const peer = this.#peers.get(name) ?? this.#connect(name, signal);
    if (peer === undefined) {
      answerFor(this.#node, from, to, signal, "noconnection");
    } else if (!(to instanceof Elsewhere) && !peer.isOf(to)) {
      answerFor(this.#node, from, to, signal, "noproc");
    } else peer.send(from, to, signal);
  }

  #connect(node: string, signal: Signal): Peer | undefined {
    // Nobody connects to say that something is over: with the connection it was over.
    const { type } = signal;
    if (
      type !== "message" &&
      type !== "alias" &&
      type !== "link" &&
      type !== "monitor" &&
      type !== "call"
    ) {
      if (type !== "exit") return undefined;
    }
    return this.#node.stopped ? undefined : this.#router?.connect(node);
  }
}

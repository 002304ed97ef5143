/**
 * The remote side of a node: its sessions with other nodes, how they come about and how they end.
 */
import {
  checkFunction,
  checkKeys,
  connectRouter,
  guardedObservable,
  InvalidArgumentError,
  type AnyPid,
  type Gateway,
  type Node,
  type Pid,
  type Ref,
  type RemoteName,
  type Startable,
  isPid,
  isRemoteName,
} from "@coppice/core";
import { Subject, type Observable } from "rxjs";
import { AUTH_BACKOFF, backoffMs, CONNECT_BACKOFF } from "./backoff.js";
import { SpawnServer, type SpawnsFor } from "./behaviours.js";
import { Codec } from "./codec.js";
import { CLIENT_REFUSED, decideConflict, type Standing } from "./conflict.js";
import { Connection } from "./connection.js";
import type {
  Admission,
  ConnectionEvents,
  ConnectionOptions,
  SessionPeer,
} from "./connection-options.js";
import { dialWith, whereIs } from "./address.js";
import { RemoteStoppedError, UnreachableError } from "./errors.js";
import { ClusterNames } from "./cluster-names.js";
import { checkScope, Groups } from "./groups.js";
import { Incoming, type Permissions } from "./incoming.js";
import { createBreachCounts, type BreachCounts, type LimitName } from "./limits.js";
import { Names } from "./names.js";
import type { NameStore } from "./name-store.js";
import type { RemoteEvent } from "./remote-event.js";
import type { RemoteHost } from "./remote-host.js";
import { SERVICE_PREFIX, type CheckedOptions } from "./remote-options.js";
import { RemotePeer } from "./remote-peer.js";
import { RemoteStarts, type Place } from "./remote-start.js";
import type { Key } from "./secret.js";
import type { Bucket } from "./token-bucket.js";
import type { SessionEnd } from "./session.js";
import type { Identities, NodeLife } from "./term.js";
import type { Dialler, Listener, Transport } from "./transport.js";
import { CLOSE_CODES, type WireSignal } from "./wire-signal.js";

/** How long a session that may be half-open has to show that it lives, when another asks for its name. */
const PROBE_MS = 1_000;

/** So many nodes that could not be reached are remembered. */
const MAX_FAILURES = 4096;

/** A node that is connected. */
export interface ConnectedNode extends NodeLife {
  readonly role: "node" | "client";
  /** How many bytes wait to be sent to it. */
  readonly queuedBytes: number;
  /** How much ends with the session. */
  readonly links: number;
  readonly monitors: number;
}

/** A node was connected, or is so no longer. */
export interface NodeStatus {
  readonly type: "nodeup" | "nodedown";
  readonly node: string;
  /** Of the life it is about; `undefined` for a node that could not be reached. */
  readonly incarnation: number | undefined;
}

/** Remoting of a node, as `startRemote` returns it. */
export interface Remote {
  readonly node: Node;
  /** Where it listens. */
  readonly addresses: readonly string[];
  /** What goes on. An error of a subscriber hurts nobody. */
  readonly events: Observable<RemoteEvent>;
  /** With whom a session is open. */
  nodes(): ConnectedNode[];
  /**
   * Connects with a node, by its name or by an address such as `wss://host:7000`; at once when a session
   * is open. Waits as long as a handshake may take.
   *
   * @throws UnreachableError it did not come about
   */
  connect(target: string): Promise<NodeLife>;
  /** Ends the session with a node, if there is one. */
  disconnect(node: string): void;
  /** Does more wait to be sent to that node than goes out? */
  isBusy(node: string): boolean;
  /** Resolves when that is over, or the session is. */
  ready(node: string): Promise<void>;
  /**
   * Sends a message unless the node it is for is busy; then nothing is sent. To a process of this node, and
   * to a node that is not connected, it is always sent.
   *
   * @param sender the `self` of a process, or a node
   * @param to a pid, or a name at a node
   */
  trySend<M>(
    sender: Pick<Node, "send">,
    to: Pid<M> | RemoteName<M>,
    message: NoInfer<M>,
  ): "sent" | "busy";
  /**
   * Tells a process of this node by messages when nodes are connected, and when they are so no longer, until
   * it ends or the function that is returned is called. Links and monitors are told of a loss before.
   *
   * @param map makes the message
   * @param options.node tells of that node alone. If it is not connected it is connected with, and when that
   *   fails there is a `nodedown` for it.
   * @see https://www.erlang.org/doc/man/net_kernel.html#monitor_nodes/2
   */
  monitorNodes<M>(
    pid: Pid<M>,
    map: (status: NodeStatus) => M,
    options?: { readonly node?: string },
  ): () => void;
  /**
   * A behaviour that another node lists, to be started there as if it were here: by `self.start`, by a
   * supervisor, by `node.startOpt`. Its error is `"noconnection"` when the node is out of reach,
   * `"notAllowed"` when it does not list it for us, `{ badArguments }` when it refuses the arguments, or
   * `"limit"`.
   *
   * Started linked, as by a supervisor, it lives no longer than its connection with who started it: a
   * supervisor here starts it anew, where `place` says then, and what is left of it there ends when that node
   * knows of the loss. Started without a link it lives on there.
   *
   * @param place the node, or a function that says it anew at each start
   */
  behaviour<S extends Startable<never, never>>(place: Place, name: string): S;
  /** Takes a connection that was made elsewhere, such as one with a worker thread; the other end dials. */
  accept(transport: Transport): void;
  /** The process groups of a scope; `"default"` when none is said. The same object each time. */
  groups(scope?: string): Groups;
  /**
   * Names that are unique among all nodes that keep them, as `options.names` says.
   *
   * @throws InvalidArgumentError that option is missing
   */
  readonly names: Names;
  /** How often each limit was breached. */
  readonly breaches: { readonly [L in LimitName]?: number };
  /** Ends all sessions and listens no more. The node itself goes on, alone. */
  stop(): Promise<void>;
}

/** What remoting says to itself at another node, by a reserved name. */
interface Service {
  received(peer: NodeLife, message: unknown): void;
}

/** An address that is to be connected with always. */
class Join {
  readonly address: string;
  failures = 0;
  timer: unknown = undefined;
  /** Who was there last. */
  node: string | undefined = undefined;

  constructor(address: string) {
    this.address = address;
  }
}

/** Who waits for a session. */
interface Waiting {
  resolve(life: NodeLife): void;
  reject(error: Error): void;
}

/** What is known of a connection beside what it knows itself. */
interface Facts {
  /** Whom we expect there. */
  readonly expected: string | undefined;
  readonly address: string;
  readonly join: Join | undefined;
  readonly waiting: Waiting[];
  /** Whom we have told who we are. */
  told: string | undefined;
  /** Takes what is said over the session, while it is open. */
  incoming: Incoming | undefined;
}

export class RemoteNode implements Remote {
  readonly node: Node;
  readonly events: Observable<RemoteEvent>;
  readonly #events = new Subject<RemoteEvent>();
  readonly #options: CheckedOptions;
  readonly #host: RemoteHost;
  readonly #clock: ConnectionOptions["clock"];
  readonly #gateway: Gateway;
  readonly #home: NodeLife;
  readonly #diallers: readonly Dialler[];
  readonly #keys: readonly Key[];
  readonly #breaches: BreachCounts = createBreachCounts();
  readonly #connections = new Map<Connection, Facts>();
  readonly #peers = new Map<string, RemotePeer>();
  /** Attempts that failed, by node: when the next may be. */
  readonly #failures = new Map<string, { readonly count: number; readonly untilMs: number }>();
  /** Nodes with which a session has been; clients, who may call themselves anything, are none. */
  readonly #met = new Set<string>();
  /** Who waits for the connection that is kept of two. */
  readonly #awaiting = new Map<
    string,
    Set<{ readonly waiting: readonly Waiting[]; timer: unknown }>
  >();
  readonly #joins: readonly Join[];
  readonly #listeners: Listener[] = [];
  readonly #handshakes = new Map<string, number>();
  /** How much clients have said lately, by name: a new session does not make it more. */
  readonly #said = new Map<string, { bucket: Bucket | undefined }>();
  readonly #spawnServer: SpawnServer;
  readonly #starts: RemoteStarts;
  readonly #groups = new Map<string, Groups>();
  readonly #services = new Map<string, Service>();
  #names: Names | undefined = undefined;
  #stopped = false;

  constructor(
    node: Node,
    options: CheckedOptions,
    host: RemoteHost,
    clock: ConnectionOptions["clock"],
    keys: readonly Key[],
  ) {
    this.node = node;
    this.#options = options;
    this.#host = host;
    this.#clock = clock;
    this.#keys = keys;
    this.#home = { name: node.name, incarnation: node.incarnation };
    this.events = guardedObservable(node, (subscriber) => this.#events.subscribe(subscriber));
    const own = host.dialler(options);
    this.#diallers = own === undefined ? options.diallers : [...options.diallers, own];
    this.#joins = options.join.map((address) => new Join(address));
    this.#gateway = connectRouter(node, { connect: (name) => this.#wanted(name)?.core });
    this.#spawnServer = new SpawnServer(node, options.behaviours, options.limits, this.#breaches);
    this.#starts = new RemoteStarts(
      node,
      (name) => this.#peers.get(name) ?? this.#wanted(name),
      () => this.nodes().flatMap(({ role, name }) => (role === "node" ? [name] : [])),
      clock,
    );
    node.events.subscribe({ complete: () => void this.stop() });
  }

  get addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address);
  }

  get breaches(): { readonly [L in LimitName]?: number } {
    return this.#breaches.snapshot();
  }

  /** Listens, and begins to join. */
  async begin(): Promise<void> {
    for (const listen of this.#options.listen) {
      const accept = (transport: Transport): void => this.accept(transport);
      if ("listen" in listen) this.#listeners.push(await listen.listen(accept));
      else {
        const { listen: listenHost } = this.#host;
        if (listenHost === undefined) throw new UnreachableError("this platform", "cannot listen");
        const admit = (address: string): boolean => this.#mayBegin(address);
        this.#listeners.push(await listenHost(listen, this.#options, admit, accept));
      }
    }
    for (const join of this.#joins) this.#joinNow(join);
    this.#keepNames();
  }

  /** @internal For threads of this very program. */
  get keys(): readonly Key[] {
    return this.#keys;
  }

  nodes(): ConnectedNode[] {
    const nodes: ConnectedNode[] = [];
    for (const { connection, core, queuedBytes } of this.#peers.values()) {
      const peer = connection?.peer;
      if (peer === undefined) continue;
      const { links, watching, watched } = core.counts;
      nodes.push({
        ...peer.node,
        role: peer.role,
        queuedBytes,
        links,
        monitors: watching + watched,
      });
    }
    return nodes;
  }

  async connect(target: string): Promise<NodeLife> {
    if (this.#stopped) throw new RemoteStoppedError(this.node.name);
    if (typeof target !== "string" || target === "") {
      throw new InvalidArgumentError("connect: target", "a node's name, or an address", target);
    }
    if (target === this.node.name) throw new UnreachableError(target, "that is my own name");
    const expected = target.includes("://") ? undefined : target;
    if (expected !== undefined && this.#open(expected) !== undefined) {
      return this.#open(expected) as NodeLife;
    }
    const address = expected === undefined ? target : await this.#whereIs(expected);
    if (this.#stopped) throw new RemoteStoppedError(this.node.name);
    const open = expected === undefined ? undefined : this.#open(expected);
    if (open !== undefined) return open;
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      for (const [connection, facts] of this.#connections) {
        const { isDialler, isOpen, isDown } = connection;
        if (!isDialler || isOpen || isDown || facts.expected !== expected) continue;
        if (expected === undefined && facts.address !== address) continue;
        facts.waiting.push(waiting);
        return;
      }
      this.#dial(address, { expected, waiting: [waiting] });
    });
  }

  /** The life of a node with which a session is open. */
  #open(name: string): NodeLife | undefined {
    return this.#peers.get(name)?.connection?.peer?.node;
  }

  #whereIs(name: string): string | Promise<string> {
    const { resolve, limits } = this.#options;
    return whereIs(name, resolve, this.#clock, limits.handshakeMs);
  }

  disconnect(node: string): void {
    const peer = this.#peers.get(node);
    (peer?.connection ?? peer?.dialling)?.close(CLOSE_CODES.NORMAL, "not wanted any more");
  }

  isBusy(node: string): boolean {
    return this.#peers.get(node)?.isBusy ?? false;
  }

  ready(node: string): Promise<void> {
    return this.#peers.get(node)?.ready() ?? Promise.resolve();
  }

  trySend<M>(
    sender: Pick<Node, "send">,
    to: Pid<M> | RemoteName<M>,
    message: NoInfer<M>,
  ): "sent" | "busy" {
    if (!isPid(to) && !isRemoteName(to)) {
      throw new InvalidArgumentError("trySend: to", "a pid, or a name at a node", to);
    }
    if (this.isBusy(to.node)) return "busy";
    sender.send(to, message);
    return "sent";
  }

  monitorNodes<M>(
    pid: Pid<M>,
    map: (status: NodeStatus) => M,
    options: { readonly node?: string } = {},
  ): () => void {
    const { node } = this;
    if (!isPid(pid) || pid.node !== node.name || pid.incarnation !== node.incarnation) {
      throw new InvalidArgumentError("monitorNodes: pid", "a pid of this node", pid);
    }
    checkFunction("monitorNodes: map", map);
    checkKeys("monitorNodes: options", options, ["node"]);
    const tell = (type: NodeStatus["type"], name: string, incarnation?: number): void => {
      if (options.node === undefined || options.node === name) {
        node.send(pid, map({ type, node: name, incarnation }));
      }
    };
    const subscription = this.#events.subscribe((event) => {
      if (event.type === "up") tell("nodeup", event.node, event.incarnation);
      else if (event.type === "down") tell("nodedown", event.node, event.incarnation);
    });
    const over = (): void => subscription.unsubscribe();
    void node.whenExited(pid).then(over);
    const { node: wanted } = options;
    if (wanted !== undefined && !this.nodes().some(({ name }) => name === wanted)) {
      this.connect(wanted).catch(() => void (subscription.closed || tell("nodedown", wanted)));
    }
    return over;
  }

  behaviour<S extends Startable<never, never>>(place: Place, name: string): S {
    return this.#starts.startable(place, name) as S;
  }

  groups(scope = "default"): Groups {
    checkScope(scope);
    const name = `${SERVICE_PREFIX}groups/${scope}`;
    let groups = this.#groups.get(scope);
    if (groups === undefined) {
      groups = new Groups(this.node, {
        connected: () => this.nodes().filter(({ role }) => role === "node"),
        tell: (node, message) => void this.#tell(node, name, message),
        maxJoins: this.#options.limits.maxGroupJoins,
        breached: () => this.#breaches.count("maxGroupJoins"),
        changes: this.#events,
      });
      this.#groups.set(scope, groups);
      this.#services.set(name, groups);
    }
    return groups;
  }

  get names(): Names {
    if (this.#names === undefined) {
      const expected = "given, with the nodes that keep names or a store of them,";
      throw new InvalidArgumentError("startRemote: options.names", expected, undefined);
    }
    return this.#names;
  }

  #keepNames(): void {
    const { names, limits, hearMs } = this.#options;
    if (names === undefined) return;
    let store: NameStore;
    if ("store" in names) store = names.store;
    else {
      const { members, graceMs } = names;
      if (!members.includes(this.node.name) || this.#options.role !== "node") {
        const expected = "the nodes that keep names, this one in it and in the role node,";
        throw new InvalidArgumentError("startRemote: options.names.members", expected, members);
      }
      const service = `${SERVICE_PREFIX}names`;
      const cluster = new ClusterNames({
        node: this.node,
        clock: this.#clock,
        members,
        graceMs,
        // The registrar may notice that long before this node does, and looks at its clock as seldom.
        patienceMs: Math.max(0, graceMs - 1.5 * hearMs),
        maxNames: limits.maxNames,
        breached: () => this.#breaches.count("maxNames"),
        connected: () => this.nodes().filter(({ role }) => role === "node"),
        reach: (member) => this.connect(member),
        tell: (node, message) => this.#tell(node, service, message),
        changes: this.#events,
      });
      this.#services.set(service, cluster);
      store = cluster;
    }
    this.#names = new Names(this.node, store, names.whenLost);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const join of this.#joins) this.#clock.clear(join.timer);
    for (const connection of [...this.#connections.keys()]) {
      connection.close(CLOSE_CODES.NORMAL, "the node stops");
    }
    for (const peer of [...this.#peers.values()]) this.#lost(peer);
    const stopped = new RemoteStoppedError(this.node.name);
    for (const name of [...this.#awaiting.keys()]) {
      for (const { reject } of this.#awaited(name)) reject(stopped);
    }
    const listeners = this.#listeners.splice(0);
    await Promise.all(listeners.map((listener) => listener.close()));
    this.#events.complete();
  }

  // ── connecting ──────────────────────────────────────────────────────────────────────────────

  /** Somebody has something to say to a node that is not connected. */
  #wanted(name: string): RemotePeer | undefined {
    const { connect } = this.#options;
    if (this.#stopped || connect === "never") return undefined;
    if (connect === "once" && this.#met.has(name)) return undefined;
    const failure = this.#failures.get(name);
    if (failure !== undefined && this.#clock.now() < failure.untilMs) return undefined;
    let address: string | Promise<string>;
    try {
      address = this.#whereIs(name);
    } catch (error) {
      this.#refused(name, "", CLOSE_CODES.NORMAL, (error as UnreachableError).why);
      return undefined;
    }
    const peer = this.#begun(name);
    if (typeof address === "string") return this.#dialFor(peer, address) ? peer : undefined;
    const isWanted = (): boolean => this.#peers.get(name) === peer && peer.connection === undefined;
    address.then(
      (found) => void (isWanted() && this.#dialFor(peer, found)),
      (error: UnreachableError) => {
        if (!isWanted()) return;
        this.#failed(name, CLOSE_CODES.NORMAL);
        this.#lost(peer);
        this.#refused(name, "", CLOSE_CODES.NORMAL, error.why);
      },
    );
    return peer;
  }

  /** Is it being dialled now? What cannot be dialled is lost. */
  #dialFor(peer: RemotePeer, address: string): boolean {
    peer.dialling = this.#dial(address, { expected: peer.name });
    if (peer.dialling !== undefined) return true;
    this.#failed(peer.name, CLOSE_CODES.NORMAL);
    this.#lost(peer);
    return false;
  }

  #begun(name: string): RemotePeer {
    const { limits, overflow } = this.#options;
    const identities = this.#identities({ name, incarnation: -1 }, undefined);
    const peer = new RemotePeer({
      gateway: this.#gateway,
      name,
      limits,
      overflow,
      breaches: this.#breaches,
      codec: new Codec({ identities, limits }),
      overloaded: () => peer.dialling?.close(CLOSE_CODES.OVERLOAD, "too much waits to be sent"),
    });
    this.#peers.set(name, peer);
    return peer;
  }

  #dial(
    address: string,
    facts: Partial<Pick<Facts, "expected" | "join" | "waiting">>,
  ): Connection | undefined {
    const { expected, join, waiting = [] } = facts;
    const transport = dialWith(this.#diallers, address);
    if (typeof transport === "string") {
      for (const { reject } of waiting)
        reject(new UnreachableError(expected ?? address, transport));
      this.#refused(expected, address, CLOSE_CODES.NORMAL, transport);
      return undefined;
    }
    const all: Facts = { expected, address, join, waiting, told: undefined, incoming: undefined };
    return this.#connection(true, transport, all);
  }

  /** May one from there begin a handshake? */
  #mayBegin(address: string): boolean {
    const { maxHandshakes, maxHandshakesPerAddress, maxSessions } = this.#options.limits;
    let all = 0;
    for (const count of this.#handshakes.values()) all += count;
    const breached: LimitName | undefined =
      all >= maxHandshakes
        ? "maxHandshakes"
        : (this.#handshakes.get(address) ?? 0) >= maxHandshakesPerAddress
          ? "maxHandshakesPerAddress"
          : this.#connections.size >= maxSessions
            ? "maxSessions"
            : undefined;
    if (breached !== undefined) this.#breaches.count(breached);
    return breached === undefined && !this.#stopped;
  }

  accept(transport: Transport): void {
    const { remoteAddress: address } = transport;
    if (!this.#mayBegin(address)) {
      transport.close(CLOSE_CODES.HANDSHAKE, "too many at once");
      return;
    }
    this.#handshakes.set(address, (this.#handshakes.get(address) ?? 0) + 1);
    this.#connection(false, transport, {
      expected: undefined,
      address,
      join: undefined,
      waiting: [],
      told: undefined,
      incoming: undefined,
    });
  }

  #connection(isDialler: boolean, transport: Transport, facts: Facts): Connection {
    const { limits, hearMs, overflow, cluster, role, frameMac } = this.#options;
    const events: ConnectionEvents = {
      admit: (connection, peer) => this.#admit(connection, peer),
      challenged: (connection, peer) => this.#challenged(connection, peer),
      opened: (connection, peer) => this.#opened(connection, peer),
      signal: (_, signal) => facts.incoming?.take(signal),
      busy: (connection, isBusy) => this.#busy(connection, isBusy),
      stalled: (_, lateMs) => this.#emit({ type: "stalled", lateMs }),
      down: (connection, end) => this.#down(connection, end),
    };
    const exported = { pids: new Set<number>(), refs: new Set<number>() };
    const options: ConnectionOptions = {
      clock: this.#clock,
      home: this.#home,
      cluster,
      role,
      expected: facts.expected,
      keys: this.#keys,
      frameMac,
      crypto: this.#host.crypto,
      limits,
      hearMs,
      overflow,
      breaches: this.#breaches,
      soon: this.#host.soon,
      afterTurn: (task) => this.#clock.set(task, 0),
      nextTurn: this.#host.nextTurn ?? ((task) => void this.#clock.set(task, 0)),
      said: (peer) => this.#saidBy(peer.node.name),
      identities: (peer) =>
        this.#identities(peer.node, peer.role === "client" ? exported : undefined),
    };
    this.#exports.set(transport, exported);
    const connection = new Connection(isDialler, transport, options, events, (made) =>
      this.#connections.set(made, facts),
    );
    return connection;
  }

  #saidBy(name: string): { bucket: Bucket | undefined } {
    let said = this.#said.get(name);
    if (said === undefined) {
      this.#said.set(name, (said = { bucket: undefined }));
      if (this.#said.size > this.#options.limits.maxSessions) {
        for (const oldest of this.#said.keys()) {
          this.#said.delete(oldest);
          break;
        }
      }
    }
    return said;
  }

  readonly #exports = new WeakMap<
    Transport,
    { readonly pids: Set<number>; readonly refs: Set<number> }
  >();

  #identities(
    peer: NodeLife,
    exported: { readonly pids: Set<number>; readonly refs: Set<number> } | undefined,
  ): Identities {
    const gateway = this.#gateway;
    return {
      home: this.#home,
      peer,
      pid: (life, serial) => gateway.pid(life.name, life.incarnation, serial),
      ref: (owner, serial) => gateway.ref(owner, serial),
      exported: (what: AnyPid | Ref) => {
        gateway.export(what);
        if (exported === undefined) return;
        if (isPid(what)) remember(exported.pids, what.serial, this.#options.limits.maxAliases);
        else remember(exported.refs, what.serial, this.#options.limits.maxAliases);
      },
    };
  }

  // ── who may come in ─────────────────────────────────────────────────────────────────────────

  /** The one we dial says who it is. */
  #challenged(connection: Connection, peer: NodeLife): Admission {
    const facts = this.#connections.get(connection);
    if (facts === undefined) return { code: CLOSE_CODES.NORMAL, text: "stopped" };
    const session = this.#peers.get(peer.name)?.connection?.peer;
    // A client that has taken the name of this node makes way when the node has proved to have it.
    if (session?.role === "node") {
      const open = session.node;
      if (open.incarnation === peer.incarnation) {
        for (const { resolve } of facts.waiting.splice(0)) resolve(open);
      }
      return { code: CLOSE_CODES.DUPLICATE, text: "there is a session already" };
    }
    facts.told = peer.name;
    return "accept";
  }

  /** One who dialled us has proved who it is. */
  #admit(connection: Connection, peer: SessionPeer): Admission | Promise<Admission> {
    const { name } = peer.node;
    const { role } = peer;
    if (role === "client" && !this.#mayBeClient(name)) return CLIENT_REFUSED;
    const session = this.#peers.get(name)?.connection;
    const decision = decideConflict(this.#home, peer.node, role, this.#standing(name, session));
    if (decision.type === "accept") return "accept";
    const { code, text } = decision;
    if (decision.type === "replace") {
      session?.close(code, text);
      return "accept";
    }
    if (decision.type === "refuse" || session === undefined) return { code, text };
    return session.probe(PROBE_MS).then((lives): Admission => {
      if (lives) return { code, text };
      session.close(CLOSE_CODES.SILENCE, "it does not answer, and somebody has come for its name");
      // Others may have come meanwhile.
      const now = this.#standing(name, this.#peers.get(name)?.connection);
      return now.type === "open" ? { code, text } : "accept";
    });
  }

  /** What is for a node shall not go to a client that calls itself so. */
  #mayBeClient(name: string): boolean {
    const { names, clientNames } = this.#options;
    const isMember = names !== undefined && "members" in names && names.members.includes(name);
    if (isMember || this.#met.has(name)) return false;
    try {
      return clientNames(name);
    } catch {
      return false;
    }
  }

  #standing(name: string, session: Connection | undefined): Standing {
    const peer = session?.peer;
    if (peer !== undefined) {
      return { type: "open", incarnation: peer.node.incarnation, role: peer.role };
    }
    for (const [connection, { told }] of this.#connections) {
      if (told === name && !connection.isOpen && !connection.isDown) return { type: "dialling" };
    }
    return { type: "nothing" };
  }

  #opened(connection: Connection, peer: SessionPeer): void {
    const { name, incarnation } = peer.node;
    const facts = this.#connections.get(connection);
    this.#handshakeOver(connection);
    if (this.#stopped) {
      connection.close(CLOSE_CODES.NORMAL, "the node stops");
      return;
    }
    let remote = this.#peers.get(name);
    const before = remote?.connection;
    if (before?.peer?.role === "client" && peer.role === "node") {
      before.close(CLOSE_CODES.NAME_TAKEN, CLIENT_REFUSED.text);
      remote = this.#peers.get(name);
    } else if (before !== undefined) {
      // Each side keeps the one that the smaller name dialled.
      const isOurs = connection.isDialler === this.#home.name < name;
      if (!isOurs) {
        connection.close(CLOSE_CODES.DUPLICATE, "there is a session already");
        return;
      }
      before.close(CLOSE_CODES.DUPLICATE, "another connection is kept");
      remote = undefined;
    }
    remote ??= this.#begun(name);
    this.#failures.delete(name);
    if (peer.role === "node") this.#met.add(name);
    const incoming = this.#incoming(connection, peer, remote);
    if (facts !== undefined) facts.incoming = incoming;
    if (facts?.join !== undefined) {
      facts.join.failures = 0;
      facts.join.node = name;
    }
    remote.attach(connection, incoming, incarnation);
    const { role } = peer;
    const address = facts?.address ?? connection.transport.remoteAddress;
    this.#emit({ type: "up", node: name, incarnation, role, address });
    for (const { resolve } of facts?.waiting.splice(0) ?? []) resolve(peer.node);
    for (const { resolve } of this.#awaited(name)) resolve(peer.node);
  }

  #incoming(connection: Connection, peer: SessionPeer, remote: RemotePeer): Incoming {
    const { limits, exports, allowExit } = this.#options;
    const isNode = peer.role === "node";
    const permissions: Permissions = {
      anyProcess: isNode,
      name: isNode ? () => true : (name) => exports.has(name),
      exit: allowExit === "all" || (allowExit === "nodes" && isNode),
    };
    const exported = this.#exports.get(connection.transport);
    const spawns = this.#spawnServer.of(peer.node.name);
    return new Incoming({
      gateway: this.#gateway,
      home: this.#home,
      peer: peer.node,
      core: remote.core,
      connection,
      permissions,
      limits,
      breaches: this.#breaches,
      exportedPids: exported?.pids ?? new Set(),
      exportedRefs: exported?.refs ?? new Set(),
      service: (name, message) => this.#service(peer, name, message),
      spawn: (signal) => void this.#spawn(connection, peer, remote, spawns, signal),
      spawnReply: (signal) => this.#starts.replied(remote, connection, signal),
      refused: (what) => this.#emit({ type: "denied", node: peer.node.name, what }),
    });
  }

  /** A message for a service: who says it is who the session is with. */
  #service(peer: SessionPeer, name: string, message: () => unknown): void {
    const service = peer.role === "node" ? this.#services.get(name) : undefined;
    if (service !== undefined) service.received(peer.node, message());
  }

  /** `false` when it is not connected. */
  #tell(node: string, name: string, message: unknown): boolean {
    const connection = this.#peers.get(node)?.connection;
    return connection?.push(0, { op: "send-name", name, from: 0, payload: message }) ?? false;
  }

  async #spawn(
    connection: Connection,
    peer: SessionPeer,
    remote: RemotePeer,
    spawns: SpawnsFor,
    signal: Extract<WireSignal, { op: "spawn" }>,
  ): Promise<void> {
    let args: unknown;
    try {
      args = connection.codec.decode(signal.payload);
    } catch {
      args = undefined;
    }
    const { startTimeoutMs: timeoutMs, link = false, monitor: ref } = signal.options;
    const { role } = peer;
    const who = { name: peer.node.name, role };
    const { name, request, from } = signal;
    const requester = this.#gateway.pid(peer.node.name, peer.node.incarnation, from);
    const parent = link ? requester : undefined;
    const requested = { name, args, timeoutMs, peer: who, parent };
    const outcome = await this.#spawnServer.start(requested, spawns);
    const started = outcome.pid;
    if (connection.isDown) {
      // Nobody is left who would know of it. With a link it would have ended.
      if (started !== undefined && link) this.node.exit(started, "noconnection");
      return;
    }
    const say = (pid: number | null, payload: unknown): void =>
      void connection.push(started?.serial ?? 0, {
        op: "spawn-reply",
        request,
        to: from,
        pid,
        payload,
      });
    if (outcome.pid === undefined) {
      say(null, outcome.failed);
      return;
    }
    const { pid, info, ended } = outcome;
    this.#gateway.export(pid);
    this.#exports.get(connection.transport)?.pids.add(pid.serial);
    say(pid.serial, info === undefined ? {} : { info });
    const target = pid.serial;
    if (ended === undefined) {
      if (link) remote.core.arrive({ type: "link", from: requester, to: pid });
      if (ref !== undefined) remote.incoming?.take({ op: "monitor", ref, from, target });
      return;
    }
    if (link) connection.push(target, { op: "link-exit", from: target, to: from, payload: ended });
    if (ref !== undefined) {
      connection.push(target, { op: "down", ref, to: from, target, payload: ended });
    }
  }

  // ── how it ends ─────────────────────────────────────────────────────────────────────────────

  #down(connection: Connection, end: SessionEnd): void {
    const facts = this.#connections.get(connection);
    const peer = this.#peerOf(connection);
    this.#handshakeOver(connection);
    this.#connections.delete(connection);
    if (facts === undefined) return;
    facts.incoming = undefined;
    const { code, text, byPeer } = end;
    if (peer?.connection === connection) {
      const { name, incarnation } = (connection.peer as SessionPeer).node;
      this.#lost(peer);
      // It was too much for the other side: no use in going on at once.
      if (byPeer && (code === CLOSE_CODES.RATE || code === CLOSE_CODES.LIMIT)) {
        this.#failed(name, code);
      }
      this.#emit({ type: "down", node: name, incarnation, code, text, byPeer });
    } else {
      const name = facts.expected ?? facts.told;
      if (name !== undefined && code !== CLOSE_CODES.DUPLICATE) this.#failed(name, code);
      if (peer?.dialling === connection) this.#dialFailed(peer, connection, code);
      this.#refused(facts.expected, facts.address, code, text, byPeer);
    }
    const waiting = facts.waiting.splice(0);
    const name = facts.expected ?? facts.told;
    const error = new UnreachableError(facts.expected ?? facts.address, text, code);
    if (code === CLOSE_CODES.DUPLICATE && name) this.#await(name, waiting, error);
    else for (const { reject } of waiting) reject(error);
    if (facts.join !== undefined) this.#joinLater(facts.join, code);
  }

  /** Of two connections with a node the other one is kept, and may not be a session yet. */
  #await(name: string, waiting: readonly Waiting[], error: UnreachableError): void {
    const open = this.#open(name);
    if (open !== undefined) for (const { resolve } of waiting) resolve(open);
    if (open !== undefined || waiting.length === 0) return;
    const all = this.#awaiting.get(name) ?? new Set();
    this.#awaiting.set(name, all);
    const group = { waiting, timer: undefined as unknown };
    group.timer = this.#clock.set(() => {
      if (all.delete(group)) for (const { reject } of waiting) reject(error);
    }, this.#options.limits.handshakeMs);
    all.add(group);
  }

  /** Who waits for that node, and does so no longer. */
  #awaited(name: string): Waiting[] {
    const groups = [...(this.#awaiting.get(name) ?? [])];
    this.#awaiting.delete(name);
    for (const { timer } of groups) this.#clock.clear(timer);
    return groups.flatMap(({ waiting }) => waiting);
  }

  /** A dial did not become a session. When it was one too many, the other is about to be there. */
  #dialFailed(peer: RemotePeer, connection: Connection, code: number): void {
    peer.dialling = undefined;
    if (peer.connection !== undefined) return;
    if (code !== CLOSE_CODES.DUPLICATE) {
      this.#lost(peer);
      return;
    }
    this.#clock.set(() => {
      const isWaiting = this.#peers.get(peer.name) === peer && peer.connection === undefined;
      if (isWaiting && peer.dialling === undefined) this.#lost(peer);
    }, this.#options.limits.handshakeMs);
    void connection;
  }

  #lost(peer: RemotePeer): void {
    if (this.#peers.get(peer.name) === peer) this.#peers.delete(peer.name);
    peer.lost();
    this.#starts.lost(peer);
  }

  #failed(name: string, code: number): void {
    const count = (this.#failures.get(name)?.count ?? 0) + 1;
    const bounds = code === CLOSE_CODES.AUTH ? AUTH_BACKOFF : CONNECT_BACKOFF;
    const untilMs = this.#clock.now() + backoffMs(count, this.node.random(), bounds);
    this.#failures.delete(name);
    this.#failures.set(name, { count, untilMs });
    // A peer may tell of as many nodes as it likes.
    if (this.#failures.size > MAX_FAILURES) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
  }

  #refused(
    node: string | undefined,
    address: string,
    code: number,
    text: string,
    byPeer = false,
  ): void {
    this.#emit({ type: "refused", node, address, code, text, byPeer });
  }

  #joinNow(join: Join): void {
    join.timer = undefined;
    if (this.#stopped) return;
    const isThere = join.node !== undefined && this.#peers.get(join.node)?.connection !== undefined;
    // It may have connected with us. Look again when that could be over.
    if (isThere) this.#joinLater(join, CLOSE_CODES.NORMAL);
    else this.#dial(join.address, { join });
  }

  #joinLater(join: Join, code: number): void {
    if (this.#stopped) return;
    join.failures++;
    const bounds = code === CLOSE_CODES.AUTH ? AUTH_BACKOFF : CONNECT_BACKOFF;
    const waitMs = backoffMs(join.failures, this.node.random(), bounds);
    join.timer = this.#clock.set(() => this.#joinNow(join), waitMs);
  }

  #handshakeOver(connection: Connection): void {
    if (connection.isDialler) return;
    const facts = this.#connections.get(connection);
    if (facts === undefined || facts.told === "") return;
    // Once, whether it opened or not.
    facts.told = "";
    const left = (this.#handshakes.get(facts.address) ?? 1) - 1;
    if (left === 0) this.#handshakes.delete(facts.address);
    else this.#handshakes.set(facts.address, left);
  }

  #busy(connection: Connection, isBusy: boolean): void {
    const peer = this.#peerOf(connection);
    if (peer?.connection !== connection) return;
    if (!isBusy) peer.wake();
    this.#emit({ type: isBusy ? "busy" : "ready", node: peer.name });
  }

  #peerOf(connection: Connection): RemotePeer | undefined {
    const facts = this.#connections.get(connection);
    const name = connection.peer?.node.name ?? facts?.expected ?? facts?.told;
    return name === undefined ? undefined : this.#peers.get(name);
  }

  #emit(event: RemoteEvent): void {
    this.#events.next(event);
  }
}

/** Keeps the last so many. */
function remember(set: Set<number>, serial: number, most: number): void {
  set.add(serial);
  if (set.size > most) {
    for (const oldest of set) {
      set.delete(oldest);
      break;
    }
  }
}

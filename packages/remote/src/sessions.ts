/** The sessions of a node with others: how they come about, and how they end. */
import {
  connectRouter,
  InvalidArgumentError,
  type Clock,
  type Gateway,
  type Node,
} from "@coppice/core";
import { canDial, dialWith, whereIs, type Asked } from "./address.js";
import { Attempts } from "./attempts.js";
import { Awaiting } from "./awaiting.js";
import { carefulDialler } from "./careful-transport.js";
import { decideRivalry, type Rival } from "./conflict.js";
import { Connection } from "./connection.js";
import type { ConnectionEvents, SessionPeer } from "./connection-options.js";
import { Door } from "./door.js";
import { RemoteStoppedError, UnreachableError } from "./errors.js";
import { ExportTable } from "./export-table.js";
import type { Facts } from "./facts.js";
import { forgetOldest } from "./forget-oldest.js";
import { HandshakeSlots } from "./handshake-slots.js";
import { Joins } from "./joins.js";
import type { BreachCounts, LimitName } from "./limits.js";
import type { RemoteEvent } from "./remote-event.js";
import type { CheckedOptions } from "./remote-options.js";
import type { RemotePeer } from "./remote-peer.js";
import type { SessionEnd } from "./session.js";
import { SessionParts, type SessionsPort } from "./session-parts.js";
import { shownAddress } from "./shown-address.js";
import { UnsendableTermError, type NodeLife } from "./term.js";
import type { Dialler, Transport } from "./transport.js";
import { Wishes } from "./wishes.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** So many names of nodes with which there was a session are remembered. */
const MOST_MET = 65_536;

export class Sessions {
  readonly #port: SessionsPort;
  readonly #node: Node;
  readonly #options: CheckedOptions;
  readonly #clock: Clock;
  readonly #home: NodeLife;
  readonly #gateway: Gateway;
  readonly #diallers: readonly Dialler[];
  readonly #breaches: BreachCounts;
  readonly #connections = new Map<Connection, Facts>();
  readonly #peers = new Map<string, RemotePeer>();
  readonly #attempts: Attempts;
  /** Nodes with which a session has been; clients, who may call themselves anything, are none. */
  readonly #met = new Set<string>();
  readonly #asked: Asked = new Set();
  readonly #awaiting: Awaiting;
  readonly #joins: Joins;
  readonly #handshakes: HandshakeSlots;
  readonly #door: Door;
  readonly #parts: SessionParts;
  readonly #wishes: Wishes;
  #stopped = false;
  #stallToldMs = -Infinity;

  constructor(port: SessionsPort) {
    const { node, options, host, clock, breaches } = port;
    const { limits } = options;
    this.#port = port;
    this.#node = node;
    this.#options = options;
    this.#clock = clock;
    this.#breaches = breaches;
    this.#home = { name: node.name, incarnation: node.incarnation };
    const own = host.dialler(options);
    const diallers = options.diallers.map(carefulDialler);
    this.#diallers = own === undefined ? diallers : [...diallers, own];
    this.#gateway = connectRouter(node, {
      connect: (name) => this.wanted(name)?.core,
      check: (message) => this.#parts.check(message),
    });
    this.#attempts = new Attempts(node, clock, port.emit);
    this.#parts = new SessionParts(port, this.#gateway, this.#home);
    this.#awaiting = new Awaiting(clock, limits.handshakeMs);
    this.#handshakes = new HandshakeSlots(limits);
    this.#door = new Door(this.#home, options, this.#connections, this.#peers, this.#met);
    this.#wishes = new Wishes({
      clock,
      attempts: this.#attempts,
      patienceMs: limits.handshakeMs,
      whereIs: (name) => this.whereIs(name),
      begin: (name) => this.#begun(name),
      isCurrent: (peer) => this.#peers.get(peer.name) === peer,
      dial: (address, expected) => this.#dial(address, { expected }),
      lost: (peer) => this.#lost(peer),
    });
    this.#joins = new Joins(options.join, {
      clock,
      random: () => node.random(),
      isOpen: (name) => this.#peers.get(name)?.connection !== undefined,
      dial: (join) => void this.#dial(join.address, { join }),
    });
  }

  /** All with whom something connects us, be it only the attempt. */
  get peers(): ReadonlyMap<string, RemotePeer> {
    return this.#peers;
  }

  /** @throws InvalidArgumentError nobody could ever dial an address that is to be joined */
  checkJoins(): void {
    for (const address of this.#options.join) {
      if (canDial(this.#diallers, address)) continue;
      const expected = `addresses that can be dialled, such as "ws://host:7000"`;
      throw new InvalidArgumentError("startRemote: options.join", expected, address);
    }
  }

  /** Begins to join. */
  join(): void {
    this.#joins.begin();
  }

  /** The life of a node with which a session is open. */
  open(name: string): NodeLife | undefined {
    return this.#peers.get(name)?.connection?.peer?.node;
  }

  /** Where a node is. @throws UnreachableError nobody knows */
  whereIs(name: string): string | Promise<string> {
    const { resolve, limits } = this.#options;
    return whereIs(name, resolve, this.#clock, limits.handshakeMs, this.#asked);
  }

  /** Waits for a session with whom is at `address`: with the node `expected`, if one is. */
  connect(expected: string | undefined, address: string): Promise<NodeLife> {
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

  /** Says something to a service at another node; `false` when that is not connected. */
  tell(node: string, name: string, message: unknown): boolean {
    const connection = this.#peers.get(node)?.connection;
    try {
      return connection?.push(0, { op: "send-name", name, from: 0, payload: message }) ?? false;
    } catch (error) {
      if (!(error instanceof UnsendableTermError)) throw error;
      // The services of the two cannot agree then. Not within what has something to say: it may be opening the session.
      const why = `it takes too little for what ${name} has to say`;
      queueMicrotask(() => connection?.close(CLOSE_CODES.LIMIT, why));
      return false;
    }
  }

  /** Ends all. */
  stop(): void {
    this.#stopped = true;
    this.#parts.stop();
    this.#joins.stop();
    for (const giveUp of [...this.#asked]) giveUp();
    for (const connection of [...this.#connections.keys()]) {
      connection.close(CLOSE_CODES.NORMAL, "the node stops");
    }
    for (const peer of [...this.#peers.values()]) this.#lost(peer);
    const stopped = new RemoteStoppedError(this.#node.name);
    for (const { reject } of this.#awaiting.takeAll()) reject(stopped);
  }

  /** When all is ended: leaves the node to another router. */
  disconnect(): void {
    this.#gateway.disconnect();
  }

  // ── connecting ──────────────────────────────────────────────────────────────────────────────

  /** Somebody has something to say to a node that is not connected. */
  wanted(name: string): RemotePeer | undefined {
    const { connect } = this.#options;
    if (this.#stopped || connect === "never") return undefined;
    if (connect === "once" && this.#met.has(name)) return undefined;
    return this.#wishes.wanted(name);
  }

  #begun(name: string): RemotePeer {
    const peer = this.#parts.peer(name, (full) => this.#wishes.overloaded(full));
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
      if (join !== undefined) this.#joins.later(join, CLOSE_CODES.NORMAL);
      this.#attempts.notDialled(expected, address, transport);
      return undefined;
    }
    return this.#connection(true, transport, {
      expected,
      address,
      join,
      waiting,
      handshakeOver: () => undefined,
    });
  }

  /** May one from there begin a handshake? */
  mayBegin(address: string): boolean {
    const { maxSessions } = this.#options.limits;
    const breached: LimitName | undefined =
      this.#handshakes.exceeded(address) ??
      (this.#connections.size >= maxSessions ? "maxSessions" : undefined);
    if (breached !== undefined) this.#breaches.count(breached);
    return breached === undefined && !this.#stopped;
  }

  /** One who came was no peer. */
  turnedAway(address: string, why: string): void {
    this.#attempts.notDialled(undefined, address, why);
  }

  accept(transport: Transport): void {
    const { remoteAddress: address } = transport;
    if (!this.mayBegin(address)) {
      const text = "too many at once";
      transport.close(CLOSE_CODES.HANDSHAKE, text);
      this.#attempts.refused({ node: undefined, address, code: CLOSE_CODES.HANDSHAKE, text });
      return;
    }
    this.#connection(false, transport, {
      expected: undefined,
      address,
      join: undefined,
      waiting: [],
      handshakeOver: this.#handshakes.begin(address),
    });
  }

  #connection(
    isDialler: boolean,
    transport: Transport,
    known: Omit<Facts, "exported" | "told" | "incoming">,
  ): Connection {
    const exported = new ExportTable(this.#options.limits.maxAliases, () =>
      this.#breaches.count("maxAliases"),
    );
    const facts: Facts = { ...known, exported, told: undefined, incoming: undefined };
    const events: ConnectionEvents = {
      admit: (_, peer) => this.#door.admit(peer),
      challenged: (connection, peer) => this.#door.challenged(connection, peer),
      opened: (connection, peer) => this.#opened(connection, facts, peer),
      signal: (_, signal) => facts.incoming?.take(signal),
      busy: (connection, isBusy) => this.#busy(connection, isBusy),
      stalled: (_, lateMs) => this.#stalled(lateMs),
      down: (connection, end) => this.#down(connection, facts, end),
    };
    const options = this.#parts.options(facts);
    return new Connection(isDialler, transport, options, events, (made) =>
      this.#connections.set(made, facts),
    );
  }

  #opened(connection: Connection, facts: Facts, peer: SessionPeer): void {
    const { name, incarnation } = peer.node;
    facts.handshakeOver();
    if (this.#stopped) {
      connection.close(CLOSE_CODES.NORMAL, "the node stops");
      return;
    }
    const before = this.#peers.get(name)?.connection;
    if (before !== undefined) {
      const { isDialler } = connection;
      const open = rivalOf(before);
      const { type, code, text } = decideRivalry(this.#home, peer.node, peer.role, isDialler, open);
      (type === "refuse" ? connection : before).close(code, text);
      if (type === "refuse") return;
    }
    const remote = this.#peers.get(name) ?? this.#begun(name);
    this.#attempts.reached(name, facts.expected ?? facts.address);
    if (peer.role === "node") {
      this.#met.add(name);
      forgetOldest(this.#met, MOST_MET);
    }
    const incoming = this.#parts.incoming(connection, facts.exported, peer, remote);
    facts.incoming = incoming;
    if (facts.join !== undefined) this.#joins.opened(facts.join, name);
    remote.attach(connection, incoming, incarnation);
    const { role } = peer;
    const { address } = facts;
    this.#emit({ type: "up", node: name, incarnation, role, address: shownAddress(address) });
    for (const { resolve } of facts.waiting.splice(0)) resolve(peer.node);
    for (const { resolve } of this.#awaiting.take(name)) resolve(peer.node);
  }

  // ── how it ends ─────────────────────────────────────────────────────────────────────────────

  #down(connection: Connection, facts: Facts, end: SessionEnd): void {
    const peer = this.#peerOf(connection);
    this.#connections.delete(connection);
    facts.handshakeOver();
    facts.incoming = undefined;
    const { code, text, byPeer } = end;
    /** Who it would have been. */
    const wanted = facts.expected ?? facts.told;
    if (peer?.connection === connection) {
      const { node, role } = connection.peer as SessionPeer;
      const { name, incarnation } = node;
      this.#lost(peer);
      // It was too much for the other side: no use in going on at once.
      const wasTooMuch = code === CLOSE_CODES.RATE || code === CLOSE_CODES.LIMIT;
      if ((byPeer && wasTooMuch) || code === CLOSE_CODES.OVERLOAD) {
        this.#attempts.failed(name, code);
      }
      this.#emit({ type: "down", node: name, incarnation, role, code, text, byPeer });
    } else {
      if (wanted !== undefined && code !== CLOSE_CODES.DUPLICATE)
        this.#attempts.failed(wanted, code);
      if (peer?.dialling === connection) this.#wishes.dialFailed(peer, code);
      const attempt = { node: facts.expected, address: facts.address, code, text, byPeer };
      this.#attempts.refused(attempt);
      if (connection.isDialler) this.#attempts.warn(attempt);
    }
    const waiting = facts.waiting.splice(0);
    const error = new UnreachableError(facts.expected ?? facts.address, text, code);
    const open = wanted === undefined ? undefined : this.open(wanted);
    if (code !== CLOSE_CODES.DUPLICATE || wanted === undefined) {
      for (const { reject } of waiting) reject(error);
    } else if (open !== undefined) for (const { resolve } of waiting) resolve(open);
    else this.#awaiting.add(wanted, waiting, error);
    if (facts.join !== undefined) this.#joins.later(facts.join, code);
  }

  #lost(peer: RemotePeer): void {
    if (this.#peers.get(peer.name) === peer) this.#peers.delete(peer.name);
    peer.lost();
    this.#port.lost(peer);
  }

  /** Each session notices that this node stood still: those that do so after the first say nothing new. */
  #stalled(lateMs: number): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#stallToldMs < lateMs) return;
    this.#stallToldMs = nowMs;
    this.#emit({ type: "stalled", lateMs });
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
    this.#port.emit(event);
  }
}

/** Of a session that is open. */
function rivalOf({ peer }: Connection): Rival {
  const { node, role } = peer as SessionPeer;
  return { incarnation: node.incarnation, role };
}

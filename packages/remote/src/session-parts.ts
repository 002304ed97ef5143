/** What sessions are made of: the options of a connection, a peer, and what takes in what is said over it. */
import type { AnyPid, Clock, Gateway, Node, Ref } from "@coppice/core";
import { identitiesOfClient } from "./client-identities.js";
import { ClientRates } from "./client-rates.js";
import { Codec } from "./codec.js";
import type { Connection } from "./connection.js";
import type { ConnectionOptions, SessionPeer } from "./connection-options.js";
import type { ExportTable } from "./export-table.js";
import type { Facts } from "./facts.js";
import { Incoming, type Permissions } from "./incoming.js";
import type { BreachCounts } from "./limits.js";
import type { RemoteEvent } from "./remote-event.js";
import type { RemoteHost } from "./remote-host.js";
import type { CheckedOptions } from "./remote-options.js";
import { RemotePeer } from "./remote-peer.js";
import type { Key } from "./secret.js";
import type { SharedBytes } from "./shared-bytes.js";
import { SharedQueues } from "./shared-queues.js";
import { answerSpawn, type Requester } from "./spawn-request.js";
import { SpawnServer } from "./spawn-server.js";
import type { Identities, NodeLife } from "./term.js";
import type { WireSignal } from "./wire-signal.js";

/** What sessions are made with, and whom they tell. */
export interface SessionsPort {
  readonly node: Node;
  readonly options: CheckedOptions;
  readonly host: RemoteHost;
  readonly clock: Clock;
  readonly keys: readonly Key[];
  readonly breaches: BreachCounts;
  readonly emit: (event: RemoteEvent) => void;
  /** A message for a service of remoting itself. */
  readonly service: (peer: SessionPeer, name: string, message: () => unknown) => void;
  /** The answer to a request to start a process. */
  readonly spawnReply: (
    peer: RemotePeer,
    connection: Connection,
    signal: Extract<WireSignal, { op: "spawn-reply" }>,
  ) => void;
  /** A peer is lost. */
  readonly lost: (peer: RemotePeer) => void;
}

/** A node of which nothing is known. */
const NOBODY: NodeLife = { name: "", incarnation: -1 };

export class SessionParts {
  readonly #port: SessionsPort;
  readonly #gateway: Gateway;
  readonly #home: NodeLife;
  readonly #said: ClientRates;
  /** Of all clients together. */
  readonly #clientAssembly: SharedBytes;
  readonly #clientQueues: SharedQueues;
  readonly #spawnServer: SpawnServer;
  /** Encodes what is to be sent later, to see whether it can be. */
  #checker: Codec | undefined = undefined;

  constructor(port: SessionsPort, gateway: Gateway, home: NodeLife) {
    const { node, options, breaches } = port;
    this.#port = port;
    this.#gateway = gateway;
    this.#home = home;
    this.#said = new ClientRates(options.limits.maxSessions);
    this.#clientAssembly = { bytes: 0, maxBytes: options.limits.clientAssemblyBytes };
    this.#clientQueues = new SharedQueues(options.limits.clientQueueBytes);
    this.#spawnServer = new SpawnServer(node, options.behaviours, options.limits, breaches);
  }

  /** Nobody starts anything here any more. */
  stop(): void {
    this.#spawnServer.stop();
  }

  /** Of a connection of which so much is known. */
  options({ expected, exported }: Pick<Facts, "expected" | "exported">): ConnectionOptions {
    const { clock, host, keys, breaches } = this.#port;
    const { limits, hearMs, overflow, cluster, role, frameMac } = this.#port.options;
    return {
      clock,
      home: this.#home,
      cluster,
      role,
      expected,
      keys,
      frameMac,
      crypto: host.crypto,
      limits,
      hearMs,
      overflow,
      breaches,
      soon: host.soon,
      afterTurn: (task) => clock.set(task, 0),
      nextTurn: host.nextTurn ?? ((task) => void clock.set(task, 0)),
      said: (peer) => this.#said.by(peer.node.name),
      clientAssembly: this.#clientAssembly,
      clientQueues: this.#clientQueues,
      identities: (peer) =>
        this.#identities(peer.node, peer.role === "client" ? exported : undefined),
    };
  }

  /**
   * With which nothing connects us yet.
   *
   * @param overloaded more waits for the session than may
   */
  peer(name: string, overloaded: (peer: RemotePeer) => void): RemotePeer {
    const { limits, overflow } = this.#port.options;
    const identities = this.#identities({ ...NOBODY, name }, undefined);
    const peer: RemotePeer = new RemotePeer({
      gateway: this.#gateway,
      name,
      limits,
      overflow,
      breaches: this.#port.breaches,
      codec: new Codec({ identities, limits, breached: this.#port.breaches.count }),
      overloaded: () => overloaded(peer),
    });
    return peer;
  }

  /** Could it be sent to any other node? @throws UnsendableTermError it could not */
  check(message: unknown): void {
    if (this.#checker === undefined) {
      const { limits } = this.#port.options;
      // Nobody is told of what is in it yet.
      const { exported: _, ...identities } = this.#identities(NOBODY, undefined);
      this.#checker = new Codec({ identities, limits });
    }
    this.#checker.encode(message);
  }

  /** Takes what is said over a session that is open. */
  incoming(
    connection: Connection,
    exported: ExportTable,
    peer: SessionPeer,
    remote: RemotePeer,
  ): Incoming {
    const { limits, exports, allowExit } = this.#port.options;
    const isNode = peer.role === "node";
    const permissions: Permissions = {
      anyProcess: isNode,
      name: isNode ? () => true : (name) => exports.has(name),
      // Who may not end a process by a signal shall not end it by a message.
      orders: isNode && allowExit !== "none",
      // They may be many, and all of them together shall not take all memory.
      watches: isNode ? Infinity : limits.clientWatches,
      exit: allowExit === "all" || (allowExit === "nodes" && isNode),
    };
    const denied = (what: string): void =>
      this.#port.emit({ type: "denied", node: peer.node.name, what });
    const requester: Requester = {
      connection,
      peer,
      remote,
      spawns: this.#spawnServer.of(peer.node.name),
      running: new Set(),
      // A node may address all that it knows the number of.
      exported: isNode ? () => undefined : (pid) => exported.add(pid),
      denied,
    };
    return new Incoming({
      gateway: this.#gateway,
      home: this.#home,
      peer: peer.node,
      core: remote.core,
      connection,
      permissions,
      limits,
      breaches: this.#port.breaches,
      exportedPids: exported.pids,
      exportedRefs: exported.refs,
      service: (name, message) => this.#port.service(peer, name, message),
      spawn: (signal) =>
        void answerSpawn(this.#port.node, this.#gateway, this.#spawnServer, requester, signal),
      spawnReply: (signal) => this.#port.spawnReply(remote, connection, signal),
      refused: denied,
    });
  }

  #identities(peer: NodeLife, exported: ExportTable | undefined): Identities {
    const gateway = this.#gateway;
    return {
      home: this.#home,
      peer,
      pid: (life, serial) => gateway.pid(life.name, life.incarnation, serial),
      ref: (owner, serial) => gateway.ref(owner, serial),
      exported: (what: AnyPid | Ref) => {
        gateway.export(what);
        exported?.add(what);
      },
      ...(exported &&
        identitiesOfClient(
          gateway,
          this.#home,
          peer,
          exported,
          this.#port.options.exports,
          (what) => this.#port.emit({ type: "denied", node: peer.name, what }),
        )),
    };
  }
}

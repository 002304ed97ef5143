/** Who may come in: decided when a peer has said, or proved, who it is, and before a session is open. */
import { ANOTHER_LIFE, CLIENT_REFUSED, decideConflict, type Standing } from "./conflict.js";
import type { Connection } from "./connection.js";
import type { Admission, SessionPeer } from "./connection-options.js";
import type { Facts } from "./facts.js";
import { isGranted } from "./permission.js";
import type { CheckedOptions } from "./remote-options.js";
import type { RemotePeer } from "./remote-peer.js";
import type { NodeLife } from "./term.js";
import { CLOSE_CODES } from "./wire-signal.js";

/** How long a session that may be half-open has to show that it lives, when another asks for its name. */
const PROBE_MS = 1_000;

export class Door {
  readonly #home: NodeLife;
  readonly #options: Pick<CheckedOptions, "names" | "clientNames">;
  readonly #connections: ReadonlyMap<Connection, Facts>;
  readonly #peers: ReadonlyMap<string, RemotePeer>;
  /** Nodes with which a session has been; clients, who may call themselves anything, are none. */
  readonly #met: ReadonlySet<string>;

  constructor(
    home: NodeLife,
    options: Pick<CheckedOptions, "names" | "clientNames">,
    connections: ReadonlyMap<Connection, Facts>,
    peers: ReadonlyMap<string, RemotePeer>,
    met: ReadonlySet<string>,
  ) {
    this.#home = home;
    this.#options = options;
    this.#connections = connections;
    this.#peers = peers;
    this.#met = met;
  }

  /**
   * The one we dial says who it is, and has not proved it: a session that is open under that name is asked whether
   * it lives, and left alone.
   */
  challenged(connection: Connection, peer: NodeLife): Admission | Promise<Admission> {
    const facts = this.#connections.get(connection);
    if (facts === undefined) return { code: CLOSE_CODES.NORMAL, text: "stopped" };
    const accept = (): Admission => {
      facts.told = peer.name;
      return "accept";
    };
    const session = this.#peers.get(peer.name)?.connection;
    const open = session?.peer;
    // A client that has taken the name of this node makes way when the node has proved to have it.
    if (session === undefined || open?.role !== "node") return accept();
    if (open.node.incarnation !== peer.incarnation) {
      const { code, text } = ANOTHER_LIFE;
      return session.probe(PROBE_MS).then((lives) => (lives ? { code, text } : accept()));
    }
    for (const { resolve } of facts.waiting.splice(0)) resolve(open.node);
    // As long as that session is open there is nothing to dial that address for.
    if (facts.join !== undefined) facts.join.node = peer.name;
    return { code: CLOSE_CODES.DUPLICATE, text: "there is a session already" };
  }

  /** One who dialled us has proved who it is. */
  admit(peer: SessionPeer): Admission | Promise<Admission> {
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
    return isGranted(() => clientNames(name));
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
}

/** Services of remoting itself, which speak with their like at other nodes by reserved names: groups and names. */
import { InvalidArgumentError, type Clock, type Node } from "@coppice/core";
import type { Observable } from "rxjs";
import { ClusterNames } from "./cluster-names.js";
import type { SessionPeer } from "./connection-options.js";
import { checkScope, Groups } from "./groups.js";
import type { BreachCounts } from "./limits.js";
import { Names } from "./names.js";
import type { NameStore } from "./name-store.js";
import type { ConnectedNode } from "./remote.js";
import type { RemoteEvent } from "./remote-event.js";
import { OwnStore } from "./own-store.js";
import { SERVICE_PREFIX, type CheckedOptions } from "./remote-options.js";
import type { NodeLife } from "./term.js";

/** What remoting says to itself at another node, by a reserved name. */
interface Service {
  received(peer: NodeLife, message: unknown): void;
}

/** What services need of remoting. */
export interface ServicesPort {
  readonly node: Node;
  readonly clock: Clock;
  readonly options: CheckedOptions;
  readonly breaches: BreachCounts;
  readonly changes: Observable<RemoteEvent>;
  readonly nodes: () => ConnectedNode[];
  readonly connect: (node: string) => Promise<NodeLife>;
  /** Says something to the service `name` at another node; `false` when that is not connected. */
  readonly tell: (node: string, name: string, message: unknown) => boolean;
}

export class Services {
  readonly #port: ServicesPort;
  readonly #groups = new Map<string, Groups>();
  readonly #services = new Map<string, Service>();
  #names: Names | undefined = undefined;

  constructor(port: ServicesPort) {
    this.#port = port;
  }

  /** A message for a service: who says it is who the session is with. */
  received(peer: SessionPeer, name: string, message: () => unknown): void {
    const service = peer.role === "node" ? this.#services.get(name) : undefined;
    if (service !== undefined) service.received(peer.node, message());
  }

  groups(scope = "default"): Groups {
    const { node, options, breaches, changes, tell } = this.#port;
    checkScope(scope);
    const name = `${SERVICE_PREFIX}groups/${scope}`;
    let groups = this.#groups.get(scope);
    if (groups === undefined) {
      groups = new Groups(node, {
        connected: this.#connected,
        tell: (to, message) => void tell(to, name, message),
        maxJoins: options.limits.maxGroupJoins,
        breached: () => breaches.count("maxGroupJoins"),
        changes,
      });
      this.#groups.set(scope, groups);
      this.#services.set(name, groups);
    }
    return groups;
  }

  get names(): Names {
    if (this.#names === undefined) {
      const expected = "given, with the nodes that keep names or a store of them";
      throw new InvalidArgumentError("startRemote: options.names", expected, undefined);
    }
    return this.#names;
  }

  /** Keeps names, if the options say so. @throws InvalidArgumentError this node cannot */
  keepNames(): void {
    const { node, clock, options, breaches, changes, tell, connect } = this.#port;
    const { names, limits, hearMs } = options;
    if (names === undefined) return;
    let store: NameStore;
    if ("store" in names) store = new OwnStore(node, clock, names.store);
    else {
      const { members, graceMs } = names;
      if (!members.includes(node.name) || options.role !== "node") {
        const expected = "the nodes that keep names, this one in it and in the role node";
        throw new InvalidArgumentError("startRemote: options.names.members", expected, members);
      }
      const service = `${SERVICE_PREFIX}names`;
      const cluster = new ClusterNames({
        node,
        clock,
        members,
        graceMs,
        // The registrar may notice that long before this node does, and looks at its clock as seldom.
        patienceMs: Math.max(0, graceMs - 1.5 * hearMs),
        maxNames: limits.maxNames,
        breached: () => breaches.count("maxNames"),
        connected: this.#connected,
        reach: connect,
        tell: (to, message) => tell(to, service, message),
        changes,
      });
      this.#services.set(service, cluster);
      store = cluster;
    }
    this.#names = new Names(node, store, names.whenLost);
  }

  readonly #connected = (): ConnectedNode[] =>
    this.#port.nodes().filter(({ role }) => role === "node");
}

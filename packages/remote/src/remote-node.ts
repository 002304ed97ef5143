/** The remote side of a node: its sessions with other nodes, and what is built on them. */
import {
  checkFunction,
  guardedObservable,
  InvalidArgumentError,
  isPid,
  isRemoteName,
  type Clock,
  type Node,
  type Pid,
  type RemoteName,
  type Startable,
} from "@coppice/core";
import { Subject, Subscription, type Observable } from "rxjs";
import { carefulTransport } from "./careful-transport.js";
import { RemoteStoppedError, UnreachableError } from "./errors.js";
import type { Groups } from "./groups.js";
import { createBreachCounts, type BreachCounts, type LimitName } from "./limits.js";
import { monitorNodes } from "./monitor-nodes.js";
import type { Names } from "./names.js";
import type { ConnectedNode, MonitorNodesOptions, NodeStatus, Remote } from "./remote.js";
import type { RemoteEvent } from "./remote-event.js";
import type { RemoteHost } from "./remote-host.js";
import type { CheckedOptions } from "./remote-options.js";
import { RemoteStarts, type Place } from "./remote-start.js";
import type { Key } from "./secret.js";
import { Services } from "./services.js";
import { Sessions } from "./sessions.js";
import type { NodeLife } from "./term.js";
import type { Listener, Transport } from "./transport.js";
import { CLOSE_CODES } from "./wire-signal.js";

export class RemoteNode implements Remote {
  readonly node: Node;
  readonly events: Observable<RemoteEvent>;
  readonly #events = new Subject<RemoteEvent>();
  readonly #options: CheckedOptions;
  readonly #host: RemoteHost;
  readonly #keys: readonly Key[];
  readonly #breaches: BreachCounts = createBreachCounts();
  readonly #listeners: Listener[] = [];
  readonly #sessions: Sessions;
  readonly #starts: RemoteStarts;
  readonly #services: Services;
  readonly #nodeEnds = new Subscription();
  #stopped = false;

  constructor(
    node: Node,
    options: CheckedOptions,
    host: RemoteHost,
    clock: Clock,
    keys: readonly Key[],
  ) {
    this.node = node;
    this.#options = options;
    this.#host = host;
    this.#keys = keys;
    this.events = guardedObservable(node, (subscriber) => this.#events.subscribe(subscriber));
    const breaches = this.#breaches;
    const sessions = new Sessions({
      node,
      options,
      host,
      clock,
      keys,
      breaches,
      emit: (event) => this.#events.next(event),
      service: (peer, name, message) => this.#services.received(peer, name, message),
      spawnReply: (peer, connection, signal) => this.#starts.replied(peer, connection, signal),
      lost: (peer) => this.#starts.lost(peer),
    });
    this.#sessions = sessions;
    this.#starts = new RemoteStarts(
      node,
      (name) => sessions.peers.get(name) ?? sessions.wanted(name),
      () => this.nodes().flatMap(({ role, name }) => (role === "node" ? [name] : [])),
      clock,
      options.behaviours,
    );
    this.#services = new Services({
      node,
      clock,
      options,
      breaches,
      changes: this.#events,
      nodes: () => this.nodes(),
      connect: (name) => this.connect(name),
      tell: (to, name, message) => sessions.tell(to, name, message),
    });
    // It may have ended by now, of which is told at once.
    this.#nodeEnds.add(node.events.subscribe({ complete: () => void this.stop() }));
  }

  get addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address);
  }

  get breaches(): { readonly [L in LimitName]?: number } {
    return this.#breaches.snapshot();
  }

  /** Listens, and begins to join. */
  async begin(): Promise<void> {
    this.#sessions.checkJoins();
    for (const listen of this.#options.listen) {
      if ("listen" in listen) {
        const accept = (transport: Transport): void => this.accept(transport);
        await this.#listens(await listen.listen(accept));
      } else {
        const accept = (transport: Transport): void => this.#sessions.accept(transport);
        const { listen: listenHost } = this.#host;
        if (listenHost === undefined) throw new UnreachableError("this platform", "cannot listen");
        const admit = (address: string): boolean => this.#sessions.mayBegin(address);
        const refused = (address: string, why: string): void =>
          this.#sessions.turnedAway(address, why);
        await this.#listens(await listenHost(listen, this.#options, admit, accept, refused));
      }
    }
    this.#checkStopped();
    this.#sessions.join();
    this.#services.keepNames();
  }

  async #listens(listener: Listener): Promise<void> {
    const what = "startRemote: options.listen: what listen returned";
    checkFunction(`${what}: close`, (Object(listener) as Listener).close);
    // What has been stopped meanwhile leaves nothing that would go on listening.
    if (this.#stopped) await listener.close();
    else this.#listeners.push(listener);
    this.#checkStopped();
  }

  #checkStopped(): void {
    if (this.#stopped) throw new RemoteStoppedError(this.node.name);
  }

  /** @internal For threads of this very program. */
  get keys(): readonly Key[] {
    return this.#keys;
  }

  /** @internal Likewise. */
  get cluster(): string {
    return this.#options.cluster;
  }

  nodes(): ConnectedNode[] {
    const nodes: ConnectedNode[] = [];
    for (const { connection, core, queuedBytes } of this.#sessions.peers.values()) {
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
    const sessions = this.#sessions;
    if (target.includes("://")) return sessions.connect(undefined, target);
    const open = sessions.open(target);
    if (open !== undefined) return open;
    let address: string;
    try {
      address = await sessions.whereIs(target);
    } finally {
      this.#checkStopped();
    }
    // It may have come about meanwhile.
    return sessions.open(target) ?? sessions.connect(target, address);
  }

  disconnect(node: string): void {
    checkIsName("disconnect: node", node);
    const peer = this.#sessions.peers.get(node);
    (peer?.connection ?? peer?.dialling)?.close(CLOSE_CODES.NORMAL, "not wanted any more");
  }

  isBusy(node: string): boolean {
    checkIsName("isBusy: node", node);
    return this.#sessions.peers.get(node)?.isBusy ?? false;
  }

  async ready(node: string): Promise<void> {
    checkIsName("ready: node", node);
    await this.#sessions.peers.get(node)?.ready();
  }

  trySend<M>(
    sender: Pick<Node, "send">,
    to: Pid<M> | RemoteName<M>,
    message: NoInfer<M>,
  ): "sent" | "busy" {
    if (!isPid(to) && !isRemoteName(to)) {
      throw new InvalidArgumentError("trySend: to", "a pid, or a name at a node", to);
    }
    checkFunction("trySend: sender.send", (Object(sender) as Partial<Node>).send);
    if (this.isBusy(to.node)) return "busy";
    sender.send(to, message);
    return "sent";
  }

  monitorNodes<M>(
    pid: Pid<M>,
    map: (status: NodeStatus) => M,
    options?: MonitorNodesOptions,
  ): () => void {
    return monitorNodes(this, this.#events, pid, map, options);
  }

  behaviour<S extends Startable<never, never>>(place: Place, name: string): S {
    return this.#starts.startable(place, name) as S;
  }

  groups(scope?: string): Groups {
    return this.#services.groups(scope);
  }

  get names(): Names {
    return this.#services.names;
  }

  accept(transport: Transport): void {
    this.#sessions.accept(carefulTransport("accept: transport", transport));
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#nodeEnds.unsubscribe();
    this.#sessions.stop();
    const listeners = this.#listeners.splice(0);
    await Promise.all(listeners.map((listener) => listener.close()));
    this.#events.complete();
  }

  /** @internal It could not begin: nothing of it is left, and the node can begin anew. */
  async undo(): Promise<void> {
    await this.stop();
    this.#sessions.disconnect();
  }
}

/** Whether there is such a node is another question. */
function checkIsName(argument: string, node: unknown): void {
  if (typeof node !== "string" || node === "") {
    throw new InvalidArgumentError(argument, "the name of a node", node);
  }
}

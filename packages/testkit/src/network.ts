/**
 * The network of a simulation: what its nodes say to each other, as signals that the strategy decides on.
 *
 * Core keeps the links and monitors that cross a connection; here connections come and go.
 *
 * | profile | a partition | a connection that is lost |
 * | --- | --- | --- |
 * | `"erlDist"` | loses the connection, and none comes about until it is healed | what is on its way arrives, or is lost from some signal on |
 * | `"datagram"` | loses what is sent | the same |
 * | others | holds back what is on its way until it is healed | the same |
 */
import {
  connectRouter,
  formatReason,
  formatTerm,
  offerCarried,
  type AnyPid,
  type Happening,
  type Node,
  type RemoteSignal,
} from "@coppice/core";
import type { Kernel } from "./kernel.js";

type Gateway = ReturnType<typeof connectRouter>;
type Peer = NonNullable<ReturnType<Gateway["peer"]>>;

interface End {
  readonly node: Node;
  readonly gateway: Gateway;
  readonly peers: Map<string, Peer>;
  /** Whom a monitor of this node is of, by the number of its reference. */
  readonly monitored: Map<number, AnyPid>;
}

export class Network {
  readonly #kernel: Kernel;
  readonly #ends = new Map<string, End>();
  /** `a→b` when nothing gets from `a` to `b`. */
  readonly #cuts = new Set<string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A node, or another life of it; once is enough. */
  join(node: Node): void {
    if (this.#ends.get(node.name)?.node === node) return;
    const gateway = connectRouter(node, { connect: (name) => this.#connect(node.name, name) });
    this.#ends.set(node.name, { node, gateway, peers: new Map(), monitored: new Map() });
  }

  get isCut(): boolean {
    return this.#cuts.size > 0;
  }

  /** May the signal arrive, as the network is now? */
  lets(signal: Happening): boolean {
    const { senderPid, actorPid } = signal;
    if (this.#cuts.size === 0 || senderPid === undefined) return true;
    return !this.#cuts.has(`${senderPid.node}→${actorPid.node}`);
  }

  /** Cuts all ways from one of `from` to one of `to`. */
  cut(from: readonly string[], to: readonly string[]): void {
    for (const a of from) {
      for (const b of to) {
        if (a === b) continue;
        this.#cuts.add(`${a}→${b}`);
        if (this.#kernel.options.profile === "erlDist") this.disconnect(a, b);
      }
    }
    if (this.#kernel.options.profile === "datagram") {
      this.#drop((signal) => !this.lets(signal));
    }
  }

  /** What is cut, and which connections there are; `undefined` when there is nothing of either. */
  outline(): unknown {
    const open = [...this.#ends].flatMap(([name, { peers }]) =>
      [...peers].filter(([, peer]) => !peer.isOver).map(([other]) => `${name}→${other}`),
    );
    if (this.#cuts.size === 0 && open.length === 0) return undefined;
    return { cuts: this.#cuts, open: new Set(open) };
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** The connection of two nodes is lost. Each of them hears of it at a time of its own. */
  disconnect(a: string, b: string): void {
    this.#lose(a, b);
    this.#lose(b, a);
  }

  /** A node is gone: what was sent to it is lost, and the others hear of it each at a time of its own. */
  leave(name: string): void {
    const gone = this.#ends.get(name);
    this.#ends.delete(name);
    this.#drop(({ actorPid }) => isOf(actorPid, gone?.node));
    for (const other of this.#ends.keys()) this.#lose(name, other, gone);
  }

  /** At `there` it becomes known, at some time, that the connection with `here` is lost. */
  #lose(here: string, there: string, from = this.#ends.get(here)): void {
    const end = this.#ends.get(there);
    const peer = end?.peers.get(here);
    if (from === undefined || end === undefined || peer === undefined || peer.isOver) return;
    const arrive = (): void => {
      this.#use(there, here, "write");
      if (peer.isOver) return;
      // What had not arrived by then never will.
      this.#drop(
        ({ senderPid, actorPid }) =>
          senderPid !== undefined && isOf(senderPid, from.node) && isOf(actorPid, end.node),
      );
      peer.lost();
    };
    const describe = (): string => `the connection with ${here} is lost`;
    offerCarried(end.node, from.node.pid, end.node.pid, {
      kind: "other",
      content: ["lost", here],
      describe,
      arrive,
    });
  }

  #connect(here: string, there: string): Peer | undefined {
    const ours = this.#ends.get(here);
    const theirs = this.#ends.get(there);
    // Whoever makes the first connection makes the same; a later one ends what is left of those before.
    const isFirst = ours?.peers.has(there) !== true && theirs?.peers.has(here) !== true;
    this.#use(here, there, isFirst ? "read" : "write");
    this.#use(there, here, isFirst ? "read" : "write");
    if (ours === undefined || theirs === undefined) return undefined;
    const isCut = this.#cuts.has(`${here}→${there}`) || this.#cuts.has(`${there}→${here}`);
    if (isCut && this.#kernel.options.profile === "erlDist") return undefined;
    const own = this.#open(ours, theirs);
    const other = this.#open(theirs, ours);
    own.up(theirs.node.incarnation);
    other.up(ours.node.incarnation);
    return own;
  }

  #open(here: End, there: End): Peer {
    const peer = here.gateway.open(there.node.name, (signal) => this.#carry(here, there, signal));
    here.peers.set(there.node.name, peer);
    return peer;
  }

  #carry(here: End, there: End, signal: RemoteSignal): void {
    const [from, to] = this.#pair(here, there, signal);
    const cut = this.#cuts.has(`${here.node.name}→${there.node.name}`);
    if (cut && this.#kernel.options.profile === "datagram" && kindOf(signal) === "message") return;
    const peer = there.peers.get(here.node.name);
    this.#use(here.node.name, there.node.name, "read");
    // The other side knows already that the connection is lost: what is sent counts, and is lost.
    const isLost = peer === undefined || peer.isOver;
    const before = isLost ? new Set(this.#kernel.agenda.ready.signals()) : undefined;
    offerCarried(there.node, from, to, {
      kind: kindOf(signal),
      content: signal,
      describe: () => describeRemote(signal),
      arrive: () => {
        this.#use(there.node.name, here.node.name, "read");
        peer?.arrive(signal);
      },
    });
    if (before !== undefined) this.#drop((each) => !before.has(each));
  }

  /**
   * What one of two nodes holds their connection for decides what becomes of all that it sends to the
   * other, and of what arrives from there: that depends on its loss, and not on one another.
   */
  #use(at: string, other: string, mode: "read" | "write"): void {
    const { keySpace } = this.#kernel;
    this.#kernel.access(keySpace.access(`connection:${at}→${other}`, mode));
  }

  /** On whose channel it travels. */
  #pair(here: End, there: End, signal: RemoteSignal): [from: AnyPid, to: AnyPid] {
    switch (signal.type) {
      case "named":
        return [signal.from, there.node.pid];
      case "alias":
      case "refusal":
        return [signal.from, signal.ref.owner];
      case "monitor": {
        const target = typeof signal.target === "string" ? there.node.pid : signal.target;
        here.monitored.set(signal.ref.serial, target);
        return [signal.from, target];
      }
      case "demonitor": {
        const target = here.monitored.get(signal.ref.serial) ?? there.node.pid;
        here.monitored.delete(signal.ref.serial);
        return [signal.ref.owner, target];
      }
      case "down": {
        const { target, to } = signal;
        return [typeof target === "string" ? here.node.pid : target, to];
      }
      default:
        return [signal.from, signal.to];
    }
  }

  #drop(isLost: (signal: Happening) => boolean): void {
    for (const signal of [...this.#kernel.agenda.ready.signals()]) {
      if (isLost(signal)) this.#kernel.agenda.drop(signal);
    }
  }
}

function isOf(pid: AnyPid, node: Node | undefined): boolean {
  return pid.node === node?.name && pid.incarnation === node.incarnation;
}

function kindOf({ type }: RemoteSignal): "message" | "monitor" | "other" {
  if (type === "monitor") return type;
  const isMessage =
    type === "message" || type === "named" || type === "alias" || type === "refusal";
  return isMessage ? "message" : "other";
}

function describeRemote(signal: RemoteSignal): string {
  switch (signal.type) {
    case "message":
    case "named":
    case "alias":
      return `message ${formatTerm(signal.message)}`;
    case "refusal":
      return `refusal ${formatTerm(signal.error)}`;
    case "exit":
    case "link-exit":
    case "down":
      return `${signal.type} ${formatReason(signal.reason)}`;
    default:
      return signal.type;
  }
}

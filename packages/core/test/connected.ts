/** Nodes in one realm with a connection that a test holds in its hands: signals queue, and arrive when it says so. */
import {
  connectRouter,
  isPid,
  isRef,
  type AnyPid,
  type Gateway,
  type Node,
  type Peer,
  type RemoteSignal,
} from "@coppice/core";

/** A value as the other node knows it: its pids and references are found by their numbers. */
function carry(value: unknown, from: Gateway, to: Gateway): unknown {
  if (isPid(value)) {
    from.export(value);
    return to.pid(value.node, value.incarnation, value.serial);
  }
  if (isRef(value)) {
    from.export(value);
    return to.ref(carry(value.owner, from, to) as AnyPid, value.serial);
  }
  if (Array.isArray(value)) return value.map((part) => carry(part, from, to));
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, carry(part, from, to)]),
  );
}

interface End {
  readonly node: Node;
  readonly gateway: Gateway;
  peer: Peer | undefined;
}

export interface Connected {
  readonly a: Gateway;
  readonly b: Gateway;
  /** What is on its way to `a` and to `b`, oldest first. */
  readonly toA: RemoteSignal[];
  readonly toB: RemoteSignal[];
  /** How often somebody asked for a connection. */
  readonly asked: number;
  /** The connection is there; what was said to begin it is on its way. */
  up(): void;
  /** Lets all arrive, and what comes of it, one by one, the sides in turns. */
  flow(): void;
  /** The connection is lost, with what is on its way. */
  cut(): void;
}

/** Connects two nodes; by default at once, and again when it is needed. */
export function connect(a: Node, b: Node, options: { readonly auto?: boolean } = {}): Connected {
  const { auto = true } = options;
  let asked = 0;
  const toA: RemoteSignal[] = [];
  const toB: RemoteSignal[] = [];
  const router = {
    connect: (): Peer | undefined => {
      asked++;
      return undefined;
    },
  };
  const ends: [End, End] = [
    { node: a, gateway: connectRouter(a, router), peer: undefined },
    { node: b, gateway: connectRouter(b, router), peer: undefined },
  ];
  const [endA, endB] = ends;
  const open = (here: End, there: End, queue: RemoteSignal[]): Peer =>
    (here.peer = here.gateway.open(there.node.name, (signal) => {
      queue.push(carry({ ...signal }, here.gateway, there.gateway) as RemoteSignal);
    }));
  const up = (): void => {
    const [peerA, peerB] = [open(endA, endB, toB), open(endB, endA, toA)];
    peerA.up(b.incarnation);
    peerB.up(a.incarnation);
  };
  if (auto) up();
  return {
    a: endA.gateway,
    b: endB.gateway,
    toA,
    toB,
    get asked() {
      return asked;
    },
    up,
    flow: () => {
      while (toA.length + toB.length > 0) {
        const forB = toB.shift();
        if (forB !== undefined) endB.peer?.arrive(forB);
        const forA = toA.shift();
        if (forA !== undefined) endA.peer?.arrive(forA);
      }
    },
    cut: () => {
      toA.length = toB.length = 0;
      endA.peer?.lost();
      endB.peer?.lost();
    },
  };
}

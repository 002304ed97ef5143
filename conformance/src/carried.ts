/**
 * Two nodes whose signals to each other wait for a scheduler that decides, as those within a node do: each
 * pair keeps its order, and nothing else is promised.
 */
import {
  connectRouter,
  offerCarried,
  type AnyPid,
  type Gateway,
  type Node,
  type Peer,
  type RemoteSignal,
} from "@coppice/core";

export function carryBetween(a: Node, b: Node): void {
  const router = { connect: (): undefined => undefined };
  const [atA, atB] = [connectRouter(a, router), connectRouter(b, router)];
  const peerA: Peer = open(atA, a, b, () => peerB);
  const peerB: Peer = open(atB, b, a, () => peerA);
  peerA.up(b.incarnation);
  peerB.up(a.incarnation);
}

function open(gateway: Gateway, here: Node, there: Node, other: () => Peer): Peer {
  /** Whom each monitor of this node is of, by the number of its reference. */
  const monitored = new Map<number, AnyPid>();
  return gateway.open(there.name, (signal) => {
    const [from, to] = pairOf(signal, here.pid, there.pid, monitored);
    offerCarried(there, from, to, {
      kind: signal.type === "monitor" ? "monitor" : isMessage(signal) ? "message" : "other",
      content: signal,
      describe: () => signal.type,
      arrive: () => other().arrive(signal),
    });
  });
}

/** Between whom it keeps its order: what is by name is with the node itself. */
function pairOf(
  signal: RemoteSignal,
  here: AnyPid,
  there: AnyPid,
  monitored: Map<number, AnyPid>,
): readonly [from: AnyPid, to: AnyPid] {
  switch (signal.type) {
    case "named":
      return [signal.from, there];
    case "alias":
    case "refusal":
      return [signal.from, signal.ref.owner];
    case "monitor": {
      const target = typeof signal.target === "string" ? there : signal.target;
      monitored.set(signal.ref.serial, target);
      return [signal.from, target];
    }
    case "demonitor":
      return [signal.ref.owner, monitored.get(signal.ref.serial) ?? there];
    case "down":
      return [typeof signal.target === "string" ? here : signal.target, signal.to];
    default:
      return [signal.from, signal.to];
  }
}

function isMessage({ type }: RemoteSignal): boolean {
  return type === "message" || type === "named" || type === "alias" || type === "refusal";
}

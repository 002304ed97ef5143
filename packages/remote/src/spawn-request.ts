/** A peer asks for a process: it is started, or refused, and the peer is told. */
import type { AnyPid, Gateway, Node } from "@coppice/core";
import type { SpawnServer, SpawnsFor } from "./behaviours.js";
import type { Codec } from "./codec.js";
import type { Connection } from "./connection.js";
import type { SessionPeer } from "./connection-options.js";
import type { RemotePeer } from "./remote-peer.js";
import { UnsendableTermError } from "./term.js";
import type { WireSignal } from "./wire-signal.js";

/** Who asks, and over what. */
export interface Requester {
  readonly connection: Connection;
  readonly peer: SessionPeer;
  readonly remote: RemotePeer;
  readonly spawns: SpawnsFor;
  /** It may address the process from now on. */
  readonly exported: (pid: AnyPid) => void;
}

export async function answerSpawn(
  node: Node,
  gateway: Gateway,
  server: SpawnServer,
  { connection, peer, remote, spawns, exported }: Requester,
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
  const requester = gateway.pid(peer.node.name, peer.node.incarnation, from);
  const parent = link ? requester : undefined;
  const requested = { name, args, timeoutMs, peer: who, parent };
  const outcome = await server.start(requested, spawns);
  const started = outcome.pid;
  if (connection.isDown) {
    // Nobody is left who would know of it. With a link it would have ended.
    if (started !== undefined && link) node.exit(started, "noconnection");
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
  gateway.export(pid);
  exported(pid);
  const unsendable = info === undefined ? undefined : reasonAgainst(connection.codec, { info });
  // It runs, and nobody here waits for what it says of itself: the node is told that it does not arrive.
  if (unsendable !== undefined) gateway.unsendable(requester, { info }, pid, unsendable);
  say(pid.serial, info === undefined || unsendable !== undefined ? {} : { info });
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

/** Why it cannot be told as it is. What stands for an end that cannot would say nothing of it. */
function reasonAgainst(codec: Codec, told: unknown): unknown {
  const { maxReasonBytes } = codec.limits;
  try {
    const { length } = codec.encode(told, "reply");
    if (length <= maxReasonBytes) return undefined;
    return new UnsendableTermError("reply.info", `more than ${maxReasonBytes} bytes long`);
  } catch (error) {
    return error;
  }
}

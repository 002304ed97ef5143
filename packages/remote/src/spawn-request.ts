/** A peer asks for a process: it is started, or refused, and the peer is told. */
import { errorText, type AnyPid, type Gateway, type Node } from "@coppice/core";
import type { Codec } from "./codec.js";
import type { Connection } from "./connection.js";
import type { SessionPeer } from "./connection-options.js";
import { UnreadableError } from "./errors.js";
import { labelToShow } from "./label.js";
import type { RemotePeer } from "./remote-peer.js";
import type { SpawnServer, SpawnsFor, StartOutcome } from "./spawn-server.js";
import { UnsendableTermError } from "./term.js";
import { CLOSE_CODES, type WireSignal } from "./wire-signal.js";

/** So many characters are told of why an info could not be sent: there are nodes that take 1 KiB. */
const MOST_SAID = 200;

/** Who asks, and over what. */
export interface Requester {
  readonly connection: Connection;
  readonly peer: SessionPeer;
  readonly remote: RemotePeer;
  readonly spawns: SpawnsFor;
  /** The numbers of its requests that were not answered yet. */
  readonly running: Set<number>;
  /** It may address the process from now on. */
  readonly exported: (pid: AnyPid) => void;
  /** It asked for what it may not have. */
  readonly denied: (what: string) => void;
}

export async function answerSpawn(
  node: Node,
  gateway: Gateway,
  server: SpawnServer,
  { connection, peer, remote, spawns, running, exported, denied }: Requester,
  signal: Extract<WireSignal, { op: "spawn" }>,
): Promise<void> {
  const { name, request, from } = signal;
  if (running.has(request)) {
    // Which of the two an answer is for, nobody could tell.
    connection.close(CLOSE_CODES.PROTOCOL, "a start with the number of one that goes on");
    return;
  }
  running.add(request);
  let args: unknown;
  try {
    args = connection.codec.decode(signal.payload);
  } catch (error) {
    // In place of the arguments: it is what the refusal says.
    args = new UnreadableError("request", node.name, errorText(error, { most: MOST_SAID }));
  }
  const { startTimeoutMs, link = false, monitor: ref, label, unwindMs } = signal.options;
  const { role } = peer;
  const who = { name: peer.node.name, role };
  const requester = gateway.pid(peer.node.name, peer.node.incarnation, from);
  const parent = link || ref !== undefined ? requester : undefined;
  const options = {
    ...(startTimeoutMs !== undefined && { timeoutMs: startTimeoutMs }),
    ...(label !== undefined && { label: labelToShow(label) }),
    ...(unwindMs !== undefined && { unwindMs: unwindMs ?? Infinity }),
  };
  const answer = (outcome: StartOutcome): void => {
    running.delete(request);
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
      if (outcome.denied === true) denied(`a start of ${JSON.stringify(name)}`);
      say(null, outcome.failed);
      return;
    }
    const { pid, info, ended } = outcome;
    gateway.export(pid);
    exported(pid);
    const unsendable = info === undefined ? undefined : reasonAgainst(connection.codec, { info });
    if (unsendable === undefined) say(pid.serial, info === undefined ? {} : { info });
    else {
      // It runs: who asks is told that, and why no more; and this node, which is to blame.
      gateway.unsendable(requester, { info }, pid, unsendable);
      say(pid.serial, { lost: errorText(unsendable, { most: MOST_SAID }) });
    }
    const target = pid.serial;
    if (ended === undefined) {
      if (link) remote.core.begin({ type: "link", from: requester, to: pid });
      if (ref !== undefined) remote.incoming?.monitorStarted(ref, from, target);
      return;
    }
    if (link) connection.push(target, { op: "link-exit", from: target, to: from, payload: ended });
    if (ref !== undefined) {
      connection.push(target, { op: "down", ref, to: from, target, payload: ended });
    }
  };
  const isWanted = (): boolean => !connection.isDown;
  await server.start({ name, args, options, peer: who, parent, link, isWanted }, spawns, answer);
}

/** Why it cannot be told as it is. What stands for an end that cannot would say nothing of it. */
function reasonAgainst(codec: Codec, told: unknown): unknown {
  const { maxReasonBytes } = codec.limits;
  try {
    const { length } = codec.encode(told, "reply");
    if (length <= maxReasonBytes) return undefined;
    const what = `more than ${maxReasonBytes} bytes long`;
    return new UnsendableTermError("reply.info", what, "maxReasonBytes");
  } catch (error) {
    return error;
  }
}

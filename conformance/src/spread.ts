/**
 * Programs on two nodes: their processes take turns, and all that passes between them crosses a
 * connection. What OTP promises for processes of one node it promises across nodes too, but for what
 * belongs to a node: its names, and what can be asked of its processes alone.
 *
 * OTP: https://www.erlang.org/doc/system/distributed.html
 */
import {
  connectRouter,
  type Gateway,
  type Node,
  type Peer,
  type RemoteSignal,
} from "@coppice/core";
import type { Json, Program } from "./program.js";

/** Connects two nodes of this realm for ever. What one says arrives after the code that runs now, in order. */
export function connectNodes(a: Node, b: Node): void {
  const router = { connect: (): undefined => undefined };
  const [atA, atB] = [connectRouter(a, router), connectRouter(b, router)];
  const open = (gateway: Gateway, to: Node, other: () => Peer): Peer => {
    const queue: RemoteSignal[] = [];
    return gateway.open(to.name, (signal) => {
      if (queue.push(signal) > 1) return;
      queueMicrotask(() => {
        for (const next of queue.splice(0)) other().arrive(next);
      });
    });
  };
  const peerA: Peer = open(atA, b, () => peerB);
  const peerB: Peer = open(atB, a, () => peerA);
  peerA.up(b.incarnation);
  peerB.up(a.incarnation);
}

/** What is about a node: Erlang's answers differ for processes of another. */
const OF_ONE_NODE = new Set(["register", "unregister", "whereis", "alive", "info"]);

/**
 * Does the program mean the same when its processes are on two nodes? Not where it asks for what belongs
 * to a node; where it reads or cancels the timer of another process, or one for another, which OTP has
 * within a node alone; and where a link raises `noproc`, which across nodes comes as a signal.
 */
export function canSpread(program: Program): boolean {
  if (program.layer !== "process") return false;
  const { steps, trace } = program;
  const makers = new Map<Json | undefined, Json | undefined>();
  for (const [index, step] of steps.entries()) {
    const { op, by } = step;
    if (mentions(step as unknown as Json)) return false;
    if (op === "send_after" || op === "start_timer") {
      const isOwn = step.to === "<self>" || step.to === `<${String(by)}>`;
      makers.set(`<${String(step.as)}>`, isOwn ? by : "another");
    }
    if (op === "cancel_timer" || op === "read_timer") {
      if (makers.get(step.ref as Json) !== by) return false;
    }
    if (op === "link" && JSON.stringify(trace[index]?.r)?.includes('"noproc"')) return false;
  }
  return true;
}

function mentions(json: Json): boolean {
  if (Array.isArray(json)) return json.some(mentions);
  if (typeof json !== "object" || json === null) return false;
  return Object.entries(json).some(
    ([key, value]) =>
      (key === "op" && typeof value === "string" && OF_ONE_NODE.has(value)) ||
      mentions(value as Json),
  );
}

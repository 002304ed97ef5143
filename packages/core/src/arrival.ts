/**
 * What another node says, and what comes of it in this one.
 *
 * A peer can speak for its own processes alone: an exit by link counts only where a link with that very
 * process is, and a `down` only for a monitor that was set over this connection.
 */
import type { AnyPid, ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Reference } from "./reference.js";
import { Refusal } from "./refusal.js";
import { RemoteWatch } from "./remote-watch.js";
import type { RemoteSignal } from "./router.js";
import type { Runtime } from "./runtime.js";
import { arriveNow, MessageSignal, type Signal } from "./signal.js";
import type { Ties } from "./ties.js";

type LocalPid = ProcessId<Process>;

/**
 * A signal of the other node takes effect.
 *
 * @param ties what there is of the connection it came over
 */
export function takeEffect(node: Runtime, ties: Ties, signal: RemoteSignal): void {
  switch (signal.type) {
    case "message":
      comes(node, signal.from, signal.to, new MessageSignal(signal.message));
      return;
    case "named": {
      const holder = node.registry.find(signal.name, signal.from as LocalPid);
      const { from, message } = signal;
      if (holder !== undefined) comes(node, from, holder.pid, new MessageSignal(message));
      else node.undelivered(node.nobody, message, from, "unregistered");
      return;
    }
    case "alias":
    case "refusal": {
      const ref = signal.ref as Reference;
      const message = signal.type === "alias" ? signal.message : new Refusal(signal.error);
      comes(node, signal.from, ref.owner, { type: "alias", ref, message });
      return;
    }
    case "link": {
      const from = signal.from as LocalPid;
      ties.link(signal.to as LocalPid, from);
      comes(node, from, signal.to, { type: "link", from });
      return;
    }
    case "unlink": {
      const from = signal.from as LocalPid;
      ties.unlink(signal.to as LocalPid, from);
      comes(node, from, signal.to, { type: "unlink", from, id: signal.id });
      return;
    }
    case "unlink-ack": {
      const from = signal.from as LocalPid;
      comes(node, from, signal.to, { type: "unlink-ack", from, id: signal.id });
      const process = node.processOf(signal.to as LocalPid);
      // Who has linked again meanwhile stays linked.
      if (process?.links?.get(from) === undefined) {
        ties.unlink(signal.to as LocalPid, from);
      }
      return;
    }
    case "link-exit": {
      const from = signal.from as LocalPid;
      // Nobody but its own processes can break its links.
      if (!ties.unlink(signal.to as LocalPid, from)) return;
      comes(node, from, signal.to, { type: "link-exit", from, reason: signal.reason });
      return;
    }
    case "exit": {
      const from = signal.from as LocalPid;
      comes(node, from, signal.to, { type: "exit", from, reason: signal.reason });
      return;
    }
    case "monitor":
      monitored(node, ties, signal.from as LocalPid, signal.ref as Reference, signal.target);
      return;
    case "demonitor": {
      const watch = ties.watched.get(signal.ref.serial);
      if (watch === undefined) return;
      ties.watched.delete(signal.ref.serial);
      watch.active = false;
      comes(node, watch.ownerPid, watch.target, { type: "demonitor", watch });
      return;
    }
    case "down": {
      const watch = ties.watching.get(signal.ref.serial);
      // Only of what was asked about, and once.
      if (watch === undefined) return;
      ties.watching.delete(signal.ref.serial);
      const { reason } = signal;
      comes(node, watch.target, watch.ownerPid, { type: "down", watch, reason });
      return;
    }
    default:
      signal satisfies never;
  }
}

/** A signal has come for a process of this node. */
function comes(node: Runtime, from: AnyPid, to: AnyPid, signal: Signal): void {
  // What came to a name acts on who holds it.
  node.offers?.touch(from as LocalPid, to as LocalPid);
  arriveNow(node, from as LocalPid, to as LocalPid, signal);
}

function monitored(
  node: Runtime,
  ties: Ties,
  from: LocalPid,
  ref: Reference,
  object: AnyPid | string,
): void {
  // One number stands for one monitor.
  if (ties.watched.has(ref.serial)) return;
  const target =
    typeof object === "string"
      ? (node.registry.find(object, from)?.pid ?? node.nobody)
      : (object as LocalPid);
  const watch = new RemoteWatch(node, from, ref, target, object as LocalPid | string);
  ties.watched.set(ref.serial, watch);
  comes(node, from, target, { type: "monitor", watch });
}

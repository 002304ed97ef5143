/** From what core says between nodes to what is said on the wire. */
import type { AnyPid, Ref, RemoteSignal } from "@coppice/core";
import type { WireSignal } from "./wire-signal.js";

/** The same signal as the wire has it, its payload a term. */
export function wireOf(signal: RemoteSignal): WireSignal<unknown> {
  switch (signal.type) {
    case "message": {
      const { from, to, message } = signal;
      return { op: "send", to: to.serial, from: from.serial, payload: message };
    }
    case "named":
      return {
        op: "send-name",
        name: signal.name,
        from: signal.from.serial,
        payload: signal.message,
      };
    case "alias":
      return {
        op: "send-alias",
        ref: signal.ref.serial,
        from: signal.from.serial,
        payload: signal.message,
      };
    case "refusal":
      return {
        op: "refuse",
        ref: signal.ref.serial,
        from: signal.from.serial,
        payload: signal.error,
      };
    case "link":
      return { op: "link", from: signal.from.serial, to: signal.to.serial };
    case "unlink":
    case "unlink-ack": {
      const { type, id, from, to } = signal;
      return { op: type, id, from: from.serial, to: to.serial };
    }
    case "exit":
    case "link-exit": {
      const { type, from, to, reason } = signal;
      return { op: type, from: from.serial, to: to.serial, payload: reason };
    }
    case "monitor":
      return {
        op: "monitor",
        ref: signal.ref.serial,
        from: signal.from.serial,
        target: targetOf(signal.target),
      };
    case "demonitor":
      return { op: "demonitor", ref: signal.ref.serial };
    case "down":
      return {
        op: "down",
        ref: signal.ref.serial,
        to: signal.to.serial,
        target: targetOf(signal.target),
        payload: signal.reason,
      };
    default:
      return signal satisfies never;
  }
}

function targetOf(target: AnyPid | string): number | string {
  return typeof target === "string" ? target : target.serial;
}

/** Who says it: what one process says keeps its order. */
export function senderOf(signal: RemoteSignal): number {
  switch (signal.type) {
    case "demonitor":
      return signal.ref.owner.serial;
    default:
      return signal.from.serial;
  }
}

/** Which life of the other node it is for; `undefined` where it is for whichever there is. */
export function lifeOf(signal: RemoteSignal): number | undefined {
  switch (signal.type) {
    case "named":
      return undefined;
    case "alias":
    case "refusal":
      return ownerOf(signal.ref).incarnation;
    case "monitor":
      return typeof signal.target === "string" ? undefined : signal.target.incarnation;
    case "demonitor":
      return undefined;
    case "down":
      return signal.to.incarnation;
    default:
      return signal.to.incarnation;
  }
}

function ownerOf(ref: Ref): AnyPid {
  return ref.owner;
}

/** What of it nobody would hear of if it were dropped: the message, and for whom it was, or for which name. */
export function messageOf(
  signal: RemoteSignal,
): { readonly to: AnyPid | string; readonly message: unknown; readonly from: AnyPid } | undefined {
  switch (signal.type) {
    case "message":
      return signal;
    case "named":
      return { to: signal.name, message: signal.message, from: signal.from };
    case "alias":
      return { to: ownerOf(signal.ref), message: signal.message, from: signal.from };
    case "refusal":
      return { to: ownerOf(signal.ref), message: signal.error, from: signal.from };
    default:
      return undefined;
  }
}

/**
 * Signals: all that travels between processes, and the one way it travels.
 *
 * From one process to one other, signals arrive in the order they were sent, of whatever kind they
 * are; between different pairs nothing is promised.
 *
 * OTP: https://www.erlang.org/doc/system/ref_man_processes.html#delivery-of-signals
 */
import { admits } from "./alias.js";
import { exitSignalled } from "./exit-signal.js";
import { formatReason, formatTerm, type ExitReason } from "./exit-reason.js";
import { linkSignalled } from "./link.js";
import { deliver } from "./message.js";
import { PendingCall } from "./pending-call.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import { Refusal } from "./refusal.js";
import type { Runtime } from "./runtime.js";
import { displace, place, settleWatch, type Watch } from "./watch.js";

type LocalPid = ProcessId<Process>;

export type Signal =
  | MessageSignal
  | { readonly type: "alias"; readonly ref: Reference; readonly message: unknown }
  | { readonly type: "exit"; readonly from: LocalPid; readonly reason: ExitReason }
  | { readonly type: "link"; readonly from: LocalPid }
  | { readonly type: "unlink"; readonly from: LocalPid; readonly id: number }
  | { readonly type: "unlink-ack"; readonly from: LocalPid; readonly id: number }
  | { readonly type: "link-exit"; readonly from: LocalPid; readonly reason: ExitReason }
  | { readonly type: "monitor"; readonly watch: Watch }
  /** A monitor and a request in one, where a scheduler decides. */
  | { readonly type: "call"; readonly watch: Watch; readonly message: unknown }
  | { readonly type: "demonitor"; readonly watch: Watch }
  | { readonly type: "down"; readonly watch: Watch; readonly reason: ExitReason };

/**
 * A message under way. By a constructor, as is all that holds a message while that waits: of what is written
 * as a literal, and was seen to live long, an engine makes all that follows where it looks for garbage last,
 * and there each keeps its message when nobody waits any more.
 */
export class MessageSignal {
  readonly type = "message";
  readonly message: unknown;

  constructor(message: unknown) {
    this.message = message;
  }
}

/** Sends a signal on its way. It arrives now, or when the scheduler says so. */
export function transmit(node: Runtime, from: LocalPid, to: LocalPid, signal: Signal): void {
  if (!node.isLocal(to)) {
    if (node.gateway === undefined) answerFor(node, from, to, signal, "noconnection");
    else node.gateway.route(from, to, signal);
    return;
  }
  if (node.offers !== undefined) {
    if (from !== to || isMessage(signal)) {
      node.offers.signal(node, from, to, signal);
      return;
    }
    // What a process does to itself, such as to end itself, is done when the call returns; so is what
    // it has sent to itself before.
    for (const earlier of node.offers.takeOwn(to)) node.underway.push(from, to, earlier);
  }
  node.underway.push(from, to, signal);
  if (!node.travelling) letArrive(node);
}

function isMessage({ type }: Signal): boolean {
  return type === "message" || type === "alias";
}

function letArrive(node: Runtime): void {
  node.travelling = true;
  try {
    for (let next = node.shiftUnderway(); next !== undefined; next = node.shiftUnderway()) {
      arrive(node, next.from, next.to, next.signal);
    }
  } finally {
    node.travelling = false;
  }
}

/** A signal arrives now. What it gives rise to comes after it. */
export function arriveNow(node: Runtime, from: LocalPid, to: LocalPid, signal: Signal): void {
  if (node.travelling) {
    arrive(node, from, to, signal);
    return;
  }
  node.travelling = true;
  try {
    arrive(node, from, to, signal);
  } finally {
    letArrive(node);
  }
}

/** The signal has reached its process, or the place where that was. */
export function arrive(node: Runtime, from: LocalPid, to: LocalPid, signal: Signal): void {
  const process = ProcessId.processOf(to);
  switch (signal.type) {
    case "message":
      if (process === undefined) node.undelivered(to, signal.message, from, "dead");
      else deliver(process, signal.message, from, "message");
      return;
    case "alias": {
      const call = Reference.meaningOf(signal.ref);
      if (call instanceof PendingCall) call.reply(signal.message);
      else if (
        process !== undefined &&
        !Refusal.is(signal.message) &&
        admits(process, signal.ref)
      ) {
        deliver(process, signal.message, from, "message");
      } else node.undelivered(to, signal.message, from, "alias");
      return;
    }
    case "exit":
      if (process !== undefined) exitSignalled(process, from, signal.reason, { viaLink: false });
      return;
    case "link":
      if (process !== undefined) linkSignalled(process, signal);
      else transmit(node, to, from, { type: "link-exit", from: to, reason: "noproc" });
      return;
    case "unlink":
      if (process !== undefined) linkSignalled(process, signal);
      else transmit(node, to, from, { type: "unlink-ack", from: to, id: signal.id });
      return;
    case "unlink-ack":
    case "link-exit":
      if (process !== undefined) linkSignalled(process, signal);
      return;
    case "monitor":
      arriveWatch(node, from, to, signal.watch);
      return;
    case "call":
      arriveWatch(node, from, to, signal.watch);
      if (process === undefined) node.undelivered(to, signal.message, from, "dead");
      else deliver(process, signal.message, from, "message");
      return;
    case "demonitor":
      displace(signal.watch);
      return;
    case "down":
      // A monitor that was taken back while this was on its way stays silent.
      if (!signal.watch.active) return;
      settleWatch(signal.watch);
      signal.watch.ended(signal.reason);
      return;
    default:
      signal satisfies never;
  }
}

function arriveWatch(node: Runtime, from: LocalPid, to: LocalPid, watch: Watch): void {
  const process = ProcessId.processOf(to);
  if (process === undefined) node.offers?.watchFails(from, to);
  // One that was taken back meanwhile needs no place, and where a network repeats a call, one is enough.
  if (!watch.active || watch.placed) return;
  if (process !== undefined) place(watch, process);
  else transmit(node, to, from, { type: "down", watch, reason: "noproc" });
}

/**
 * What the sender of a signal hears when the process is out of reach: `noconnection`; or when its node
 * lives another life by now: `noproc`.
 */
export function answerFor(
  node: Runtime,
  from: LocalPid,
  to: LocalPid,
  signal: Signal,
  reason: "noconnection" | "noproc",
): void {
  switch (signal.type) {
    case "message":
    case "alias": {
      const message = Refusal.is(signal.message) ? signal.message.error : signal.message;
      node.undelivered(to, message, from, reason === "noproc" ? "dead" : "noconnection");
      return;
    }
    case "link":
      transmit(node, to, from, { type: "link-exit", from: to, reason });
      return;
    case "unlink":
      transmit(node, to, from, { type: "unlink-ack", from: to, id: signal.id });
      return;
    case "monitor":
      transmit(node, to, from, { type: "down", watch: signal.watch, reason });
      return;
    case "call":
      transmit(node, to, from, { type: "down", watch: signal.watch, reason });
      node.undelivered(to, signal.message, from, reason === "noproc" ? "dead" : "noconnection");
      return;
    case "exit":
    case "unlink-ack":
    case "link-exit":
    case "demonitor":
    case "down":
      return;
    default:
      signal satisfies never;
  }
}

/**
 * Who asks about a process hears of it as it is after what it sent to it before, as in OTP: these
 * signals arrive now. Whether it lives, only its end can change.
 */
export function settle(node: Runtime, from: LocalPid, to: LocalPid, what: "exits" | "all"): void {
  const { offers } = node;
  if (offers !== undefined && from !== to) {
    offers.settle(from, to, what);
    return;
  }
  if (offers !== undefined && what === "all") {
    for (const earlier of offers.takeOwn(to)) node.underway.push(from, to, earlier);
    if (!node.travelling) letArrive(node);
  }
  if (!node.travelling) return;
  for (const { signal } of node.underway.takePair(from, to, what)) arrive(node, from, to, signal);
}

/**
 * A process that only looks whether a message is there finds what it has sent to itself, as in OTP: where
 * a scheduler decides, such messages wait for their turn as all others do.
 */
export function settleOwn({ node, pid }: Process): void {
  if (node.offers !== undefined) settle(node, pid, pid, "all");
}

/** All that a signal carries, as data. */
export function contentOf(signal: Signal): readonly unknown[] {
  const { type } = signal;
  switch (type) {
    case "message":
    case "call":
      return [type, signal.message];
    case "alias":
      return [type, signal.ref, signal.message];
    case "exit":
    case "link-exit":
      return [type, signal.from, signal.reason];
    case "link":
      return [type, signal.from];
    case "unlink":
    case "unlink-ack":
      return [type, signal.from, signal.id];
    case "monitor":
    case "demonitor":
      return [type, signal.watch.token];
    case "down":
      return [type, signal.watch.token, signal.reason];
    default:
      return type satisfies never;
  }
}

export function describeSignal(signal: Signal): string {
  switch (signal.type) {
    case "message":
    case "alias":
    case "call":
      return `message ${formatTerm(signal.message)}`;
    case "exit":
    case "link-exit":
    case "down":
      return `${signal.type} ${formatReason(signal.reason)}`;
    default:
      return signal.type;
  }
}

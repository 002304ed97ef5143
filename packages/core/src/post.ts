/** Sending to any kind of address, and finding what a call or a monitor is aimed at. */
import type { LocalAddress } from "./address.js";
import {
  InvalidArgumentError,
  isEnd,
  NameNotRegisteredError,
  ThrownValueError,
  UnsendableReplyError,
} from "./errors.js";
import { errorText } from "./error-text.js";
import { deliver } from "./message.js";
import { isName, isRemoteName, type RemoteName } from "./name.js";
import { PendingCall } from "./pending-call.js";
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import { Refusal } from "./refusal.js";
import type { Runtime } from "./runtime.js";
import { arrive, MessageSignal, transmit, type Signal } from "./signal.js";
import { isThenable } from "./thenable.js";

type LocalPid = ProcessId<Process>;

/** Sends to any kind of address. */
export function sendFrom(
  node: Runtime,
  from: LocalPid,
  to: unknown,
  message: unknown,
  operation = "send",
): void {
  if (typeof message === "object" && message !== null) refuseThenable(message);
  // The address first: what cannot be sent is not frozen either.
  if (ProcessId.is(to)) {
    sendToPid(node, from, to as LocalPid, node.prepare(message));
  } else if (to instanceof Reference) {
    sendToAlias(node, from, to, node.prepare(message));
  } else if (isName(to)) {
    const holder = node.registry.find(to.name, from);
    if (holder === undefined) throw new NameNotRegisteredError(to.name);
    sendToPid(node, from, holder.pid, node.prepare(message));
  } else if (isRemoteName(to)) {
    sendToRemoteName(node, from, to, node.prepare(message));
  } else {
    const expected = "a pid, a name, an alias or at(node, name)";
    throw new InvalidArgumentError(`${operation}: to`, expected, to);
  }
}

/** Sends what is prepared already. */
export function sendToPid(node: Runtime, from: LocalPid, to: LocalPid, message: unknown): void {
  if (node.direct && !node.travelling) {
    const process = node.processOf(to);
    if (process !== undefined) {
      deliver(process, message, from, "message");
      return;
    }
  }
  transmit(node, from, to, new MessageSignal(message));
}

/** Sends a cast. As in OTP, it is no error when nobody is there. */
export function castFrom(
  node: Runtime,
  from: LocalPid,
  to: unknown,
  message: { readonly type: "cast"; readonly request: unknown },
): void {
  if (isName(to) && node.registry.find(to.name, from) === undefined) {
    node.undelivered(node.nobody, message, from, "unregistered");
  } else sendFrom(node, from, to, message, "cast");
}

/** Answers a call with an error; with its name and message where it cannot be sent as it is. */
export function refuseFrom(node: Runtime, from: LocalPid, ref: Reference, error: unknown): void {
  if (!(ref instanceof Reference)) {
    throw new InvalidArgumentError("refuse: from", "the from of a call", ref);
  }
  try {
    sendToAlias(node, from, ref, new Refusal(node.prepare(error)));
  } catch (failure) {
    // A getter in what is sent may have ended the process.
    if (isEnd(failure)) throw failure;
    const text = errorText(error, { named: true });
    sendToAlias(node, from, ref, new Refusal(new ThrownValueError(text)));
  }
}

/**
 * Answers a call. As in OTP that never fails: who asks must not end who answers by it. What cannot be sent is
 * the caller's error, and is told here, where the mistake is.
 */
export function replyFrom(node: Runtime, from: LocalPid, ref: Reference, value: unknown): void {
  if (!(ref instanceof Reference)) {
    throw new InvalidArgumentError("reply: from", "the from of a call", ref);
  }
  let isPromised = false;
  try {
    isPromised = isThenable(value);
    if (!isPromised) sendToAlias(node, from, ref, node.prepare(value));
  } catch (error) {
    if (isEnd(error)) throw error;
    node.undelivered(ref.owner, value, from, "unsendable", error);
    refuseFrom(node, from, ref, new UnsendableReplyError(from, errorText(error)));
  }
  if (isPromised) throw thenableError("reply: value", value);
}

function sendToAlias(node: Runtime, from: LocalPid, ref: Reference, message: unknown): void {
  const meaning = node.direct && !node.travelling ? Reference.meaningOf(ref) : undefined;
  if (meaning instanceof PendingCall && meaning.runtime === node) meaning.reply(message);
  else transmit(node, from, ref.owner as LocalPid, { type: "alias", ref, message });
}

function sendToRemoteName(
  node: Runtime,
  from: LocalPid,
  to: RemoteName<never>,
  message: unknown,
): void {
  if (to.node !== node.name) {
    transmit(node, from, node.elsewhere(to.node, to.name), new MessageSignal(message));
    return;
  }
  const holder = node.registry.find(to.name, from);
  if (holder !== undefined) sendToPid(node, from, holder.pid, message);
  else node.undelivered(node.nobody, message, from, "unregistered");
}

/**
 * The process a target stands for; `undefined` for a name that nobody holds.
 *
 * @throws InvalidArgumentError it is no target of `operation`
 */
export function resolveTarget(
  node: Runtime,
  operation: string,
  to: unknown,
  by: LocalPid,
): LocalPid | undefined {
  if (ProcessId.is(to)) return to as LocalPid;
  if (isName(to)) return node.registry.find(to.name, by)?.pid;
  if (isRemoteName(to)) {
    if (to.node !== node.name) return node.elsewhere(to.node, to.name);
    return node.registry.find(to.name, by)?.pid;
  }
  throw new InvalidArgumentError(`${operation}: target`, "a pid, a name or at(node, name)", to);
}

/** A timer's message goes out; a name is looked up now, and nobody there is no error. */
export function timerFired(
  node: Runtime,
  from: LocalPid,
  to: LocalAddress,
  message: unknown,
): void {
  if (isName(to)) {
    const holder = node.registry.find(to.name, from);
    if (holder === undefined) node.undelivered(node.nobody, message, from, "unregistered");
    else {
      node.offers?.touch(from, holder.pid);
      arrive(node, from, holder.pid, new MessageSignal(message));
    }
  } else if (isRemoteName(to)) {
    sendToRemoteName(node, from, to, message);
  } else {
    const [pid, signal]: [LocalPid, Signal] =
      to instanceof Reference
        ? [to.owner as LocalPid, { type: "alias", ref: to, message }]
        : [to as LocalPid, new MessageSignal(message)];
    // A timer is what happens already; to another node it travels like all else.
    if (node.isLocal(pid)) {
      node.offers?.touch(from, pid);
      arrive(node, from, pid, signal);
    } else transmit(node, from, pid, signal);
  }
}

/** Whom an address stands for, to be named to people. */
export function placeOf(node: Runtime, to: LocalAddress, by: LocalPid): LocalPid {
  const pid =
    to instanceof Reference ? (to.owner as LocalPid) : resolveTarget(node, "send", to, by);
  return pid ?? node.nobody;
}

/** A promise as message is a forgotten await, and `receive` would resolve to what it resolves to. */
export function refuseThenable(message: object): void {
  if (isThenable(message)) throw thenableError("send: message", message);
}

function thenableError(argument: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(argument, "plain data, not a promise; await it first", value);
}

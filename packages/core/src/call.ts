/**
 * Calls: a request and its reply.
 *
 * A call watches the server and gives it a one-shot alias to reply to. The reply is matched by that
 * reference; the mailbox is never searched, and a late reply finds nobody.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#call-3
 */
import { checkSignal, type AbortSignalLike } from "./abort-signal.js";
import { cycleError, findCycle, noteChain } from "./call-cycle.js";
import { checkKeys } from "./check.js";
import { InvalidArgumentError, NoProcessError } from "./errors.js";
import { formatServer, PendingCall } from "./pending-call.js";
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { sendToPid } from "./post.js";
import type { From } from "./reference.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import { transmit } from "./signal.js";
import { holdByOwner } from "./watch.js";
import { watch } from "./watching.js";

/** A request that expects a reply, as it arrives in the mailbox. Answer with `self.reply(from, value)`. */
export interface Call<Q, R> {
  readonly type: "call";
  readonly request: Q;
  readonly from: From<R>;
}

/** A request that expects no reply, as it arrives in the mailbox; see `cast`. */
export interface Cast<Q> {
  readonly type: "cast";
  readonly request: Q;
}

/** The requests that a process with inbox `M` takes without answering. */
export type CastOf<M> = M extends Cast<infer Q> ? Q : never;

/** The requests that a process with inbox `M` answers. */
export type RequestOf<M> = M extends Call<infer Q, infer _R> ? Q : never;

/** What it answers to a request of type `Q`. */
export type ReplyOf<M, Q> = M extends Call<infer P, infer R> ? (Q extends P ? R : never) : never;

export interface CallOptions {
  /** How long to wait for the reply; 5000 by default, `Infinity` to wait for ever. */
  readonly timeoutMs?: number;
  /** Gives up when it aborts: the call rejects with its reason, and a reply that comes later is dropped. */
  readonly signal?: AbortSignalLike;
}

/** Calls `target`, which the caller addressed as `server`, on behalf of `caller` (or of nobody). */
export function call(
  node: Runtime,
  caller: Process | undefined,
  target: ProcessId<Process> | undefined,
  server: unknown,
  request: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  if (options !== undefined) checkOptions(options);
  if (options?.signal?.aborted) return refuse(node, caller, options.signal.reason);
  if (target === undefined || isGone(node, caller, target)) {
    return refuse(node, caller, new NoProcessError(formatServer(server)));
  }
  // Whoever may give up a call at any time may go on to other things, such as answering.
  const waits = caller !== undefined && options?.signal === undefined;
  if (waits) {
    // What is found depends on who waits for whom from the target on, also where that is no round.
    if (node.offers !== undefined) noteChain(node, caller, target);
    const cycle = findCycle(caller, target);
    if (cycle !== undefined) return refuse(node, caller, cycleError(cycle));
  }
  // Before anything is set up: a request that cannot be sent leaves nothing behind.
  const sent = node.prepare(request);
  let resolve!: (reply: unknown) => void;
  const promise = new Promise<unknown>((settle) => (resolve = settle));
  const pending = new PendingCall(node, caller, target, server, request, resolve);
  const isPoll = options?.timeoutMs === 0;
  pending.bind(promise, isPoll ? { ...options, timeoutMs: Infinity } : options);
  const decided = node.offers !== undefined;
  if (decided) holdByOwner(pending);
  else watch(pending);
  if (pending.active) {
    pending.sent = true;
    if (caller !== undefined) {
      caller.noteWaiting();
      caller.awaiting = waits ? pending : undefined;
    }
    const message = { type: "call", request: sent, from: pending.ref };
    const { ownerPid } = pending;
    try {
      // One thing that could happen, not two.
      if (decided) transmit(node, ownerPid, target, { type: "call", watch: pending, message });
      else sendToPid(node, ownerPid, target, message);
    } catch (error) {
      // What goes to another node is encoded now, and not everything can be.
      pending.withdraw();
      throw error;
    }
    if (decided && waits) node.access(ownerPid, "waits", ownerPid, "write");
    // As `receive after 0`: not a timer.
    if (isPoll && pending.active) pending.timedOut(0);
  }
  return promise;
}

/** Through the turn: who tries again and again must not hold the event loop. */
function refuse(node: Runtime, caller: Process | undefined, error: unknown): Promise<never> {
  return new Promise((resolve) => {
    node.turn.resume(caller, resolve as () => void, rejection(error));
  });
}

/** It is of this node and not alive: what it is asked will not be answered. */
function isGone(node: Runtime, caller: Process | undefined, target: ProcessId<Process>): boolean {
  if (!node.isLocal(target)) return false;
  node.access(caller?.pid ?? node.pid, "alive", target, "read");
  return node.processOf(target)?.life !== "alive";
}

const OPTIONS: readonly string[] = ["timeoutMs", "signal"];

function checkOptions(options: CallOptions): void {
  checkKeys("call: options", options, OPTIONS);
  const { timeoutMs, signal } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new InvalidArgumentError("call: options.timeoutMs", "a number of at least 0", timeoutMs);
  }
  checkSignal("call: options.signal", signal);
}

/**
 * Calls: a request and its reply.
 *
 * A call watches the server and gives it a one-shot alias to reply to. The reply is matched by that
 * reference; the mailbox is never searched, and a late reply finds nobody.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#call-3
 */
import { checkSignal, type AbortSignalLike } from "./abort-signal.js";
import { checkKeys } from "./check.js";
import {
  CallCycleError,
  CallTimeoutError,
  InvalidArgumentError,
  NoProcessError,
  ServerExitError,
} from "./errors.js";
import type { ExitReason } from "./exit-reason.js";
import { formatTerm } from "./exit-reason.js";
import { isName } from "./name.js";
import { formatPid, ProcessId, type AnyPid } from "./pid.js";
import type { Process } from "./process.js";
import { Reference, type From } from "./reference.js";
import { sendToPid } from "./post.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import { stackless } from "./stackless.js";
import { Deadline } from "./timer-queue.js";
import { transmit } from "./signal.js";
import { holdByOwner, Watch } from "./watch.js";
import { unwatch, watch } from "./watching.js";

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

/** In place of a reply: the call fails with this error. */
export class Refusal {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  get error(): unknown {
    return this.#error;
  }

  /** Asks nothing of what it is given: a reply may be a proxy, which may throw by `instanceof`. */
  static is(value: unknown): value is Refusal {
    return typeof value === "object" && value !== null && #error in value;
  }
}

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

/** How long a call waits when nothing else is said, as in OTP. */
export const DEFAULT_CALL_TIMEOUT_MS = 5_000;

class CallLimit extends Deadline {
  readonly #call: PendingCall;
  readonly #timeoutMs: number;

  constructor(call: PendingCall, timeoutMs: number) {
    super();
    this.#call = call;
    this.#timeoutMs = timeoutMs;
  }

  override fire(): void {
    this.#call.timedOut(this.#timeoutMs);
  }
}

/** A call that waits for its reply: what the caller's one-shot alias stands for. */
export class PendingCall extends Watch {
  override get isCall(): boolean {
    return true;
  }
  // As in `Watch`, and no private names: V8 is as slow with them.
  declare readonly ref: Reference;
  declare readonly server: unknown;
  declare readonly request: unknown;
  declare readonly resolve: (reply: unknown) => void;
  declare limit: CallLimit | undefined;
  /** The request is on its way. */
  declare sent: boolean;
  declare timeoutMs: number;
  declare ignoreSignal: (() => void) | undefined;
  declare promise: Promise<unknown> | undefined;

  constructor(
    node: Runtime,
    caller: Process | undefined,
    target: ProcessId<Process>,
    server: unknown,
    request: unknown,
    resolve: (reply: unknown) => void,
  ) {
    super(node, caller, target);
    this.server = server;
    this.request = request;
    this.resolve = resolve;
    this.limit = undefined;
    this.sent = false;
    this.timeoutMs = Infinity;
    this.ignoreSignal = undefined;
    this.promise = undefined;
    this.ref = new Reference(this.ownerPid, node.nextSerial(), this);
    if (caller !== undefined) caller.calls++;
  }

  bind(promise: Promise<unknown>, options: CallOptions | undefined): void {
    this.promise = promise;
    const timeoutMs = options?.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
    const signal = options?.signal;
    if (timeoutMs < Infinity) {
      this.timeoutMs = timeoutMs;
      const { callLimits } = this.runtime;
      if (callLimits === undefined) this.startLimit();
      else callLimits.add(this);
    }
    if (signal !== undefined) this.#abortWith(signal);
  }

  startLimit(): void {
    this.limit = new CallLimit(this, this.timeoutMs);
    this.runtime.timers.arm(this.limit, this.timeoutMs, this.owner);
  }

  #abortWith(signal: AbortSignalLike): void {
    const aborted = (): void => {
      if (this.active) this.#fail(signal.reason);
    };
    const ignore = (): void => signal.removeEventListener("abort", aborted);
    signal.addEventListener("abort", aborted);
    // By its name, so that V8 does not count it among what lasts: see `#makeDrain` in turn.ts.
    this.ignoreSignal = ignore;
  }

  reply(value: unknown): void {
    this.#end();
    const outcome = Refusal.is(value) ? rejection(value.error) : value;
    this.#settle(outcome);
  }

  override ended(reason: ExitReason): void {
    this.#release();
    this.#settleWith(() => this.whenEnded(reason));
  }

  /** What comes of it when the server has ended. */
  protected whenEnded(reason: ExitReason): unknown {
    const server = show(this.server);
    const request = formatTerm(this.request, 80);
    const make = (): Error =>
      reason === "noproc"
        ? new NoProcessError(server)
        : new ServerExitError(server, request, reason);
    // Before it is sent, the code that calls is on the stack.
    return rejection(this.sent ? stackless(make) : make());
  }

  timedOut(timeoutMs: number): void {
    this.limit = undefined;
    this.#end();
    this.#settleWith(() => this.whenTimedOut(timeoutMs));
  }

  /** What comes of it when its time is over. */
  protected whenTimedOut(timeoutMs: number): unknown {
    const server = show(this.server);
    const request = formatTerm(this.request, 80);
    return rejection(stackless(() => new CallTimeoutError(server, request, timeoutMs)));
  }

  override get wireRef(): Reference {
    return this.ref;
  }

  override abandon(): void {
    // The caller has ended; if its code does not wait for this call, nobody is to blame for that.
    this.promise?.catch(() => undefined);
    const { owner } = this;
    this.#fail(owner === undefined ? new NoProcessError("the caller") : owner.exitSignal());
  }

  /** It was not sent after all: nobody hears of it any more. */
  withdraw(): void {
    this.#end();
  }

  #fail(error: unknown): void {
    this.#end();
    this.#settle(rejection(error));
  }

  #settle(outcome: unknown): void {
    this.runtime.turn.resume(this.owner, this.resolve, outcome, this.promise);
  }

  /** The outcome is made when the caller goes on: of thousands that fail at once each has its turn. */
  #settleWith(outcome: () => unknown): void {
    const { owner } = this;
    const resolve = (exit: unknown): void => this.resolve(exit === undefined ? outcome() : exit);
    this.runtime.turn.resume(owner, resolve, undefined, this.promise);
  }

  #end(): void {
    unwatch(this);
    this.#release();
  }

  #release(): void {
    Reference.retire(this.ref);
    const { owner } = this;
    if (owner !== undefined) {
      owner.calls--;
      if (owner.awaiting === this) {
        owner.awaiting = undefined;
        owner.node.access(owner.pid, "waits", owner.pid, "write");
      }
    }
    if (this.limit !== undefined) this.runtime.timers.disarm(this.limit);
    if (this.ignoreSignal !== undefined) this.ignoreSignal();
  }
}

function show(server: unknown): string {
  return isName(server) ? `"${server.name}"` : String(server);
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
    return refuse(node, caller, new NoProcessError(show(server)));
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
    if (caller !== undefined) caller.awaiting = waits ? pending : undefined;
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

/** Who would wait for whom, from the caller on; `undefined` when the chain does not lead back to it. */
function findCycle(caller: Process, target: ProcessId<Process>): Process[] | undefined {
  let process = ProcessId.processOf(target);
  // Nearly always: one that waits for nobody.
  if (process !== caller && (process === undefined || !isBlocked(process))) return undefined;
  const path = new Set([caller]);
  while (process !== undefined && process !== caller) {
    // One that waits for nobody will answer; a round without the caller is not its to refuse.
    if (path.has(process) || !isBlocked(process)) return undefined;
    path.add(process);
    process = ProcessId.processOf((process.awaiting as Watch).target);
  }
  return process === undefined ? undefined : [...path];
}

/** Tells whom the search for a round looks at: the target, and who it waits for, as far as that goes. */
function noteChain(node: Runtime, caller: Process, target: ProcessId<Process>): void {
  node.access(caller.pid, "waits", target, "read");
  let process = ProcessId.processOf(target);
  // Nearly always: one that waits for nobody.
  if (process === undefined || !isBlocked(process)) return;
  const chain = new Set([target]);
  while (process !== undefined && isBlocked(process)) {
    const next: ProcessId<Process> = (process.awaiting as Watch).target;
    if (chain.has(next)) return;
    chain.add(next);
    node.access(caller.pid, "waits", next, "read");
    process = ProcessId.processOf(next);
  }
}

/**
 * It waits for a reply and for nothing else. What counts is its latest wait: of a call that it made
 * before that the runtime cannot know whether it is awaited, and refusing what would be answered is
 * worse than a timeout.
 */
function isBlocked(process: Process): boolean {
  return (
    process.awaiting !== undefined &&
    process.wake === undefined &&
    (process.extra?.waits?.size ?? 0) === 0 &&
    (process.handler === undefined || process.busy)
  );
}

function cycleError(path: Process[]): CallCycleError {
  const round = [...path, path[0] as Process];
  return new CallCycleError(
    round.map((process): AnyPid => process.pid),
    round.map(
      (process) => process.registeredName ?? process.extra?.label ?? formatPid(process.pid),
    ),
  );
}

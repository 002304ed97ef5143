/** A call that waits for its reply, and what comes of it: the reply, an error, or nothing any more. */
import type { AbortSignalLike } from "./abort-signal.js";
import type { CallOptions } from "./call.js";
import { CallTimeoutError, NoProcessError, ServerExitError } from "./errors.js";
import { formatTerm, type ExitReason } from "./exit-reason.js";
import { isName } from "./name.js";
import type { ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import { Reference } from "./reference.js";
import { Refusal } from "./refusal.js";
import { rejection } from "./rejection.js";
import type { Runtime } from "./runtime.js";
import { stackless } from "./stackless.js";
import { Deadline } from "./timer-queue.js";
import { Watch } from "./watch.js";
import { unwatch } from "./watching.js";

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
    const server = formatServer(this.server);
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
    const server = formatServer(this.server);
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

/** The server as errors call it. */
export function formatServer(server: unknown): string {
  return isName(server) ? `"${server.name}"` : String(server);
}

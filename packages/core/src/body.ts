/** What a process runs: an async function, or a handler that the scheduler calls for each message. */
import type { ErasedProgram } from "./erased.js";
import type { ExitReason } from "./exit-reason.js";
import type { From } from "./reference.js";
import type { Self } from "./self.js";

/**
 * The code of a process as one function. It ends, and the process with it, when it returns.
 *
 * @typeParam M what the process understands
 */
export type Body<M, A extends readonly unknown[] = []> = (
  self: Self<M>,
  ...args: A
) => PromiseLike<void> | void;

/** What a handler may use besides what any process may. `receive` only within an async step. */
export interface HandlerSelf<in out M> extends Self<M> {
  /** Who waits for the reply, while a step handles a `Call`; else `undefined`. */
  readonly from: From<never> | undefined;

  /**
   * From now on the handler is called with those messages only that `guard` accepts; the others stay
   * in the mailbox, in order, until this is said otherwise. Without a guard all are accepted.
   *
   * An error of the guard is a crash. A guard has to answer alike and change nothing: it is asked when
   * the message arrives, and again when it is its turn.
   */
  select(guard?: (message: M) => boolean): void;

  /**
   * Says which message this step works on from now on, when that is not the one it was called with, but
   * one that it had kept: `from` is that of this message, and a crash report names it.
   */
  workOn(message: unknown): void;

  /** Says that it has no use for a message it was called with: that is counted and told as `undelivered`. */
  unhandled(message: unknown): void;

  /**
   * Asks to be called with `idle` when no message is taken for `ms` milliseconds from now; with 0, as
   * soon as no message is there to be taken. Whatever message is taken first ends it, as does asking
   * again; `Infinity` only ends it. OTP's `receive … after`.
   *
   * @throws InvalidArgumentError `ms` is negative or no number
   */
  idleAfter(ms: number): void;
}

/**
 * The code of a process as a function of state and message, called synchronously by the scheduler:
 * no promise is made for a message unless the handler returns one. It takes one message at a time,
 * in order of arrival, and ends by `self.exit(reason)` or an error.
 */
export interface Handler<M, S, A extends readonly unknown[] = []> {
  // Properties, not methods, for the compiler: of a method it would let a parameter promise more.
  /** Returns the first state. */
  readonly init: (self: HandlerSelf<M>, ...args: A) => S | PromiseLike<S>;
  /** Returns the next state. */
  readonly message: (state: S, message: M, self: HandlerSelf<M>) => S | PromiseLike<S>;
  /** What `idleAfter` asked for. Returns the next state. */
  readonly idle?: (state: S, self: HandlerSelf<M>) => S | PromiseLike<S>;
  /**
   * A step threw or called `self.exit(reason)`; with this function, the process is still alive while
   * it runs, and may do all it could before. Then it ends with `reason`, or with what this throws.
   * Exit signals end a process without it.
   *
   * @param state `undefined` when `init` failed
   * @param reason a `CrashReason` when it threw
   */
  readonly failed?: (
    state: S | undefined,
    reason: ExitReason,
    self: HandlerSelf<M>,
  ) => PromiseLike<void> | void;
}

/** The name by which reports call it. */
export function initialCallOf(body: ErasedProgram): string {
  if (typeof body === "function") return body.name || "(anonymous function)";
  return body.message.name && body.message.name !== "message" ? body.message.name : "(handler)";
}

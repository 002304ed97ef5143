/**
 * Trying again what has failed: a function, or a call to a process that is just being restarted.
 *
 * OTP has none of this: there a caller fails with the server it calls, and is restarted as well. That is
 * the better way where both belong to one supervisor; this is for callers who outlive it.
 */
import {
  checkFunction,
  checkKeys,
  DEFAULT_CALL_TIMEOUT_MS,
  NoProcessError,
  ServerExitError,
  type AbortSignalLike,
  type AnyPid,
  type CallOptions,
  type Operations,
  type ReplyOf,
  type RequestOf,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { checkTimeout } from "./option-check.js";
import { isOwnEnd } from "./own-end.js";
import {
  checkRetrySettings,
  decideRetry,
  RETRY_SETTINGS,
  type RetryPolicy,
  type RetrySettings,
} from "./retry-decision.js";

/** Who tries: the `self` of a process, or a node. Time and chance are those of its node. */
export type Trier = Operations & { readonly pid: AnyPid };

export interface RetryOptions extends RetrySettings {
  /** Ends the wait between two attempts when it aborts: nothing more is tried. */
  readonly signal?: AbortSignalLike;
}

export interface CallRetryOptions extends RetryOptions, CallOptions {
  /**
   * Carrying out the request twice is as good as once. Then it is sent again, too, to the successor of a
   * server that ended before it replied, and may have carried it out. Not by default.
   */
  readonly idempotent?: boolean;
}

/** What an attempt knows of itself. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** How much of `forMs` is left; `Infinity` without. */
  readonly leftMs: number;
}

/**
 * Calls `act` until it succeeds, with a growing delay between two attempts.
 *
 * @param options.retryOn After which errors; by default after all but the end of the process that tries
 * @throws the error of the last attempt, when there is no other: the attempts or the time are used up,
 * or it is none to try again after
 * @throws the reason of `options.signal`, when that aborts during a delay
 * @throws InvalidArgumentError an option is unknown or not as it has to be
 * @example
 * import { createNode } from "@coppice/core";
 * import { retry } from "@coppice/supervisor";
 * const node = createNode();
 * const delays: number[] = [];
 * await retry(node, ({ number }) => {
 *   if (number < 3) throw new Error("not yet");
 *   return `at the ${number}rd attempt`;
 * }, { backoff: { initialMs: 1, jitter: 0 }, onRetry: ({ delayMs }) => delays.push(delayMs) }); // => "at the 3rd attempt"
 * delays; // => [1, 2]
 * await node.stop();
 */
export async function retry<T>(
  caller: Trier,
  act: (attempt: Attempt) => T | PromiseLike<T>,
  options: RetryOptions = {},
): Promise<T> {
  checkActor("retry: caller", caller);
  checkFunction("retry: act", act);
  checkKeys("retry: options", options, [...RETRY_SETTINGS, "signal"]);
  const policy = checkRetrySettings("retry: options", options);
  return tryAgain(caller, act, policy, options, options.retryOn ?? (() => true));
}

/**
 * Calls a process, and again while nobody holds the name: what between two incarnations of a supervised
 * process fails, succeeds with the next one.
 *
 * | error | tried again |
 * | --- | --- |
 * | `NoProcessError`: nobody has got the request | yes |
 * | `ServerExitError`: the server ended, and may have carried it out | when it is `idempotent` |
 * | `CallTimeoutError`, and any other | no |
 *
 * `retryOn` replaces this table. A pid is that of one incarnation: only a name finds the next one.
 *
 * @param options.timeoutMs How long each attempt waits for its reply; 5000 by default, and no longer than
 * what is left of `forMs`
 * @throws what the last attempt throws, as `call` does
 * @throws InvalidArgumentError an option is unknown or not as it has to be
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { callWithRetry, defineServer, type ProtocolOf } from "@coppice/supervisor";
 * const clock = defineServer({ init: () => 0, call: { tick: (n) => ({ reply: n + 1, state: n + 1 }) } });
 * const Clock = name<ProtocolOf<typeof clock>>("clock");
 * const node = createNode();
 * const ticked = callWithRetry(node, Clock, ["tick"], { forMs: 5_000 });
 * await node.sleep(10);
 * await node.startOpt({ name: Clock }, clock);
 * await ticked; // => 1
 * await node.stop();
 */
export async function callWithRetry<M, const Q extends RequestOf<M>>(
  caller: Trier,
  target: Target<M>,
  request: Q,
  options: CallRetryOptions = {},
): Promise<ReplyOf<M, Q>> {
  checkActor("callWithRetry: caller", caller);
  const what = "callWithRetry: options";
  checkKeys(what, options, [...RETRY_SETTINGS, "signal", "timeoutMs", "idempotent"]);
  const policy = checkRetrySettings(what, options);
  const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS, signal, idempotent = false } = options;
  checkTimeout(`${what}.timeoutMs`, timeoutMs);
  const {
    retryOn = (error: unknown) =>
      error instanceof NoProcessError || (idempotent && error instanceof ServerExitError),
  } = options;
  const call = ({ leftMs }: Attempt): Promise<ReplyOf<M, Q>> => {
    const limited = { timeoutMs: Math.min(timeoutMs, leftMs) };
    return caller.call(target, request, signal === undefined ? limited : { ...limited, signal });
  };
  return tryAgain(caller, call, policy, options, retryOn);
}

async function tryAgain<T>(
  caller: Trier,
  act: (attempt: Attempt) => T | PromiseLike<T>,
  policy: RetryPolicy,
  { signal, onRetry }: RetryOptions,
  retryOn: (error: unknown) => boolean,
): Promise<T> {
  const startMs = caller.now();
  for (let number = 1; ; number++) {
    try {
      return await act({ number, leftMs: Math.max(0, startMs + policy.forMs - caller.now()) });
    } catch (error) {
      if (isOwnEnd(caller.pid, error) || !retryOn(error)) throw error;
      const next = decideRetry(policy, number, caller.now() - startMs, caller.random());
      if (next.type === "giveUp") throw error;
      onRetry?.({ error, attempt: number, delayMs: next.delayMs });
      await caller.sleep(next.delayMs, signal === undefined ? {} : { signal });
    }
  }
}

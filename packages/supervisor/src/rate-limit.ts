/**
 * Rate limits: how often something may be done, per key, by all processes that share the limit.
 *
 * A limit is a server with a name. It gives each who asks a time, first come, first served; who asks
 * waits by itself until then. Whoever ends while it waits has used its permits up all the same.
 */
import {
  checkKeys,
  formatTerm,
  InvalidArgumentError,
  isName,
  type Call,
  type CallOptions,
  type Operations,
  type Target,
} from "@coppice/core";
import { checkActor } from "./actor-check.js";
import { defineServer } from "./gen-server.js";
import { checkTimeout } from "./option-check.js";
import {
  checkRateLimit,
  FRESH_ACCOUNT,
  isFresh,
  mostPermits,
  reservePermits,
  type RateAccount,
  type RateLimitSettings,
  type Reservation,
} from "./rate-limit-decision.js";
import { RateLimitError } from "./rate-limit-errors.js";
import type { CallSelf, Server } from "./server-definition.js";

/** What a limit understands; the functions that take its pid or name send that. */
export type RateLimitMessage = Call<
  readonly ["reserve", key: string | number, permits: number, maxWaitMs: number],
  Reservation | WrongRequest
>;

/** What was asked for cannot be; as data, which keeps what it is on every way. */
export interface WrongRequest {
  readonly type: "wrong";
  readonly what: string;
  readonly expected: string;
  readonly received: unknown;
}

export interface TryAcquireOptions {
  /** What is counted by itself, such as a user or an address; all that name none share one. */
  readonly key?: string | number;
  /** How many permits; 1 by default. */
  readonly permits?: number;
}

export interface AcquireOptions extends TryAcquireOptions, Pick<CallOptions, "signal"> {
  /** How long to wait for them; 5000 by default, `Infinity` to wait for ever. */
  readonly timeoutMs?: number;
}

interface LimitState {
  /** The process's own, and changed in place: a copy for each request would cost as much as all keys. */
  readonly accounts: Map<string | number, RateAccount>;
  /** With so many keys those that need not be kept are looked for. */
  readonly sweepAt: number;
}

const FIRST_SWEEP = 64;

/**
 * Defines a rate limit, as a server. Keys that nobody uses any more take no room; when it is started
 * again, it has forgotten all.
 *
 * @throws InvalidArgumentError a setting is unknown or not as it has to be
 * @example
 * import { createNode, name } from "@coppice/core";
 * import { child, defineSupervisor, rateLimit, startSupervisor, type RateLimitMessage } from "@coppice/supervisor";
 * const Mails = name<RateLimitMessage>("mails");
 * const limit = rateLimit.define({ permits: 2, perMs: 60_000 });
 * const node = createNode();
 * await startSupervisor(node, defineSupervisor({ children: [child({ id: "mails", name: Mails }, limit)] }));
 * await rateLimit.acquire(node, Mails, { key: "ann" });
 * await rateLimit.tryAcquire(node, Mails, { key: "ann" }); // => { ok: true }
 * (await rateLimit.tryAcquire(node, Mails, { key: "ann" })).ok; // => false
 * await rateLimit.tryAcquire(node, Mails, { key: "bob" }); // => { ok: true }
 * await node.stop();
 */
export function define(settings: RateLimitSettings): Server<RateLimitMessage, LimitState, []> {
  const limit = checkRateLimit("rateLimit.define: settings", settings);
  const sweep = ({ accounts, sweepAt }: LimitState, nowMs: number): number => {
    if (accounts.size < sweepAt) return sweepAt;
    for (const [key, account] of accounts) {
      if (isFresh(limit, account, nowMs)) accounts.delete(key);
    }
    return Math.max(FIRST_SWEEP, accounts.size * 2);
  };
  return defineServer({
    init: (): { readonly state: LimitState } => ({
      state: { accounts: new Map(), sweepAt: FIRST_SWEEP },
    }),
    call: {
      reserve: (
        state: LimitState,
        key: string | number,
        permits: number,
        maxWaitMs: number,
        self: CallSelf<never>,
      ): { readonly reply: Reservation | WrongRequest; readonly state: LimitState } => {
        const wrong = wrongRequest(key, permits, maxWaitMs, mostPermits(limit));
        if (wrong !== undefined) return { reply: wrong, state };
        const nowMs = self.now();
        const before = state.accounts.get(key) ?? FRESH_ACCOUNT;
        const { account, reservation } = reservePermits(limit, before, nowMs, permits, maxWaitMs);
        state.accounts.set(key, account);
        return { reply: reservation, state: { ...state, sweepAt: sweep(state, nowMs) } };
      },
    },
  });
}

/** What comes from another process, or another node, is checked here, for all. */
function wrongRequest(
  key: unknown,
  permits: unknown,
  maxWaitMs: unknown,
  most: number,
): WrongRequest | undefined {
  const wrong = (what: string, expected: string, received: unknown): WrongRequest => {
    return { type: "wrong", what, expected, received };
  };
  if (typeof key !== "string" && !Number.isFinite(key)) {
    return wrong("options.key", "a string or a finite number", key);
  }
  if (!(Number.isInteger(permits) && (permits as number) >= 1 && (permits as number) <= most)) {
    const expected = `a whole number from 1 to ${most}, which is as many as there ever are at once`;
    return wrong("options.permits", expected, permits);
  }
  if (typeof maxWaitMs !== "number" || !(maxWaitMs >= 0)) {
    return wrong("maxWaitMs", "a number of at least 0", maxWaitMs);
  }
  return undefined;
}

async function reserve(
  caller: Operations,
  limit: Target<RateLimitMessage>,
  { key = "", permits = 1 }: TryAcquireOptions,
  maxWaitMs: number,
  options: CallOptions,
): Promise<Reservation> {
  const answer = await caller.call(limit, ["reserve", key, permits, maxWaitMs], options);
  if (answer.type !== "wrong") return answer;
  throw new InvalidArgumentError(`rateLimit: ${answer.what}`, answer.expected, answer.received);
}

/**
 * Waits until it may be done. When that would take too long it fails at once, and has used nothing up.
 *
 * @throws RateLimitError waiting would take longer than `timeoutMs`, or too many wait
 * @throws the reason of `options.signal`, when that aborts; the permits are used up
 * @throws NoProcessError, ServerExitError, CallTimeoutError of the call to the limit
 * @throws InvalidArgumentError an option is unknown or not as it has to be
 */
export async function acquire(
  caller: Operations,
  limit: Target<RateLimitMessage>,
  options: AcquireOptions = {},
): Promise<void> {
  checkActor("rateLimit.acquire: caller", caller);
  const what = "rateLimit.acquire: options";
  checkKeys(what, options, ["key", "permits", "timeoutMs", "signal"]);
  const { key = "", timeoutMs = 5_000, signal } = options;
  checkTimeout(`${what}.timeoutMs`, timeoutMs);
  const abortable = signal === undefined ? {} : { signal };
  const reservation = await reserve(caller, limit, options, timeoutMs, abortable);
  if (reservation.type === "refused") {
    const which = `the rate limit ${isName(limit) ? formatTerm(limit.name) : String(limit)}`;
    throw new RateLimitError(which, key, reservation.why, reservation.retryAfterMs);
  }
  if (reservation.waitMs > 0) await caller.sleep(reservation.waitMs, abortable);
}

/**
 * Tells whether it may be done now, without waiting for it; if so, it has used the permits up.
 *
 * @throws NoProcessError, ServerExitError, CallTimeoutError of the call to the limit
 * @throws InvalidArgumentError an option is unknown or not as it has to be
 */
export async function tryAcquire(
  caller: Operations,
  limit: Target<RateLimitMessage>,
  options: TryAcquireOptions = {},
): Promise<{ readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number }> {
  checkActor("rateLimit.tryAcquire: caller", caller);
  checkKeys("rateLimit.tryAcquire: options", options, ["key", "permits"]);
  const reservation = await reserve(caller, limit, options, 0, {});
  if (reservation.type === "reserved") return { ok: true };
  return { ok: false, retryAfterMs: reservation.retryAfterMs };
}

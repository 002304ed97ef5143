/**
 * How many may do something in a time, as pure functions over the account of one key.
 *
 * Permits are reserved: who has to wait is told for how long, and that its turn is then is settled. So
 * nobody is overtaken, and nothing has to be done when the time has come.
 *
 * | kind | how many, at the most | the account |
 * | --- | --- | --- |
 * | `"token-bucket"` | `burst` at once, and `permits` in each `perMs` besides | one number |
 * | `"sliding-window"` | `permits` in any `perMs` | the times of the last `permits` |
 */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkCount, checkDuration } from "./option-check.js";

export interface RateLimitSettings {
  /** How many permits there are in `perMs`. */
  readonly permits: number;
  readonly perMs: number;
  /** `"token-bucket"` by default. */
  readonly kind?: "token-bucket" | "sliding-window";
  /** How many permits a token bucket saves up while nobody takes any; `permits` by default. */
  readonly burst?: number;
  /** How many may wait for the same key; 1000 by default. */
  readonly maxWaiting?: number;
}

export type RateLimit = Required<RateLimitSettings>;

/** What was taken of one key. */
export interface RateAccount {
  /** When a token bucket will be full again. */
  readonly fullAtMs: number;
  /** When permits were, or will be, taken from a sliding window, oldest first. */
  readonly taken: readonly number[];
  /** When those who wait will have theirs, soonest first. */
  readonly due: readonly number[];
}

/** Of a key that nobody has used. */
export const FRESH_ACCOUNT: RateAccount = { fullAtMs: -Infinity, taken: [], due: [] };

/** Why there are no permits: who asks would wait too long, or too many wait already. */
export type RateRefusal = "time" | "waiting";

export type Reservation =
  | { readonly type: "reserved"; readonly waitMs: number }
  /** `retryAfterMs`: after that long there would have been permits, if nobody else had asked meanwhile. */
  | { readonly type: "refused"; readonly why: RateRefusal; readonly retryAfterMs: number };

/**
 * Reserves permits, unless that would mean to wait for more than `maxWaitMs`.
 *
 * @param permits at least 1, and no more than `mostPermits`
 */
export function reservePermits(
  limit: RateLimit,
  account: RateAccount,
  nowMs: number,
  permits: number,
  maxWaitMs: number,
): { readonly account: RateAccount; readonly reservation: Reservation } {
  const { account: taken, atMs } = take(limit, account, nowMs, permits);
  const waitMs = atMs - nowMs;
  const due = account.due.filter((dueMs) => dueMs > nowMs);
  const refuse = (why: RateRefusal): { account: RateAccount; reservation: Reservation } => ({
    account: { ...account, due },
    reservation: { type: "refused", why, retryAfterMs: waitMs },
  });
  if (waitMs <= ROUNDING_MS) {
    return { account: { ...taken, due }, reservation: { type: "reserved", waitMs: 0 } };
  }
  if (waitMs > maxWaitMs) return refuse("time");
  if (due.length >= limit.maxWaiting) return refuse("waiting");
  return { account: { ...taken, due: [...due, atMs] }, reservation: { type: "reserved", waitMs } };
}

/** Less than that to wait is an error of rounding: who waited would find the clock where it was. */
const ROUNDING_MS = 1e-6;

/** How many permits can be asked for at once. */
export function mostPermits({ kind, permits, burst }: RateLimit): number {
  return kind === "token-bucket" ? burst : permits;
}

/** Is it as one that nobody has used, so that it need not be kept? */
export function isFresh({ perMs }: RateLimit, account: RateAccount, nowMs: number): boolean {
  // Nobody waits for what is long past.
  return account.fullAtMs <= nowMs && (account.taken.at(-1) ?? -Infinity) <= nowMs - perMs;
}

/** Takes permits as soon as there are so many. */
function take(
  { kind, permits: limit, perMs, burst }: RateLimit,
  account: RateAccount,
  nowMs: number,
  permits: number,
): { readonly account: RateAccount; readonly atMs: number } {
  if (kind === "token-bucket") {
    const perPermitMs = perMs / limit;
    const fullAtMs = Math.max(nowMs, account.fullAtMs) + permits * perPermitMs;
    // The bucket is never emptier than empty.
    return {
      account: { ...account, fullAtMs },
      atMs: Math.max(nowMs, fullAtMs - burst * perPermitMs),
    };
  }
  const taken = account.taken.filter((atMs) => atMs > nowMs - perMs);
  // Nobody is overtaken: not before the last that was taken, even if fewer permits would be there sooner.
  const lastMs = Math.max(nowMs, taken.at(-1) ?? nowMs);
  // One that is exactly `perMs` old does not count any more.
  const outMs = taken[taken.length + permits - limit - 1];
  const atMs = outMs === undefined ? lastMs : Math.max(lastMs, outMs + perMs);
  const added = Array.from({ length: permits }, () => atMs);
  return { account: { ...account, taken: [...taken, ...added] }, atMs };
}

const SETTINGS = ["permits", "perMs", "kind", "burst", "maxWaiting"];

/** @throws InvalidArgumentError a setting is unknown or not as it has to be */
export function checkRateLimit(what: string, settings: RateLimitSettings): RateLimit {
  checkKeys(what, settings, SETTINGS);
  const { permits, perMs, kind = "token-bucket", maxWaiting = 1_000 } = settings;
  const { burst = permits } = settings;
  checkWhole(`${what}.permits`, permits);
  checkDuration(`${what}.perMs`, perMs);
  if (kind !== "token-bucket" && kind !== "sliding-window") {
    const expected = `"token-bucket" or "sliding-window"`;
    throw new InvalidArgumentError(`${what}.kind`, expected, kind);
  }
  checkWhole(`${what}.burst`, burst);
  if (kind === "sliding-window" && settings.burst !== undefined) {
    throw new InvalidArgumentError(`${what}.burst`, "left out for a sliding window", burst);
  }
  checkCount(`${what}.maxWaiting`, maxWaiting, 0);
  return { permits, perMs, kind, burst, maxWaiting };
}

function checkWhole(argument: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= 1)) {
    throw new InvalidArgumentError(argument, "a whole number of at least 1", value);
  }
}

/** Whether to try again, and when, as pure functions. */
import { checkFunction, InvalidArgumentError } from "@coppice/core";
import {
  checkBackoff,
  chooseDelay,
  delayAfter,
  type Backoff,
  type CheckedBackoff,
} from "./backoff.js";
import { checkCount, checkDuration } from "./option-check.js";

/** How often something is tried, and for how long. */
export interface RetrySettings {
  /** How many times in all; 5 by default, as often as there is time for where `forMs` is given. */
  readonly attempts?: number;
  /** For how long in all: no attempt begins later. For ever by default. */
  readonly forMs?: number;
  /** The delays between attempts; from 20 to 2000 ms by default, each twice the one before, half of it left to chance. */
  readonly backoff?: Omit<Backoff, "resetAfterMs">;
  /** After which errors to try again. */
  readonly retryOn?: (error: unknown) => boolean;
  /** Told before each delay: nobody else hears of an error that another attempt follows. */
  readonly onRetry?: (retry: Retry) => void;
}

/** An attempt has failed, and another will follow. */
export interface Retry {
  readonly error: unknown;
  /** Which attempt has failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
}

/** Settings that were checked, with nothing left out. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly forMs: number;
  readonly backoff: CheckedBackoff;
}

/**
 * What follows a failed attempt: another after a delay, or nothing.
 *
 * @param attempt which has failed, from 1
 * @param elapsedMs since the first began
 * @param random in [0, 1)
 */
export function decideRetry(
  { attempts, forMs, backoff }: RetryPolicy,
  attempt: number,
  elapsedMs: number,
  random: number,
): { readonly type: "retry"; readonly delayMs: number } | { readonly type: "giveUp" } {
  if (attempt >= attempts) return { type: "giveUp" };
  const delayMs = chooseDelay(delayAfter(backoff, attempt - 1), random);
  // Not even the wait is worth it when there is no time for what follows it.
  return elapsedMs + delayMs < forMs ? { type: "retry", delayMs } : { type: "giveUp" };
}

export const RETRY_SETTINGS: readonly string[] = [
  "attempts",
  "forMs",
  "backoff",
  "retryOn",
  "onRetry",
];

const BACKOFF = ["initialMs", "maxMs", "factor", "jitter"];

/** @throws InvalidArgumentError a setting is not as it has to be */
export function checkRetrySettings(what: string, settings: RetrySettings): RetryPolicy {
  const { forMs = Infinity, backoff = {}, retryOn, onRetry } = settings;
  const { attempts = forMs === Infinity ? 5 : Infinity } = settings;
  checkCount(`${what}.attempts`, attempts, 1);
  if (forMs !== Infinity) checkDuration(`${what}.forMs`, forMs);
  if (retryOn !== undefined) checkFunction(`${what}.retryOn`, retryOn);
  if (onRetry !== undefined) checkFunction(`${what}.onRetry`, onRetry);
  const refuse = (field: string, expected: string, received: unknown): never => {
    const argument = field === "" ? `${what}.backoff` : `${what}.backoff.${field}`;
    throw new InvalidArgumentError(argument, expected, received);
  };
  if (typeof backoff !== "object" || backoff === null) return refuse("", "an object", backoff);
  if ("resetAfterMs" in backoff) refuse("", `made of ${BACKOFF.join(", ")}`, backoff);
  const { initialMs = 20 } = backoff;
  const { maxMs = typeof initialMs === "number" ? Math.max(2_000, initialMs) : 2_000 } = backoff;
  return { attempts, forMs, backoff: checkBackoff({ ...backoff, initialMs, maxMs }, refuse) };
}

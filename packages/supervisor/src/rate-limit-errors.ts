/** Errors of rate limits that a caller may want to handle. */
import { CoppiceError, formatTerm } from "@coppice/core";
import type { RateRefusal } from "./rate-limit-decision.js";

/** There are no permits for now: waiting for them would take too long, or too many wait already. */
export class RateLimitError extends CoppiceError {
  override readonly name = "RateLimitError";
  readonly code = "RATE_LIMIT";
  readonly key: string | number;
  /** `"time"`: it would have to wait too long; `"waiting"`: too many wait. */
  readonly why: RateRefusal;
  /** After that long there would be permits, if nobody else asked meanwhile. */
  readonly retryAfterMs: number;
  constructor(limiter: string, key: string | number, why: RateRefusal, retryAfterMs: number) {
    const reason = why === "time" ? "that would take too long" : "too many wait already";
    const of = key === "" ? "" : ` for ${formatTerm(key)}`;
    super(`${limiter} has no permit${of} for another ${Math.ceil(retryAfterMs)} ms, and ${reason}`);
    this.key = key;
    this.why = why;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Errors of circuit breakers that a caller may want to handle. */
import { CoppiceError } from "@coppice/core";

/** The circuit is open, or tries with others: what was to be called was not. */
export class CircuitOpenError extends CoppiceError {
  override readonly name = "CircuitOpenError";
  readonly code = "CIRCUIT_OPEN";
  /** Before that it will not let anybody through, unless a probe ends sooner. */
  readonly retryAfterMs: number;
  constructor(what: string, retryAfterMs: number) {
    super(`${what} is open; try again in ${Math.ceil(retryAfterMs)} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}

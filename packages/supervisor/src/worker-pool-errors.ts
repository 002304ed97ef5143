/** Errors of worker pools that a caller may want to handle. */
import { CoppiceError } from "@coppice/core";

/** All workers are lent, and as many wait for one as may. */
export class PoolFullError extends CoppiceError {
  override readonly name = "PoolFullError";
  readonly code = "POOL_FULL";
  readonly pool: string;
  /** It had waited, and was dropped for one who came later. */
  readonly dropped: boolean;
  constructor(pool: string, dropped: boolean) {
    const why = dropped ? "this one was dropped for one who came later" : "no more may";
    super(`all workers of pool ${pool} are lent, and so many wait for one that ${why}`);
    this.pool = pool;
    this.dropped = dropped;
  }
}

/** No worker was free in time. */
export class PoolTimeoutError extends CoppiceError {
  override readonly name = "PoolTimeoutError";
  readonly code = "POOL_TIMEOUT";
  readonly pool: string;
  readonly timeoutMs: number;
  constructor(pool: string, timeoutMs: number) {
    super(`no worker of pool ${pool} was free within ${timeoutMs} ms`);
    this.pool = pool;
    this.timeoutMs = timeoutMs;
  }
}

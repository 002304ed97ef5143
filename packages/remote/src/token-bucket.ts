/**
 * A token bucket: so many per second, and some at once. Pure.
 */

export interface Bucket {
  readonly tokens: number;
  /** When the tokens were counted, in ms of a clock that never goes back. */
  readonly atMs: number;
}

export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

export function fullBucket(nowMs: number, rate: BucketRate): Bucket {
  return { tokens: rate.burst, atMs: nowMs };
}

/** Takes `count` tokens if they are there; if not, the bucket stays as it is. */
export function takeTokens(
  bucket: Bucket,
  nowMs: number,
  count: number,
  rate: BucketRate,
): { readonly bucket: Bucket; readonly taken: boolean } {
  const passedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(rate.burst, bucket.tokens + (passedMs / 1000) * rate.perSecond);
  const filled = { tokens, atMs: Math.max(nowMs, bucket.atMs) };
  return tokens < count
    ? { bucket: filled, taken: false }
    : { bucket: { ...filled, tokens: tokens - count }, taken: true };
}

/** Takes one token, be it one that is not there yet: it will be in `waitMs`, when all that wait before have theirs. */
export function awaitToken(
  bucket: Bucket,
  nowMs: number,
  rate: BucketRate,
): { readonly bucket: Bucket; readonly waitMs: number } {
  const filled = takeTokens(bucket, nowMs, 0, rate).bucket;
  const tokens = filled.tokens - 1;
  const waitMs = tokens >= 0 ? 0 : Math.ceil((-tokens / rate.perSecond) * 1000);
  return { bucket: { ...filled, tokens }, waitMs };
}

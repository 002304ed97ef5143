/** What many measurements say together. */

/**
 * The middle one; of an even number, the mean of the two in the middle.
 *
 * @throws RangeError there are none
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/**
 * The smallest value that at least `share` of all do not exceed (nearest rank); `share` is in (0, 1].
 *
 * @throws RangeError there are none
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("a quantile of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

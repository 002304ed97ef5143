/** How many per second, since `startMs` of `performance.now()`. */
export function perSecond(count: number, startMs: number): number {
  return (count * 1_000) / (performance.now() - startMs);
}

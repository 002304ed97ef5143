/** Memory that is in use, with nothing in it that could be collected. */

export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("start node with --expose-gc");
  globalThis.gc();
}

/** Bytes in use, in the heap and outside it, after a collection. */
export function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

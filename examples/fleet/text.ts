/** Numbers for people. */
import type { CrashCounts } from "./ledger.js";

/** `12,345` */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 file`, `2 files` */
export function ofThings(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `1.2 MB`, in powers of 1000 */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1.2 s` */
export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export function crashTotal(crashes: CrashCounts): number {
  return Object.values(crashes).reduce((sum, count) => sum + count, 0);
}

/** `12 crashes (4 thrown, 5 killed, 3 hung)` */
export function crashesText(crashes: CrashCounts): string {
  const total = crashTotal(crashes);
  return total === 0
    ? "0 crashes"
    : `${ofThings(total, "crash", "crashes")} (${kindsText(crashes)})`;
}

/** `4 thrown, 5 killed, 3 hung`; those with their node, or without chaos, only when there are any */
export function kindsText({ thrown, killed, hung, withNode, unprovoked }: CrashCounts): string {
  const rare: string[] = [];
  if (withNode > 0) rare.push(`${countText(withNode)} with their node`);
  if (unprovoked > 0) rare.push(`${countText(unprovoked)} unprovoked`);
  const ordered = `${countText(thrown)} thrown, ${countText(killed)} killed, ${countText(hung)} hung`;
  return [ordered, ...rare].join(", ");
}

/** Counters in a file, as JSON. */
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

export type Counters = Readonly<Record<string, number>>;

/**
 * The counters in a file; none when there is no file yet.
 *
 * @throws Error the file cannot be read, holds something else, or has no folder to be in
 */
export async function readCounters(file: string): Promise<Counters> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // Rather now than at the end, with all counters lost: without its folder it cannot be written.
    await stat(dirname(file));
    return {};
  }
  const counters = parse(text);
  if (counters === undefined) throw new Error(`${file} does not hold counters`);
  return counters;
}

/** Writes them beside the file first: half a file must never take the place of a whole one. */
export async function writeCounters(file: string, counters: Counters): Promise<void> {
  const draft = `${file}.tmp`;
  await writeFile(draft, `${JSON.stringify(counters, undefined, 2)}\n`);
  await rename(draft, file);
}

function parse(text: string): Counters | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const isSound = Object.values(value).every((count) => typeof count === "number");
  return isSound ? (value as Counters) : undefined;
}

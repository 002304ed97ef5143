/**
 * The walker: finds every file under a directory, and tells the dispatcher.
 *
 * Symbolic links are not followed, so nothing is found twice and the walk ends. Sockets, fifos and
 * devices are never opened: reading one may wait for ever, or change something.
 */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import type { Self } from "@coppice/core";
import { Dispatcher } from "./dispatcher.js";
import { bytesOf, joinPath, type RawPath } from "./raw-path.js";
import { isRefusal, reasonOf } from "./reason.js";

/**
 * When it crashes its supervisor starts it again and it begins at the beginning; the dispatcher takes
 * no file twice.
 *
 * @param except files to leave out: the one that the result is written to
 */
export async function walker(
  self: Self<never>,
  root: RawPath,
  except: readonly RawPath[],
): Promise<void> {
  const skipped: Record<string, number> = {};
  const directories: RawPath[] = [root];
  let files = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const directory = path;
    const entries = await entriesOf(directory);
    // An exit signal ends what a process waits for on the runtime. This one waits for the disk only.
    self.signal.throwIfAborted();
    if ("reason" in entries) {
      self.send(Dispatcher, { type: "unreadableDirectory", ...entries });
      continue;
    }
    const paths: RawPath[] = [];
    for (const entry of entries.entries) {
      const path = joinPath(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      else if (!entry.isFile()) count(skipped, kindOf(entry));
      else if (!except.includes(path)) paths.push(path);
    }
    files += paths.length;
    if (paths.length > 0) self.send(Dispatcher, { type: "found", paths });
  }
  self.send(Dispatcher, { type: "walked", files, skipped });
}

type Entry = Dirent<Buffer>;

async function entriesOf(
  path: RawPath,
): Promise<{ entries: readonly Entry[] } | { path: RawPath; reason: string }> {
  try {
    const entries = await readdir(bytesOf(path), { encoding: "buffer", withFileTypes: true });
    return { entries: entries.sort((a, b) => Buffer.compare(a.name, b.name)) };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { path, reason: reasonOf(error) };
  }
}

function kindOf(entry: Entry): string {
  if (entry.isSymbolicLink()) return "symbolic link";
  if (entry.isSocket()) return "socket";
  if (entry.isFIFO()) return "fifo";
  if (entry.isCharacterDevice() || entry.isBlockDevice()) return "device";
  return "other";
}

function count(counts: Record<string, number>, kind: string): void {
  counts[kind] = (counts[kind] ?? 0) + 1;
}

/**
 * A hash worker: asks for work, reads one file after the other, and says what it found.
 *
 * It does nothing against its own death. It catches what the file system says about a file, and
 * nothing else.
 */
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { TIMEOUT, type Pid, type Self } from "@coppice/core";
import type { DispatcherTarget } from "./dispatcher.js";
import type { HashedFile, UnreadableFile } from "./ledger.js";
import { OpenFile } from "./open-file.js";
import type { RawPath } from "./raw-path.js";
import { isRefusal, reasonOf } from "./reason.js";

export type WorkerMessage =
  | { readonly type: "hash"; readonly path: RawPath }
  /** From chaos: obey in the middle of a file. */
  | { readonly type: "sabotage"; readonly how: "throw" | "hang" };

export type WorkerPid = Pid<WorkerMessage>;

type Hash = Extract<WorkerMessage, { type: "hash" }>;
type Sabotage = Extract<WorkerMessage, { type: "sabotage" }>;

/** So much is read at a time; reading is asynchronous, so others run meanwhile. */
const CHUNK_BYTES = 256 * 1024;
/** How often a file that changes while it is read is read again. */
const MAX_READINGS = 3;
/** No file that says its size is 0 is known to have so much in it, and an end. */
const ENDLESS_BYTES = 64 * 1024 * 1024;

export async function hashWorker(
  self: Self<WorkerMessage>,
  number: number,
  dispatcher: DispatcherTarget,
): Promise<void> {
  const file = self.own(new OpenFile(), (open) => open.close());
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  self.send(dispatcher, { type: "ready", worker: self.pid, number });
  for (;;) {
    // Selective: an order of chaos that comes between two files waits for the next one.
    const { path } = await self.receive((message): message is Hash => message.type === "hash");
    const result = await hash(self, file, buffer, path, dispatcher);
    // Killed meanwhile? Then this throws, as all that the dead attempt: late results reach nobody.
    self.send(dispatcher, { ...result, worker: self.pid });
  }
}

type Result =
  ({ readonly type: "hashed" } & HashedFile) | ({ readonly type: "unreadable" } & UnreadableFile);

async function hash(
  self: Self<WorkerMessage>,
  file: OpenFile,
  buffer: Buffer,
  path: RawPath,
  dispatcher: DispatcherTarget,
): Promise<Result> {
  try {
    for (let reading = 1; reading <= MAX_READINGS; reading++) {
      const result = await read(self, file, buffer, path, dispatcher);
      if (result !== "changed") return result;
    }
    return unreadable(path, "changes while it is read");
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return unreadable(path, reasonOf(error));
  } finally {
    await file.close();
  }
}

async function read(
  self: Self<WorkerMessage>,
  file: OpenFile,
  buffer: Buffer,
  path: RawPath,
  dispatcher: DispatcherTarget,
): Promise<Result | "changed"> {
  await file.close();
  const handle = await file.open(path);
  const before = await handle.stat();
  if (!before.isFile()) return unreadable(path, "is no regular file any more");
  const sha256 = createHash("sha256");
  for (let bytes = 0; ;) {
    await obeyChaos(self);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null);
    sha256.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
    // Files as in /proc say their size is 0 and have something in them: only the end is the end.
    if (bytesRead === 0 || bytes === before.size) {
      if (hasChanged(before, await handle.stat())) return "changed";
      return { type: "hashed", path, sha256: sha256.digest("hex"), bytes };
    }
    if (isEndless(before.size, bytes)) return unreadable(path, "goes on without end");
    self.send(dispatcher, { type: "progress", worker: self.pid, bytes });
  }
}

/** Some files of /proc are windows on memory: their size is 0, and there is always more to read. */
export function isEndless(size: number, bytesRead: number): boolean {
  return size === 0 && bytesRead > ENDLESS_BYTES;
}

/** The fleet's weak spot, on purpose: if chaos has ordered so, this throws, or never comes back. */
async function obeyChaos(self: Self<WorkerMessage>): Promise<void> {
  const isSabotage = (message: WorkerMessage): message is Sabotage => message.type === "sabotage";
  const order = await self.receive(isSabotage, { timeoutMs: 0 });
  if (order === TIMEOUT) return;
  if (order.how === "throw") throw new ChaosError();
  await new Promise<never>(() => undefined);
}

/** What a worker throws when it is ordered to. */
export class ChaosError extends Error {
  override readonly name = "ChaosError";
  constructor() {
    super("as ordered");
  }
}

function unreadable(path: RawPath, reason: string): Result {
  return { type: "unreadable", path, reason };
}

function hasChanged(before: Stats, after: Stats): boolean {
  return before.size !== after.size || before.mtimeMs !== after.mtimeMs;
}

/** An open file of a worker: one at a time, closed whatever ends the worker. */
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { bytesOf, type RawPath } from "./raw-path.js";

/**
 * What may have taken the place of the file since the walk saw it must neither be followed (a symbolic
 * link) nor wait for a writer that never comes (a fifo).
 */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Give it to the runtime once, with `self.own(new OpenFile(), (file) => file.close())`.
 *
 * A worker can be killed while its file is being opened, when there is no handle to close yet: so the
 * promise of the handle is kept. And it is a `FileHandle`, not a bare descriptor, because that waits
 * for a read under way before it closes; the number of a descriptor would be somebody else's file by
 * the time the read of a dead worker gets round to it.
 */
export class OpenFile {
  #opening: Promise<FileHandle> | undefined;

  open(path: RawPath): Promise<FileHandle> {
    this.#opening = open(bytesOf(path), FLAGS);
    return this.#opening;
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    const handle = await opening?.catch(() => undefined);
    await handle?.close();
  }
}

/**
 * The out file: appears when everything is in it, and not before.
 *
 * It is written beside its place under another name, and renamed: who reads it never sees half of it,
 * and a run that fails leaves what was there.
 */
import {
  access,
  constants,
  open,
  realpath,
  rename,
  rm,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import type { HashedFile } from "./ledger.js";
import { Problem } from "./problem.js";
import { rawPath, type RawPath } from "./raw-path.js";
import { reasonOf } from "./reason.js";
import { sumLine } from "./sum-line.js";

export class OutFile {
  /** Where it will be. */
  readonly path: string;
  readonly #draftPath: string;
  readonly #draft: FileHandle;
  #isKept = false;

  private constructor(path: string, draftPath: string, draft: FileHandle) {
    this.path = path;
    this.#draftPath = draftPath;
    this.#draft = draft;
  }

  /**
   * Opens it before the work begins, so that it is known that it can be written.
   *
   * @throws Problem it cannot
   */
  static async open(path: string): Promise<OutFile> {
    try {
      const place = await placeOf(path);
      const draftPath = join(
        dirname(place),
        `.${basename(place).slice(0, 100)}.${randomUUID()}.draft`,
      );
      const draft = await open(draftPath, "wx");
      // What it replaces keeps its permissions.
      const before = await stat(place).catch(() => undefined);
      if (before !== undefined) await draft.chmod(before.mode & 0o7777);
      return new OutFile(place, draftPath, draft);
    } catch (error) {
      const reason = error instanceof Problem ? error.message : reasonOf(error);
      throw new Problem(`cannot write ${path}: ${reason}`);
    }
  }

  /** The files that are ours, and no part of what is to be hashed. */
  get ownPaths(): readonly RawPath[] {
    return [rawPath(this.path), rawPath(this.#draftPath)];
  }

  /**
   * Writes all lines, then puts it in its place.
   *
   * @throws Problem it cannot be written
   */
  async keep(files: readonly HashedFile[]): Promise<void> {
    try {
      await this.#write(files);
      await rename(this.#draftPath, this.path);
      this.#isKept = true;
    } catch (error) {
      throw new Problem(`cannot write ${this.path}: ${reasonOf(error)}`);
    }
  }

  async #write(files: readonly HashedFile[]): Promise<void> {
    const LINES_AT_ONCE = 10_000;
    for (let first = 0; first < files.length; first += LINES_AT_ONCE) {
      const part = files.slice(first, first + LINES_AT_ONCE);
      const lines = part.map(({ sha256, path }) => sumLine(sha256, path)).join("");
      await this.#draft.appendFile(lines, "latin1");
    }
    await this.#draft.sync();
    await this.#draft.close();
  }

  /** Leaves nothing of it, unless it was kept. */
  async discard(): Promise<void> {
    if (this.#isKept) return;
    await this.#draft.close();
    await rm(this.#draftPath, { force: true });
  }
}

/** Its absolute path with symbolic links resolved; it need not exist yet. */
async function placeOf(path: string): Promise<string> {
  const place = await realpath(path).catch(async () => {
    return join(await realpath(dirname(path)), basename(path));
  });
  const stats = await stat(place).catch(() => undefined);
  if (stats === undefined) return place;
  // To rename over a device would replace it.
  if (!stats.isFile()) throw new Problem("is there, and is no regular file");
  await access(place, constants.W_OK);
  return place;
}

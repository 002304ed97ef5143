/** The root: the directory to walk. */
import { opendir, realpath, stat } from "node:fs/promises";
import { Problem } from "./problem.js";
import { rawPath, type RawPath } from "./raw-path.js";
import { reasonOf } from "./reason.js";

/**
 * The directory's absolute path, with symbolic links resolved.
 *
 * @throws Problem there is no such directory, or it cannot be read
 */
export async function resolveRoot(directory: string): Promise<RawPath> {
  try {
    const root = await realpath(directory, { encoding: "buffer" });
    if (!(await stat(root)).isDirectory()) throw new Problem("not a directory");
    // To be able to enter it and to be able to list it are two things.
    await (await opendir(root)).close();
    return rawPath(root);
  } catch (error) {
    const reason = error instanceof Problem ? error.message : reasonOf(error);
    throw new Problem(`cannot read the directory ${directory}: ${reason}`);
  }
}

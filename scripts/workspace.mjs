/** Where the parts of this repository are. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the root package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The names of the published packages, sorted.
 *
 * @param {string} repository
 * @returns {string[]}
 */
export function packageNames(repository) {
  const folder = join(repository, "packages");
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "package.json")))
    .toSorted();
}

/**
 * The names of the examples, sorted.
 *
 * @param {string} repository
 * @returns {string[]}
 */
export function exampleNames(repository) {
  const folder = join(repository, "examples");
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "main.ts")))
    .toSorted();
}

/**
 * Every file below `folder` that `accepts` its path, sorted; nothing when the folder does not exist.
 *
 * @param {string} folder
 * @param {(path: string) => boolean} accepts
 * @returns {string[]}
 */
export function findFiles(folder, accepts) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.name === "node_modules" || entry.name === ".generated") return [];
      if (entry.isDirectory()) return findFiles(path, accepts);
      return accepts(path) ? [path] : [];
    })
    .toSorted();
}

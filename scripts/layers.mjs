/**
 * Who may import what: the arrows between the packages, and the files that alone touch a library or
 * the host.
 */

import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { importsOf, mentionsOf, parseSource } from "./source.mjs";
import { findFiles, packageNames, root } from "./workspace.mjs";

/** @typedef {{ file: string, line: number, message: string }} Violation `file` is relative to the repository */

/**
 * @typedef {object} Layer
 * @property {readonly string[]} [packages] the only ones it may import; any by default
 * @property {RegExp} [nodeModulesIn] files that may import Node modules; all by default
 */

/** Files, relative to `packages/<name>/src`. */
const NO_FILE = /^(?!)/;

/** @type {Readonly<Record<string, Layer>>} */
const layers = {
  core: { packages: ["rxjs"], nodeModulesIn: NO_FILE },
  supervisor: { packages: ["@coppice/core", "rxjs"], nodeModulesIn: /^node\// },
};

/** Packages that only certain files of a layer import. */
const rxjsInCore = /(^|\/)(event|rx[^/]*|[^/]*observable[^/]*)\.ts$/;

/** Packages that one file of `remote` imports, so that another can take their place. */
const importedByOneFile = ["ws", "cbor-x"];

/** Prints what breaks the layers. @returns {number} the exit code */
export function main() {
  const violations = findViolations(root);
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
  if (violations.length === 0) console.log("layers: every import is allowed");
  return violations.length === 0 ? 0 : 1;
}

/**
 * Everything in the packages' sources that breaks the layers, by file and line.
 *
 * @param {string} repository its folder
 * @returns {Violation[]}
 */
export function findViolations(repository) {
  return packageNames(repository).flatMap((name) => checkPackage(repository, name));
}

/**
 * @param {string} repository
 * @param {string} name
 * @returns {Violation[]}
 */
function checkPackage(repository, name) {
  const folder = join(repository, "packages", name, "src");
  /** @type {Map<string, string>} the first file that imported each of `importedByOneFile` */
  const importers = new Map();

  return findFiles(folder, (path) => path.endsWith(".ts")).flatMap((path) => {
    const source = parseSource(path, readFileSync(path, "utf8"));
    const file = relative(folder, path).replaceAll(sep, "/");
    const at = (/** @type {number} */ line, /** @type {string} */ message) => ({
      file: relative(repository, path).replaceAll(sep, "/"),
      line,
      message,
    });

    const found = importsOf(source).flatMap(({ specifier, line }) => {
      const message =
        checkImport(name, file, specifier, folder) ??
        checkImporter(name, file, specifier, importers);
      return message === undefined ? [] : [at(line, message)];
    });
    if (name === "core" && file !== "host.ts") {
      for (const { line } of mentionsOf(source, "globalThis")) {
        found.push(at(line, "only host.ts reads globalThis"));
      }
    }
    return found;
  });
}

/**
 * @param {string} name
 * @param {string} file
 * @param {string} specifier
 * @param {string} folder
 * @returns {string | undefined} what is wrong with the import
 */
function checkImport(name, file, specifier, folder) {
  const layer = layers[name] ?? {};
  if (specifier.startsWith(".")) {
    const target = relative(folder, join(folder, dirname(file), specifier));
    return target.startsWith("..") ? `"${specifier}" is outside of ${name}'s src` : undefined;
  }
  if (isBuiltin(specifier)) {
    return layer.nodeModulesIn?.test(file) === false
      ? `${name} may not import the Node module "${specifier}" here`
      : undefined;
  }

  const imported = packageOf(specifier);
  if (imported === "@coppice/testkit" && name !== "testkit") {
    return "the testkit is for tests: no source may import it";
  }
  if (layer.packages?.includes(imported) === false) {
    return `${name} may not import "${specifier}", only ${layer.packages.join(", ")}`;
  }
  if (name === "core" && imported === "rxjs" && !rxjsInCore.test(file)) {
    return "rxjs is for event.ts, *observable*.ts and rx*.ts";
  }
  return undefined;
}

/**
 * @param {string} name
 * @param {string} file
 * @param {string} specifier
 * @param {Map<string, string>} importers
 * @returns {string | undefined} what is wrong with the import
 */
function checkImporter(name, file, specifier, importers) {
  const imported = packageOf(specifier);
  if (name !== "remote" || !importedByOneFile.includes(imported)) return undefined;
  const importer = importers.get(imported) ?? file;
  importers.set(imported, importer);
  return importer === file ? undefined : `"${imported}" is imported by ${importer} already`;
}

/** @param {string} specifier */
function packageOf(specifier) {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

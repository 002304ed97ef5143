/**
 * `npm run docs`: compiles and runs every ```ts block of the documentation and every `@example`.
 *
 * Each is a module of its own in a process of its own, against the built packages. What its comments
 * promise is checked: see `docs/expectations.mjs`. A block that is marked `no-run` is compiled only.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { capture, toolPath } from "./child.mjs";
import { blocksOfMarkdown, blocksOfSource } from "./docs/blocks.mjs";
import { checkExpectations, declarations } from "./docs/expectations.mjs";
import { findFiles, packageNames, root } from "./workspace.mjs";

/** @typedef {import("./docs/blocks.mjs").Block} Block */
/** @typedef {Block & { module: string, expectations: readonly string[], errors: string[] }} Module a block in its generated file */

const TIMEOUT_MS = 20_000;
const PARALLEL = 2;

/**
 * @param {readonly string[]} files only the blocks of these files and folders; of all by default
 * @returns {Promise<number>} the exit code
 */
export async function main(files) {
  return (await runDocs(files)).failed === 0 ? 0 : 1;
}

/**
 * Compiles and runs the blocks, prints what is wrong with them, and at last how many there are.
 *
 * @param {readonly string[]} [files]
 * @returns {Promise<import("./jest.mjs").Counts>} of blocks
 */
export async function runDocs(files = []) {
  const all = findBlocks();
  const isIn = (/** @type {string} */ file, /** @type {string} */ place) =>
    file === place || file.startsWith(`${place.replace(/\/$/, "")}/`);
  const empty = files.filter((place) => !all.some(({ file }) => isIn(file, place)));
  if (empty.length > 0) {
    console.error(`docs: no blocks in ${empty.join(", ")}`);
    return { passed: 0, failed: empty.length };
  }
  const blocks = all.filter(
    ({ file }) => files.length === 0 || files.some((place) => isIn(file, place)),
  );
  // Below `docs`, where Node and the compiler find the workspaces; with a name of its own, so that
  // two runs do not meet.
  mkdirSync(join(root, "docs/.generated"), { recursive: true });
  const folder = mkdtempSync(join(root, "docs/.generated/run-"));
  try {
    const modules = blocks.map((block, index) => generate(folder, block, index));
    const otherErrors = modules.length === 0 ? [] : await compile(folder, modules);
    await forEachParallel(PARALLEL, modules, (module) => runModule(folder, module));

    for (const error of [...modules.flatMap(({ errors }) => errors), ...otherErrors]) {
      console.error(error);
    }
    const broken = modules.filter(({ errors }) => errors.length > 0).length;
    const failed = otherErrors.length > 0 ? Math.max(broken, 1) : broken;
    console.log(`docs: ${blocks.length} blocks, ${failed} failed`);
    return { passed: blocks.length - broken, failed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The README of the repository and those of its workspaces. @returns {string[]} */
function readmes() {
  const folders = ["packages/core", "packages/supervisor", "packages/remote", "packages/testkit"];
  return [".", ...folders, "bugs", "conformance", "bench"].map((folder) =>
    join(root, folder, "README.md"),
  );
}

/** Every block of the repository. @returns {Block[]} */
function findBlocks() {
  const isMarkdown = (/** @type {string} */ path) => path.endsWith(".md");
  const isSource = (/** @type {string} */ path) => path.endsWith(".ts");
  return [
    ...readmes().filter(existsSync),
    ...findFiles(join(root, "docs"), isMarkdown),
    ...packageNames(root).flatMap((name) =>
      findFiles(join(root, "packages", name, "src"), isSource),
    ),
  ].flatMap((path) => {
    const file = relative(root, path).replaceAll(sep, "/");
    const text = readFileSync(path, "utf8");
    return isMarkdown(file) ? blocksOfMarkdown(file, text) : blocksOfSource(file, text);
  });
}

/**
 * Writes the module of a block. Its lines are those of the block, so that a place in the one is a
 * place in the other.
 *
 * @param {string} folder
 * @param {Block} block
 * @param {number} index
 * @returns {Module}
 */
function generate(folder, block, index) {
  const locate = (/** @type {number} */ line) => `${block.file}:${block.line + line - 1}`;
  const checked = block.run
    ? checkExpectations(block.code, locate)
    : { code: block.code, expectations: [] };
  const module = `block-${index}`;
  const code = "error" in checked ? block.code : checked.code;
  writeFileSync(join(folder, `${module}.ts`), `${code}\n`);
  return {
    ...block,
    module,
    expectations: "error" in checked ? [] : checked.expectations,
    errors: "error" in checked ? [checked.error] : [],
  };
}

/**
 * Compiles all modules at once and gives each its errors.
 *
 * @param {string} folder
 * @param {readonly Module[]} modules
 * @returns {Promise<string[]>} the errors that are not in a module
 */
async function compile(folder, modules) {
  writeFileSync(join(folder, "expectations.d.ts"), declarations);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  const { code, output } = await capture(process.execPath, [
    toolPath("tsc", "typescript"),
    ...["-p", folder, "--pretty", "false"],
  ]);
  if (code === 0) return [];

  /** @type {string[]} */
  const otherErrors = [];
  /** @type {Module | undefined} */
  let module;
  for (const line of output.split("\n")) {
    const [, name, at, rest] = /(block-\d+)\.ts\((\d+),\d+\): (.*)/.exec(line) ?? [];
    if (name !== undefined) {
      module = modules.find((candidate) => candidate.module === name);
      module?.errors.push(`${module.file}:${module.line + Number(at) - 1}: ${rest}`);
    } else if (line.startsWith(" ") && module !== undefined) {
      module.errors.push(line);
    } else {
      otherErrors.push(line);
    }
  }
  return otherErrors;
}

const tsconfig = {
  extends: "../../../tsconfig.base.json",
  compilerOptions: {
    composite: false,
    declarationMap: false,
    inlineSourceMap: true,
    sourceMap: false,
    types: ["node"],
  },
  include: ["."],
};

/**
 * Runs the module of a block unless it is wrong already, and gives it its error.
 *
 * @param {string} folder
 * @param {Module} module
 */
async function runModule(folder, module) {
  if (!module.run || module.errors.length > 0) return;
  const { code, output, timedOut } = await capture(
    process.execPath,
    [
      ...["--enable-source-maps", "--import", join(root, "scripts/docs/runtime.mjs")],
      join(folder, `${module.module}.js`),
    ],
    {
      env: { ...process.env, COPPICE_EXPECTATIONS: JSON.stringify(module.expectations) },
      timeoutMs: TIMEOUT_MS,
    },
  );
  if (timedOut) {
    module.errors.push(`${module.file}:${module.line}: still running after ${TIMEOUT_MS} ms`);
  } else if (code !== 0) {
    module.errors.push(`${module.file}:${module.line}: ended with code ${code}`);
  }
  if (module.errors.length > 0 && output !== "")
    module.errors.push(inOriginal(folder, module, output));
}

/**
 * Output of a module with the places in it those of its block.
 *
 * @param {string} folder
 * @param {Module} module
 * @param {string} output
 */
function inOriginal(folder, module, output) {
  return output
    .replaceAll(`file://${folder}/`, "")
    .replaceAll(`${folder}/`, "")
    .replaceAll(
      new RegExp(`${module.module}\\.ts:(\\d+)`, "g"),
      (_, line) => `${module.file}:${module.line + Number(line) - 1}`,
    )
    .replaceAll(/^/gm, "  ");
}

/**
 * @template T
 * @param {number} limit
 * @param {readonly T[]} values
 * @param {(value: T) => Promise<void>} act
 */
async function forEachParallel(limit, values, act) {
  const queue = values.values();
  const worker = async () => {
    for (const value of queue) await act(value);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

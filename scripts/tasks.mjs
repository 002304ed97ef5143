/** What each npm script does, once the dependencies are installed. */

import { capture, run, toolPath } from "./child.mjs";
import { exampleNames, root } from "./workspace.mjs";

/** @typedef {(args: readonly string[]) => Promise<number>} Task gives the exit code */

/** @type {Readonly<Record<string, Task>>} */
const tasks = {
  start: program("start", "examples/dist/fleet/main.js"),
  example,
  bugs: program("bugs", "bugs/dist/main.js"),
  conformance: program("conformance", "conformance/dist/main.js"),
  faults: program("faults", "packages/remote/tools/dist/faults.js"),
  fuzz: program("fuzz", "packages/remote/tools/dist/fuzz.js"),
  vectors: program("vectors", "packages/remote/tools/dist/vectors.js"),
  bench: program("bench", "bench/dist/main.js", ["--expose-gc"]),
  build: (args) => tool("typescript", "tsc", ["-b", "tsconfig.build.json", ...args]),
  types: (args) => tool("typescript", "tsc", ["-b", ...args]),
  lint: (args) => tool("oxlint", "oxlint", ["--deny-warnings", ...args]),
  format: (args) => tool("prettier", "prettier", ["--log-level=warn", "--write", ".", ...args]),
  "format:check": (args) =>
    tool("prettier", "prettier", ["--log-level=warn", "--check", ".", ...args]),
  layers: async () => (await import("./layers.mjs")).main(),
  mutants: async (args) => (await import("./mutants.mjs")).main(args),
  docs: async (args) => (await build()) || (await import("./docs.mjs")).main(args),
  clients: async () => (await build()) || (await import("./clients.mjs")).main(),
  test: async (args) => (await build()) || (await import("./test.mjs")).main(args),
  check: async (args) => (await import("./check.mjs")).main(args),
};

/** The names `runTask` knows. */
export const taskNames = Object.keys(tasks);

/**
 * Runs a task to its end.
 *
 * @param {string} name one of `taskNames`
 * @param {readonly string[]} args go to the task's program as they are
 * @returns {Promise<number>} the exit code
 */
export async function runTask(name, args) {
  const task = tasks[name];
  if (task === undefined) throw new Error(`no task "${name}"`);
  return task(args);
}

/**
 * Compiles what is emitted; prints nothing when that works.
 *
 * @returns {Promise<number>} the exit code of the compiler
 */
async function build() {
  const { code, output } = await capture(process.execPath, [
    toolPath("tsc", "typescript"),
    "-b",
    "tsconfig.build.json",
  ]);
  if (output !== "") console.error(output);
  return code;
}

/**
 * A task that builds and then runs a program of ours in the folder that the user is in.
 *
 * @param {string} task
 * @param {string} file
 * @param {readonly string[]} [nodeOptions]
 * @returns {Task}
 */
function program(task, file, nodeOptions = []) {
  return async (args) => {
    // npm runs scripts in the root folder and tells in INIT_CWD where the user was. A shell started
    // by another npm script still has that script's INIT_CWD, so it counts for our own script only.
    const { npm_lifecycle_event: script, INIT_CWD: initialFolder } = process.env;
    const cwd = (script === task ? initialFolder : undefined) ?? process.cwd();
    return (
      (await build()) ||
      run(process.execPath, [...nodeOptions, `${root}/${file}`, ...args], {
        cwd,
        env: { ...process.env, INIT_CWD: cwd },
      })
    );
  };
}

/**
 * `npm run example -- NAME [args]`: an example by the name of its folder.
 *
 * @type {Task}
 */
async function example([name = "", ...args]) {
  const names = exampleNames(root);
  if (names.includes(name)) return program("example", `examples/dist/${name}/main.js`)(args);
  const unknown = name === "" ? "" : `Unknown example "${name}". `;
  console.error(`${unknown}Usage: npm run example -- NAME [args]. Examples: ${names.join(", ")}.`);
  return 1;
}

/**
 * @param {string} packageName
 * @param {string} name
 * @param {readonly string[]} args
 */
function tool(packageName, name, args) {
  return run(process.execPath, [toolPath(name, packageName), ...args]);
}

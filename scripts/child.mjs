/** Child processes: run to the end with our terminal, or run and keep what they printed. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { root } from "./workspace.mjs";

/** @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean, timeoutMs?: number }} ChildOptions */

/**
 * Runs a program with our terminal and waits for its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} [options]
 * @returns {Promise<number>} its exit code; 128 + the number of the signal that killed it
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
  // A terminal sends Ctrl-C to the child too: passing it on would be a second signal, which means
  // "at once". SIGTERM comes to us alone.
  const ignoreInterrupt = () => {};
  const passOn = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on("SIGINT", ignoreInterrupt).on("SIGTERM", passOn);
  try {
    return await exitCodeOf(child);
  } finally {
    process.off("SIGINT", ignoreInterrupt).off("SIGTERM", passOn);
  }
}

/**
 * Runs a program without input and waits for its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} [options] with `timeoutMs` it is killed after that time
 * @returns {Promise<{ code: number, output: string, timedOut: boolean }>} `output` is stdout and stderr in order of arrival
 */
export async function capture(command, args, { timeoutMs, ...options } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  let output = "";
  let timedOut = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          child.kill("SIGKILL");
        }, timeoutMs);
  try {
    return { code: await exitCodeOf(child), output: output.trimEnd(), timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The script that a development dependency installs under `name`, for `node`.
 * The shims in `node_modules/.bin` are shell scripts, which Windows cannot run.
 *
 * @param {string} name
 * @param {string} [packageName]
 */
export function toolPath(name, packageName = name) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[name]);
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<number>}
 */
function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** Child processes: run to the end with our terminal, or run and keep what they printed. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { root } from "./workspace.mjs";

/** @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean, timeoutMs?: number }} ChildOptions */

/** Npm passes a signal on that its whole process group got: the same one comes twice, at once. */
const SAME_SIGNAL_MS = 300;

/**
 * Runs a program with our terminal and waits for its end. A signal that comes meanwhile is the
 * program's to handle, for it may have an orderly stop to finish; then we exit as it did.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} [options]
 * @returns {Promise<number>} its exit code; 128 + the number of the signal that killed it
 */
export async function run(command, args, options = {}) {
  // The program may take a second signal for "at once", so it must get each signal one time. A
  // terminal sends Ctrl-C to it and to us. Without one it gets a process group of its own, and what
  // we pass on is all it gets.
  const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const child = spawn(command, args, {
    cwd: root,
    stdio: "inherit",
    detached: !hasTerminal && process.platform !== "win32",
    ...options,
  });

  let lastSignalMs = -Infinity;
  const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
    const isSame = performance.now() - lastSignalMs < SAME_SIGNAL_MS;
    lastSignalMs = performance.now();
    if (!isSame && !(hasTerminal && signal === "SIGINT")) child.kill(signal);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const code = await exitCodeOf(child);
  process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  // Whoever asked for the stop does not want the steps after this one.
  if (lastSignalMs > -Infinity) process.exit(code);
  return code;
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

/** Jest, as a program: all tests, or some files, and how many passed. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, toolPath } from "./child.mjs";

/** @typedef {{ passed: number, failed: number }} Counts */

// As options of node and not in NODE_OPTIONS: jest hands them to its workers, and the programs that
// tests start do not inherit them.
export const jest = [
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
  toolPath("jest"),
];

/**
 * Runs jest, which prints its own report.
 *
 * @param {readonly string[]} [args]
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Counts>} of tests; a file that could not be run counts as one failed
 */
export async function runJest(args = [], env = process.env) {
  const folder = mkdtempSync(join(tmpdir(), "coppice-test-"));
  try {
    const report = join(folder, "report.json");
    const all = [...jest, ...args, "--json", `--outputFile=${report}`];
    return countTests(await run(process.execPath, all, { env }), report);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {number} code
 * @param {string} report
 * @returns {Counts}
 */
function countTests(code, report) {
  try {
    const result = JSON.parse(readFileSync(report, "utf8"));
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    // Also red without a failed test: a threshold, an error in a global teardown.
    return { passed: result.numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

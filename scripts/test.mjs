/** `npm test`: jest over every workspace, then every code block of the documentation. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, toolPath } from "./child.mjs";
import { runDocs } from "./docs.mjs";

/** @typedef {{ passed: number, failed: number }} Counts */

/**
 * Runs jest and the documentation's blocks, or jest alone with the arguments given.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  // What a failing schedule says to type is what was typed.
  process.env["COPPICE_TEST_COMMAND"] = "npm test --";
  if (args.length > 0) return run(process.execPath, [...jest, ...args]);

  const tests = await runTests();
  const docs = await runDocs();
  const failed = tests.failed + docs.failed;
  console.log(`${tests.passed + docs.passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/**
 * Runs all of jest.
 *
 * @returns {Promise<Counts>} of tests; a file that could not be run counts as one failed
 */
export async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), "coppice-test-"));
  try {
    const report = join(folder, "report.json");
    const code = await run(process.execPath, [...jest, "--json", `--outputFile=${report}`]);
    return countTests(code, report);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// As options of node and not in NODE_OPTIONS: jest hands them to its workers, and the programs that
// tests start do not inherit them.
const jest = [
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
  toolPath("jest"),
];

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

/** `npm test`: jest over every workspace, every code block of the documentation, the clients. */

import { run } from "./child.mjs";
import { runClients } from "./clients.mjs";
import { runDocs } from "./docs.mjs";
import { jest, runJest } from "./jest.mjs";

/**
 * Runs all of it, or jest alone with the arguments given.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  // What a failing schedule says to type is what was typed.
  process.env["COPPICE_TEST_COMMAND"] = "npm test --";
  if (args.length > 0) return run(process.execPath, [...jest, ...args]);

  const counts = [await runJest(), await runDocs(), await runClients()];
  const passed = counts.reduce((sum, each) => sum + each.passed, 0);
  const failed = counts.reduce((sum, each) => sum + each.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** `npm run check`: everything a change must pass. */

import { writeFileSync } from "node:fs";
import { runClients } from "./clients.mjs";
import { runDocs } from "./docs.mjs";
import { runJest } from "./jest.mjs";
import { runTask } from "./tasks.mjs";

/** @typedef {import("./jest.mjs").Counts} Counts */

/**
 * Runs every step, also after one that failed, and prints a line for each at the end.
 *
 * @param {readonly string[]} args `--report FILE` writes the sums there, as `{ passed, failed }`
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  const report = args[0] === "--report" ? args[1] : undefined;
  if (args.length > 0 && report === undefined) {
    console.error("Usage: npm run check [-- --report FILE]");
    return 1;
  }

  /** @type {[name: string, counts: Counts][]} */
  const results = [];
  for (const [name, step] of steps) {
    console.log(`\n— ${name}`);
    results.push([name, await step()]);
  }

  console.log("");
  for (const [name, { passed, failed }] of results) {
    console.log(
      `${failed === 0 ? "ok    " : "FAILED"} ${name}: ${passed} passed, ${failed} failed`,
    );
  }
  const passed = sum(results.map(([, counts]) => counts.passed));
  const failed = sum(results.map(([, counts]) => counts.failed));
  console.log(`${passed} passed, ${failed} failed`);
  if (report !== undefined) writeFileSync(report, JSON.stringify({ passed, failed }));
  return failed === 0 ? 0 : 1;
}

// Types come before tests and docs: both run what this step emits.
/** @type {readonly [name: string, step: () => Promise<Counts>][]} */
const steps = [
  ["lint", () => countTask("lint")],
  ["format", () => countTask("format:check")],
  ["types", () => countTask("types")],
  ["layers", () => countTask("layers")],
  ["tests", () => runJest()],
  ["docs", () => runDocs()],
  ["clients", runClients],
];

/**
 * @param {string} task
 * @returns {Promise<Counts>}
 */
async function countTask(task) {
  return (await runTask(task, [])) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

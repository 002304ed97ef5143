/**
 * `npm run mutants [-- ids] [--list]`: puts one fault after the other into a copy of the sources, and runs
 * the tests that have to find it.
 *
 * The copy is in a temporary folder. That the tests are green without a fault is seen first.
 */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, toolPath } from "./child.mjs";
import { mutants } from "./mutant-list.mjs";
import { packageNames, root } from "./workspace.mjs";

/** @typedef {import("./mutant-list.mjs").Mutant} Mutant */
/** @typedef {{ readonly state: "killed" | "survived" | "broken", readonly by: string }} Verdict */

/** A mutant may make the code run in circles, which is found as well. */
const LIMIT_MS = 120_000;

/**
 * Runs the mutants that are named, or all.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} 1 when one survives, or the tests are red without any
 */
export async function main(args) {
  const ids = args.filter((arg) => arg !== "--list");
  const unknown = ids.filter((id) => !mutants.some((mutant) => mutant.id === id));
  if (unknown.length > 0) {
    const all = mutants.map(({ id }) => id).join(", ");
    console.error(
      `No mutant "${unknown.join('", "')}". Usage: npm run mutants [-- IDS] [--list]. Ids: ${all}.`,
    );
    return 1;
  }
  const chosen = ids.length === 0 ? mutants : mutants.filter(({ id }) => ids.includes(id));
  if (args.includes("--list")) {
    for (const { id, file, what } of chosen) console.log(`${id}  ${file}: ${what}`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "coppice-mutants-"));
  try {
    copySources(root, folder);
    return await runAll(chosen, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {readonly Mutant[]} chosen
 * @param {string} folder
 * @returns {Promise<number>}
 */
async function runAll(chosen, folder) {
  const files = new Set(chosen.flatMap(({ tests }) => tests));
  for (const file of files) {
    const { state, by } = await runTests(folder, [file], undefined);
    if (state === "survived") continue;
    console.error(`red without any mutant: ${file} › ${by}`);
    console.log(`0 passed, ${chosen.length} failed`);
    return 1;
  }
  console.log(`${files.size} files of tests, green without a mutant`);
  let failed = 0;
  for (const mutant of chosen) {
    const path = join(folder, mutant.file);
    const source = readFileSync(path, "utf8");
    writeFileSync(path, applyMutant(mutant, source));
    const startMs = performance.now();
    const { state, by } = await runTests(folder, mutant.tests, mutant.only);
    writeFileSync(path, source);
    const seconds = `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
    if (state !== "killed") failed++;
    const words = { killed: "killed by", survived: "SURVIVED", broken: "DOES NOT RUN:" }[state];
    console.log(`${mutant.id}  ${mutant.what}\n     ${words} ${by} (${seconds})`);
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/**
 * The source with the fault in it.
 *
 * @param {Pick<Mutant, "id" | "file" | "search" | "replace">} mutant
 * @param {string} source
 * @returns {string}
 * @throws {Error} what is to be replaced does not stand there exactly once
 */
export function applyMutant({ id, file, search, replace }, source) {
  const parts = source.split(search);
  if (parts.length !== 2) {
    throw new Error(
      `${id}: in ${file} this stands ${parts.length - 1} times, not once:\n${search}`,
    );
  }
  return parts.join(replace);
}

/**
 * What the tests need, with the libraries as they are.
 *
 * @param {string} from
 * @param {string} to
 */
function copySources(from, to) {
  const isOurs = (/** @type {string} */ path) => !/[/\\](node_modules|dist|\.tsbuild)$/.test(path);
  for (const file of ["package.json", "jest.config.mjs"]) cpSync(join(from, file), join(to, file));
  symlinkSync(join(from, "node_modules"), join(to, "node_modules"), "junction");
  for (const workspace of [...packageNames(from).map((name) => join("packages", name)), "bugs"]) {
    mkdirSync(join(to, workspace), { recursive: true });
    for (const part of ["package.json", "src", "test"]) {
      const path = join(from, workspace, part);
      if (existsSync(path))
        cpSync(path, join(to, workspace, part), { recursive: true, filter: isOurs });
    }
    const libraries = join(from, workspace, "node_modules");
    if (existsSync(libraries))
      symlinkSync(libraries, join(to, workspace, "node_modules"), "junction");
  }
}

/**
 * Runs files of tests, one after the other, until one is red.
 *
 * @param {string} folder
 * @param {readonly string[]} files
 * @param {string | undefined} only
 * @returns {Promise<Verdict>}
 */
async function runTests(folder, files, only) {
  for (const file of files) {
    const report = join(folder, "report.json");
    rmSync(report, { force: true });
    const { code, output, timedOut } = await capture(
      process.execPath,
      [
        "--experimental-vm-modules",
        "--disable-warning=ExperimentalWarning",
        toolPath("jest"),
        "--runInBand",
        `--cacheDirectory=${join(folder, ".cache")}`,
        "--json",
        `--outputFile=${report}`,
        ...(only === undefined ? [] : ["--testNamePattern", only]),
        "--runTestsByPath",
        file,
      ],
      { cwd: folder, timeoutMs: LIMIT_MS },
    );
    if (timedOut) return { state: "killed", by: `${file}, which does not come to an end` };
    if (code === 0) continue;
    const failure = existsSync(report) ? firstFailure(readFileSync(report, "utf8")) : undefined;
    if (failure === undefined) return { state: "broken", by: output.slice(-2_000) };
    return { state: "killed", by: `${file} › ${failure}` };
  }
  return { state: "survived", by: `${files.join(", ")}${only === undefined ? "" : ` (${only})`}` };
}

/**
 * The title of the first test that failed, if it was a test that failed.
 *
 * @param {string} report
 * @returns {string | undefined}
 */
function firstFailure(report) {
  /** @type {{ testResults: { assertionResults: { status: string, fullName: string }[] }[] }} */
  const { testResults } = JSON.parse(report);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return tests.find(({ status }) => status === "failed")?.fullName;
}

/** `npm run clients`: what is tested in other languages and in a browser, against nodes of this build. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runJest } from "./jest.mjs";
import { root } from "./workspace.mjs";

/** @typedef {import("./jest.mjs").Counts} Counts */
/** @typedef {{ name: string, needs: string, program: string | undefined, run: (program: string) => Promise<Counts> }} Client */

/** Debian's own first: its packages are for it alone. */
const PYTHONS = ["/usr/bin/python3", "python3"];
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Prints the tests' own reports and a line for each client, also for one whose language is not on this machine.
 *
 * @returns {Promise<Counts>}
 */
export async function runClients() {
  const sum = { passed: 0, failed: 0 };
  for (const { name, needs, program, run } of clients()) {
    if (program === undefined) {
      console.log(`clients: ${name} skipped: no ${needs}`);
      continue;
    }
    const { passed, failed } = await run(program);
    console.log(`clients: ${name}: ${passed} passed, ${failed} failed`);
    sum.passed += passed;
    sum.failed += failed;
  }
  return sum;
}

/** @returns {readonly Client[]} */
function clients() {
  const python = PYTHONS.find((path) => succeeds(path, "-c", "import cbor2, websockets"));
  const pythonNeeds =
    "python3 with websockets and cbor2 (apt-get install python3-websockets python3-cbor2)";
  return [
    { name: "Python", needs: pythonNeeds, program: python, run: runPython },
    {
      name: "Python's ping-pong",
      needs: pythonNeeds,
      program: python,
      run: () => runFile("examples/python-ping-pong/player.client.test.ts"),
    },
    {
      name: "browser",
      needs: "Chromium (apt-get install chromium, or CHROMIUM_PATH=…)",
      program: process.env["CHROMIUM_PATH"] ?? BROWSERS.find((path) => succeeds(path, "--version")),
      run: (path) =>
        runFile("examples/browser/page.client.test.ts", { CHROMIUM_PATH: whole(path) }),
    },
  ];
}

/**
 * @param {string} file
 * @param {NodeJS.ProcessEnv} [env]
 */
function runFile(file, env) {
  const args = ["--testPathIgnorePatterns=/node_modules/", "--runTestsByPath", file];
  return runJest(args, { ...process.env, ...env });
}

/**
 * @param {string} python
 * @returns {Promise<Counts>}
 */
async function runPython(python) {
  const { stderr, status } = spawnSync(python, ["-m", "unittest", "discover", "-s", "tests"], {
    cwd: join(root, "clients/python"),
    encoding: "utf8",
    env: { ...process.env, NODE: process.execPath },
  });
  const ran = Number(/^Ran (\d+) tests?/m.exec(stderr)?.[1] ?? 0);
  const counts = [...(/^FAILED \((.*)\)$/m.exec(stderr)?.[1] ?? "").matchAll(/=(\d+)/g)];
  const told = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  if (status !== 0 || ran === 0) console.error(stderr);
  // Parts of one test can fail by themselves.
  const failed = status === 0 && ran > 0 ? 0 : Math.max(told, 1);
  return { passed: Math.max(ran - failed, 0), failed };
}

/** @param {string} command @param {readonly string[]} args */
function succeeds(command, ...args) {
  return spawnSync(command, args).status === 0;
}

/**
 * The whole path of a program that may be a name.
 *
 * @param {string} program
 */
function whole(program) {
  if (program.includes("/")) return program;
  return spawnSync("which", [program], { encoding: "utf8" }).stdout.trim();
}

/** @returns {Promise<number>} the exit code */
export async function main() {
  const { passed, failed } = await runClients();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

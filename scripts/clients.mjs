/** `npm run clients`: the tests of the clients in other languages, against nodes of this build. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./workspace.mjs";

/** Debian's own first: its packages are for it alone. */
const PYTHONS = ["/usr/bin/python3", "python3"];

/**
 * Prints the tests' own report and a line for each client.
 *
 * @returns {{ passed: number, failed: number }}
 */
export function runClients() {
  const python = PYTHONS.find(
    (path) => spawnSync(path, ["-c", "import cbor2, websockets"]).status === 0,
  );
  if (python === undefined) {
    console.log(
      "clients: Python skipped: no python3 with websockets and cbor2 (apt-get install python3-websockets python3-cbor2)",
    );
    return { passed: 0, failed: 0 };
  }
  const { stderr, status } = spawnSync(python, ["-m", "unittest", "discover", "-s", "tests"], {
    cwd: join(root, "clients/python"),
    encoding: "utf8",
    env: { ...process.env, NODE: process.execPath },
  });
  const ran = Number(/^Ran (\d+) tests?/m.exec(stderr)?.[1] ?? 0);
  const counts = [...(/^FAILED \((.*)\)$/m.exec(stderr)?.[1] ?? "").matchAll(/=(\d+)/g)];
  const failed = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  if (status !== 0 || ran === 0) console.error(stderr);
  // Parts of one test can fail by themselves.
  const failures = status === 0 && ran > 0 ? 0 : Math.max(failed, 1);
  console.log(`clients: Python: ${ran} tests, ${failures} failures`);
  return { passed: Math.max(ran - failures, 0), failed: failures };
}

/** @returns {number} the exit code */
export function main() {
  const { passed, failed } = runClients();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

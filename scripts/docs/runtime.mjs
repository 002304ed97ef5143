/**
 * Loaded before a block of the documentation: defines `$docs` for it, and fails the process when an
 * expectation was not reached. COPPICE_EXPECTATIONS lists them all.
 */

import { inspect, isDeepStrictEqual } from "node:util";

const unreached = new Set(JSON.parse(process.env["COPPICE_EXPECTATIONS"] ?? "[]"));

Object.defineProperty(globalThis, "$docs", {
  value: {
    /**
     * @param {string} at
     * @param {unknown} actual
     * @param {unknown} expected
     */
    equal(at, actual, expected) {
      unreached.delete(at);
      if (isDeepStrictEqual(actual, expected)) return;
      fail(at, `expected ${print(expected)}, got ${print(actual)}`);
    },

    /**
     * @param {string} at
     * @param {string} name
     * @param {() => unknown} act
     */
    throws(at, name, act) {
      unreached.delete(at);
      try {
        act();
      } catch (error) {
        return checkName(at, name, error);
      }
      fail(at, `expected ${name}, but nothing was thrown`);
    },

    /**
     * @param {string} at
     * @param {string} name
     * @param {() => unknown} act
     */
    async rejects(at, name, act) {
      unreached.delete(at);
      try {
        await act();
      } catch (error) {
        return checkName(at, name, error);
      }
      fail(at, `expected ${name}, but nothing was thrown`);
    },
  },
});

process.on("exit", (code) => {
  if (code !== 0 || unreached.size === 0) return;
  for (const at of unreached) console.error(`${at}: was not reached`);
  process.exitCode = 1;
});

/**
 * @param {string} at
 * @param {string} name
 * @param {unknown} error
 */
function checkName(at, name, error) {
  const actual = /** @type {{ name?: unknown } | null | undefined} */ (error)?.name;
  if (actual !== name) fail(at, `expected ${name}, got ${print(error)}`);
}

/**
 * Ends the process at once: thrown, it could be caught by the block, or crash a process of a node
 * and no more than that.
 *
 * @param {string} at
 * @param {string} message
 */
function fail(at, message) {
  console.error(`${at}: ${message}`);
  process.exit(1);
}

/** @param {unknown} value */
function print(value) {
  return inspect(value, { depth: 6, breakLength: Infinity });
}

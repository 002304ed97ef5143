/** One jest for all workspaces. Needs NODE_OPTIONS=--experimental-vm-modules, which `npm test` sets. */

/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  testMatch: [
    "<rootDir>/packages/*/test/**/*.test.ts",
    "<rootDir>/examples/**/*.test.ts",
    "<rootDir>/bugs/test/**/*.test.ts",
    "<rootDir>/conformance/test/**/*.test.ts",
    "<rootDir>/bench/test/**/*.test.ts",
    "<rootDir>/docs/test/**/*.test.ts",
    "<rootDir>/scripts/test/**/*.test.ts",
  ],
  // Those of clients need what Node does not bring: `npm run clients` runs them where that is.
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/\\.tsbuild/", "\\.client\\.test\\.ts$"],
  modulePathIgnorePatterns: ["/dist/", "/\\.tsbuild/", "/docs/\\.generated/"],
  // Each test file is a realm of modules that lives as long as its process: without an end to that, one
  // process for all of them would run out of memory.
  maxWorkers: "100%",
  workerIdleMemoryLimit: "1GB",
  // Many tests start processes, and the machine may be busy.
  testTimeout: 60_000,
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: {
    "^@coppice/(core|supervisor|remote|testkit)$": "<rootDir>/packages/$1/src/index.ts",
    "^@coppice/remote/(browser|wire)$": "<rootDir>/packages/remote/src/$1.ts",
    "^@coppice/testkit/(jest|vitest)$": "<rootDir>/packages/testkit/src/$1.ts",
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        swcrc: false,
        jsc: {
          target: "es2022",
          parser: { syntax: "typescript" },
          transform: { verbatimModuleSyntax: true },
        },
        sourceMaps: "inline",
      },
    ],
  },
};

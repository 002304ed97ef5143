/** Promises that are rejected and that nobody waits for, in plain Node; for `runners.test.ts`. */
import assert from "node:assert";
import { test } from "node:test";
import {
  FIFO,
  explore,
  inMacrotask,
  runProgramAsync,
  simulate,
  testActors,
} from "@coppice/testkit";

/** @param {import("@coppice/testkit").Simulation} sim */
const stray = (sim) => {
  sim.node().spawnOpt({ key: "p" }, async (self) => {
    void (async () => {
      await self.yield();
      throw new Error("lost");
    })();
    await self.sleep(5);
  });
};
/** @param {import("@coppice/testkit").Simulation} sim */
const tidy = (sim) => {
  sim.node().spawnOpt({ key: "p" }, async (self) => {
    const late = self.yield().then(() => Promise.reject(new Error("awaited")));
    await self.yield();
    await late.catch(() => undefined);
  });
};

testActors.with(test)("stray in a test of actors", [], stray, {
  store: false,
  whenPassed: () => console.log("it was said to pass"),
});
testActors.with(test)("tidy in a test of actors", [], tidy, { store: false });

const message =
  "a promise was rejected in code of the simulation, and nobody waited for it: Error: lost; " +
  "wait for it where it is made, so that the process there fails by it";
const refused = { code: "STRAY_REJECTION", message, cause: new Error("lost") };

test("held against the run", async () => {
  const { violations, steps } = await runProgramAsync(stray, FIFO);
  assert.deepStrictEqual(violations, [
    { check: "stray rejection", message, step: steps.length, error: new Error("lost") },
  ]);
  assert.deepStrictEqual((await runProgramAsync(tidy, FIFO)).violations, []);
});

test("held against an exploration, and against a step of a simulation", async () => {
  await assert.rejects(
    inMacrotask(() => explore(stray)),
    refused,
  );
  const sim = simulate();
  stray(sim);
  await assert.rejects(sim.settle(), refused);
  await sim.rest();
});

test("what others listen for before and after is theirs", async () => {
  /** @type {unknown[]} */
  const heard = [];
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => heard.push(reason));
  void Promise.reject("before");
  await inMacrotask(() => 1);
  void Promise.reject("after");
  await new Promise((resolve) => setTimeout(resolve, 1));
  await assert.rejects(
    inMacrotask(async () => Promise.reject(new Error("its own"))),
    /its own/,
  );
  process.removeAllListeners("unhandledRejection");
  for (const each of before) process.on("unhandledRejection", each);
  assert.deepStrictEqual(heard, ["before", "after"]);
});

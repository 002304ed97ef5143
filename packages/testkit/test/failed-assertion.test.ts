import assert from "node:assert/strict";
import { describe, expect, test } from "@jest/globals";
import { defineServer, defineSupervisor, child, startSupervisor } from "@coppice/supervisor";
import { FIFO, runProgramAsync, type Program, type Simulation } from "@coppice/testkit";

/** What a process of vitest throws: of chai's class, not of Node's. */
class AssertionError extends Error {
  override readonly name = "AssertionError";
  readonly code = "ERR_ASSERTION";
}

const alone =
  (act: () => void): Program =>
  (sim) => {
    const node = sim.node("n", { logger: false });
    node.spawnOpt<never>({ key: "a" }, async (self) => {
      await self.yield();
      act();
    });
  };

/** A server that another starts again when it has crashed. */
const supervised =
  (act: () => void): Program =>
  async (sim) => {
    const node = sim.node();
    const server = defineServer({ init: () => 0, cast: { act: () => act() } });
    const spec = defineSupervisor({ children: [child({ id: "s" }, server)] });
    const supervisor = await startSupervisor(node, spec);
    const [pid] = node.processes().filter((each) => each !== supervisor);
    node.cast(pid as never, ["act"] as never);
  };

const expectation = (): void => expect(1).toBe(2);
const chai = (): void => {
  throw new AssertionError("expected 1 to be 2");
};
const nodeAssert = (): void => assert.equal(1, 2);
const mistake = (): void => {
  throw new TypeError("not a function");
};

describe("an assertion that fails in a process", () => {
  const found = async (program: Program): Promise<string[]> => {
    const { violations } = await runProgramAsync(program, FIFO);
    return violations.map(({ check, message }) => `${check}: ${message.split("\n")[0]}`);
  };

  test("is one in an observer, in a subscriber of events, and where something should be seen", async () => {
    const program =
      (set: (sim: Simulation) => void): Program =>
      (sim) => {
        set(sim);
        alone(() => undefined)(sim);
      };
    const text = "expect(received).toBe(expected) // Object.is equality";
    expect(await found(program((sim) => sim.observe(expectation)))).toEqual([
      `what an observer says: ${text}`,
    ]);
    expect(await found(program((sim) => sim.sometimes("it is so", mistake as never)))).toEqual([
      "it is so: not a function",
    ]);
    const listening = (act: () => void): Program =>
      program((sim) => {
        const node = sim.node("heard", { logger: false });
        node.events.subscribe(act);
        node.spawn(async () => undefined);
      });
    expect(await found(listening(expectation))).toEqual([
      `what a subscriber of events asserts: ${text}`,
    ]);
    expect(await found(listening(mistake))).toEqual([]);
  });

  test.each([
    [
      "jest",
      expectation,
      "what n/a asserts: expect(received).toBe(expected) // Object.is equality",
    ],
    ["vitest", chai, "what n/a asserts: expected 1 to be 2"],
    ["node:assert", nodeAssert, "what n/a asserts: Expected values to be strictly equal:"],
  ])("of %s is a violation, and any other crash is none", async (_whose, act, violation) => {
    expect(await found(alone(act))).toEqual([violation]);
    expect(await found(alone(mistake))).toEqual([]);
  });

  test("is one where the process is started again, unless it is an assertion of programs", async () => {
    expect(await found(supervised(expectation))).toHaveLength(1);
    expect(await found(supervised(chai))).toHaveLength(1);
    expect(await found(supervised(nodeAssert))).toEqual([]);
  });

  test("is heard by the logger of the node as well", async () => {
    const heard: string[] = [];
    const run = await runProgramAsync((sim) => {
      const node = sim.node("n", { logger: ({ type }) => heard.push(type) });
      node.spawn(expectation);
    }, FIFO);
    expect(heard).toEqual(["crashed"]);
    expect(run.violations).toHaveLength(1);
  });
});

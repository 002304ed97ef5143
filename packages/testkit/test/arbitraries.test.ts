import { describe, expect, test } from "@jest/globals";
import { createNode, formatReason, isCrash, isOrderly } from "@coppice/core";
import { startSupervisor, supervisionTree, type SupervisionTree } from "@coppice/supervisor";
import fc from "fast-check";
import {
  childSpecs,
  exitReasons,
  faultPlans,
  FIFO,
  messages,
  runProgramAsync,
  supervisorOf,
  terms,
  treePlans,
  type TreePlan,
} from "@coppice/testkit";

describe("arbitraries", () => {
  test("terms can be cloned as they are", () => {
    fc.assert(
      fc.property(terms(), (term) => {
        expect(structuredClone(term)).toEqual(term);
      }),
    );
  });

  test("exit reasons are of every kind, and can be written", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(exitReasons(), (reason) => {
        kinds.add(isCrash(reason) ? "crash" : isOrderly(reason) ? "orderly" : typeof reason);
        expect(typeof formatReason(reason)).toBe("string");
      }),
      { numRuns: 300 },
    );
    expect([...kinds].sort()).toEqual(["crash", "object", "orderly", "string"]);
  });

  test("messages are of the kinds that were named, with a payload where one was asked for", () => {
    const seen = new Set(fc.sample(messages(["get", "put"]), 50).map(({ type }) => type));
    expect(seen).toEqual(new Set(["get", "put"]));
    for (const message of fc.sample(messages(["put"], fc.nat()), 10)) {
      expect(message).toEqual({ type: "put", payload: expect.any(Number) as unknown });
    }
  });

  test("child specs are valid, of all restart types", () => {
    const specs = fc.sample(childSpecs(), 200);
    expect(new Set(specs.map(({ restart }) => restart))).toEqual(
      new Set(["permanent", "transient", "temporary"]),
    );
    expect(
      fc
        .sample(childSpecs({ restarts: ["transient"] }), 20)
        .every(({ restart }) => restart === "transient"),
    ).toBe(true);
  });

  const sizes = (tree: TreePlan): number =>
    tree.children.reduce((sum, each) => sum + ("children" in each ? 1 + sizes(each) : 1), 0);
  const running = (tree: SupervisionTree): number =>
    tree.children.reduce((sum, each) => sum + 1 + running(each), 0);

  test("each tree starts as it was planned, and stops", async () => {
    await fc.assert(
      fc.asyncProperty(treePlans(), async (tree) => {
        const node = createNode({ logger: false });
        const app = await startSupervisor(node, supervisorOf(tree));
        expect(running(await supervisionTree(node, app))).toBe(sizes(tree));
        expect((await node.stop()).killed).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test("trees have up to as many levels as allowed, and shrink to few processes", () => {
    const depth = (tree: TreePlan): number =>
      1 + Math.max(0, ...tree.children.map((each) => ("children" in each ? depth(each) : 0)));
    const depths = fc.sample(treePlans({ maxDepth: 3 }), 300).map(depth);
    expect(Math.max(...depths)).toBe(3);
    const { counterexample } = fc.check(
      fc.property(treePlans(), (tree) => sizes(tree) < 1),
      { seed: 1 },
    );
    expect(sizes((counterexample as [TreePlan])[0])).toBe(1);
  });

  test("fault plans run as the plan of a simulation", async () => {
    let crashed = 0;
    await fc.assert(
      fc.asyncProperty(faultPlans({ faults: ["crash:n/1"], maxStep: 3 }), async (faults) => {
        const run = await runProgramAsync(
          (sim) => {
            const node = sim.node();
            const pid = node.spawn<string>(async (self) => {
              for (;;) await self.receive();
            });
            sim.faults.crash("n/1", pid);
            sim.finally("alive", () => node.isAlive(pid));
          },
          FIFO,
          { plan: faults },
        );
        const isCrashed = run.violations.length > 0;
        if (isCrashed) crashed++;
        expect(isCrashed).toBe(faults.some(({ at }) => "step" in at && at.step === 0));
      }),
      { numRuns: 50 },
    );
    expect(crashed).toBeGreaterThan(3);
  });
});

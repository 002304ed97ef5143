import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "@coppice/core";
import { child, defineSupervisor, startSupervisor } from "@coppice/supervisor";
import {
  faultCoverage,
  FaultCoverageError,
  formatFaultCoverage,
  requireFaultCoverage,
  type Program,
} from "@coppice/testkit";

/** A tree of two workers; at rest both have to be up. */
const tree =
  (restart: "permanent" | "temporary"): Program =>
  async (sim) => {
    const node = sim.node();
    const idle = (name: string) =>
      child({ id: name, restart }, async (self) => {
        up.add(name);
        try {
          await self.receive();
        } finally {
          up.delete(name);
        }
      });
    const up = new Set<string>();
    await startSupervisor(node, defineSupervisor({ children: [idle("a"), idle("b")] }), {
      label: "app",
    });
    const pids = (): string[] =>
      node
        .processes()
        .map((pid) => node.processInfo(pid)?.path ?? "")
        .filter((path) => path !== "app");
    node.spawnOpt<never>({ label: "clock" }, async (self) => {
      await self.yield();
      await self.yield();
    });
    sim.finally("both are up", () => pids().length === 2);
  };

describe("fault coverage", () => {
  test("workers that are restarted are survived at each point of their lives", async () => {
    const coverage = await faultCoverage(tree("permanent"), {
      targets: ({ path }) => path.startsWith("app/"),
    });
    expect(coverage.points.length).toBeGreaterThan(4);
    expect(new Set(coverage.points.map(({ path }) => path))).toEqual(new Set(["app/a", "app/b"]));
    expect(formatFaultCoverage(coverage)).toBe(
      `${coverage.points.length} of ${coverage.points.length} crash points survived`,
    );
    expect(() => requireFaultCoverage(coverage)).not.toThrow();
  });

  test("workers that stay away are not survived at any, and each point is listed", async () => {
    const coverage = await faultCoverage(tree("temporary"), {
      targets: ({ path }) => path === "app/a",
    });
    expect(coverage).toMatchObject({ survived: 0, ratio: 0 });
    const steps = coverage.points.map(({ step }) => step);
    expect(steps).toEqual([...steps.keys()]);
    const lines = formatFaultCoverage(coverage).split("\n");
    expect(lines[1]).toMatch(
      /^not: app\/a before step 0 \(resume:.*\): both are up: it does not hold$/,
    );
    expect(lines.at(-1)).toBe("not: app/a at rest: both are up: it does not hold");
    expect(() => requireFaultCoverage(coverage, 0.01)).toThrow(FaultCoverageError);
    expect(() => requireFaultCoverage(coverage, 0)).not.toThrow();
    expect(() => requireFaultCoverage(coverage, 2)).toThrow(InvalidArgumentError);
  });

  test("a process that is needed up to a certain step is survived after it", async () => {
    const coverage = await faultCoverage((sim) => {
      const node = sim.node();
      let saved = false;
      node.spawnOpt<never>({ label: "saver" }, async (self) => {
        await self.yield();
        saved = true;
        await self.yield();
        await self.yield();
      });
      sim.finally("it is saved", () => saved);
    });
    expect(coverage.points.map(({ survived }) => survived)).toEqual([false, true, true]);
    expect(formatFaultCoverage(coverage).split("\n")[0]).toBe("2 of 3 crash points survived");
  });

  test("a program that fails by itself has no coverage", async () => {
    const program: Program = (sim) => sim.finally("never", () => false);
    await expect(faultCoverage(program)).rejects.toThrow(
      "without any crash: never: it does not hold",
    );
  });

  test("where there is nobody to kill all is survived", async () => {
    expect(await faultCoverage(() => undefined)).toEqual({ points: [], survived: 0, ratio: 1 });
  });
});

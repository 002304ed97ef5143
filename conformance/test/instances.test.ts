import { describe, expect, test } from "@jest/globals";
import { createNode } from "@coppice/core";
import { Instances, type InstanceKind } from "../src/instances.js";

const node = createNode({ logger: false });

/** Instances by name, each with its kind and who started it. */
function createInstances(
  all: readonly (readonly [name: string, kind: InstanceKind, parent?: string])[],
): Instances {
  const instances = new Instances();
  for (const [name, kind, parent] of all) {
    const pid = node.spawn(() => undefined);
    instances.add({ name, pid, kind, parent, lives: true });
  }
  return instances;
}

describe("instances", () => {
  test("are numbered by their id, over the whole program", () => {
    const instances = new Instances();
    expect(["a", "b", "a"].map((id) => instances.attempt(id))).toEqual([
      { name: "a.1", number: 1 },
      { name: "b.1", number: 1 },
      { name: "a.2", number: 2 },
    ]);
  });

  test("are found by name and by pid; supervisors in order of their names", () => {
    const instances = createInstances([
      ["s.10", "supervisor"],
      ["a.1", "worker"],
      ["s.9", "dynamic_supervisor"],
    ]);
    const worker = instances.get("a.1");
    expect(worker && instances.of(worker.pid)).toBe(worker);
    expect(instances.supervisors().map(({ name }) => name)).toEqual(["s.9", "s.10"]);
  });
});

describe("exits that Erlang gives no order", () => {
  const instances = createInstances([
    ["root.1", "supervisor", "p1"],
    ["a.1", "worker", "root.1"],
    ["sub.1", "supervisor", "root.1"],
    ["b.1", "worker", "sub.1"],
    ["pool.1", "dynamic_supervisor", "root.1"],
    ["d.2", "worker", "pool.1"],
    ["d.10", "worker", "pool.1"],
  ]);
  const exit = (name: string): [string, string, string] => ["exit", name, "killed"];

  test("stand after the exit of the supervisor above that ended first, by name", () => {
    const log = [exit("root.1"), ["start", "x.1", "ok"], exit("sub.1"), exit("b.1"), exit("a.1")];
    expect(instances.inOrder(log)).toEqual([
      exit("root.1"),
      exit("a.1"),
      exit("b.1"),
      exit("sub.1"),
      ["start", "x.1", "ok"],
    ]);
  });

  test("stay where they are when they came before the supervisor's own", () => {
    const log = [exit("b.1"), exit("a.1"), exit("sub.1"), exit("root.1")];
    expect(instances.inOrder(log)).toEqual(log);
  });

  test("are sorted in a run of children of one dynamic supervisor, and only there", () => {
    const start = ["start", "d.11", "ok"];
    expect(instances.inOrder([exit("d.10"), exit("d.2"), start])).toEqual([
      exit("d.2"),
      exit("d.10"),
      start,
    ]);
    const apart = [exit("d.10"), start, exit("d.2")];
    expect(instances.inOrder(apart)).toEqual(apart);
    const others = [exit("b.1"), exit("a.1")];
    expect(instances.inOrder(others)).toEqual(others);
  });
});

import { describe, expect, test } from "@jest/globals";
import {
  createNode,
  formatFailure,
  InvalidArgumentError,
  type NodeEvent,
  type Report,
} from "@coppice/core";
import { createVirtualClock } from "@coppice/testkit";
import { createWorld, spawnPuppet } from "./world.js";

const reportOf = (level: Report["level"]): Report => ({
  level,
  data: { late: true },
  format: () => "the train is late",
});

describe("a report", () => {
  test.each(["info", "warning", "error"] as const)(
    "of level %s is an event of the node",
    async (level) => {
      const { node, events } = createWorld();
      const puppet = spawnPuppet(node);
      await puppet.do((self) => self.report(reportOf(level)));
      expect(events).toContainEqual({
        type: "report",
        from: puppet.pid,
        report: { level, data: { late: true }, format: expect.any(Function) },
      });
    },
  );

  test.each<[Report["level"], readonly string[]]>([
    ["info", []],
    ["warning", ["the train is late"]],
    ["error", ["the train is late"]],
  ])("of level %s, in words: %j", async (level, printed) => {
    const logged: NodeEvent[] = [];
    const node = createNode({ clock: createVirtualClock(), logger: (event) => logged.push(event) });
    await spawnPuppet(node).do((self) => self.report(reportOf(level)));
    expect(logged.flatMap((event) => formatFailure(event) ?? [])).toEqual(printed);
  });

  test.each([undefined, null, "late", {}, { level: "error" }, { level: "fatal", format: String }])(
    "that is none (%j) is refused",
    async (bad) => {
      const { node } = createWorld();
      const refused = spawnPuppet(node).do((self) => self.report(bad as never));
      await expect(refused).rejects.toThrow(InvalidArgumentError);
    },
  );
});

describe("the path of a process", () => {
  test("is made of labels from the topmost ancestor down; names and pids stand in for them", async () => {
    const { node } = createWorld();
    const top = spawnPuppet(node, { label: "shop" });
    const middle = await top.do((self) =>
      self.spawnOpt({}, async (inner) => void (await inner.receive())),
    );
    expect(node.processInfo(top.pid)?.path).toBe("shop");
    expect(node.processInfo(middle)?.path).toBe(`shop/${String(middle)}`);
  });

  test('leaves out who is labelled ""', async () => {
    const { node } = createWorld();
    const master = spawnPuppet(node, { label: "" });
    const below = await master.do((self) =>
      self.spawnOpt({ label: "shop" }, async (inner) => void (await inner.receive())),
    );
    expect(node.processInfo(below)?.path).toBe("shop");
    expect(node.processInfo(master.pid)?.path).toBe("");
  });
});

import { expect, test } from "@jest/globals";
import { createNode, crashProcess, type NodeEvent } from "../src/index.js";

test("a process is crashed by somebody else's error as by its own, whatever it traps", async () => {
  const node = createNode({ logger: false });
  const events: NodeEvent[] = [];
  node.events.subscribe((event) => void events.push(event));
  const pid = node.spawn<string>(async (self) => {
    self.trapExits(() => "an exit");
    await self.receive();
  });
  await node.sleep(0);
  const error = new Error("in a translation");
  crashProcess(node, pid, error, "translating");
  crashProcess(node, pid, new Error("too late"), "translating");
  expect(await node.whenExited(pid)).toEqual({ error });
  const crashed = events.filter(({ type }) => type === "crashed");
  expect(crashed).toMatchObject([{ report: { pid, reason: { error }, during: "translating" } }]);
  await node.stop();
  crashProcess(node, pid, error, "translating");
  expect(() => crashProcess(node, "pid" as never, error, "translating")).toThrow("a pid");
});

import { expect, test } from "@jest/globals";
import { startWith } from "@coppice/supervisor";
import { createWorld } from "./world.js";

test("startWith makes a start function startable as a behaviour is", async () => {
  const { node } = createWorld();
  const sleeper = startWith<unknown, [ms: number]>((starter, options, ms) => ({
    pid: starter.spawnOpt(options, async (self) => self.sleep(ms)),
  }));
  const pid = await node.start(sleeper, 10);
  expect(node.isAlive(pid)).toBe(true);
});

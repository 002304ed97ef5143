/** Draws by functions that it has imported by their names; for `runners.test.ts`. */
import { randomBytes, randomFillSync, randomInt, randomUUID } from "node:crypto";
import { hrtime } from "node:process";
import { FIFO, runProgramAsync } from "@coppice/testkit";

/** @type {unknown[]} */
const drawn = [];
const run = async () =>
  runProgramAsync((sim) => {
    sim.node().spawn(async (self) => {
      await self.yield();
      drawn.push(
        randomUUID(),
        randomInt(1_000_000),
        randomInt(5, 7),
        randomBytes(4).toString("hex"),
      );
      drawn.push(randomFillSync(new Uint8Array(2)).join(), hrtime().join());
    });
  }, FIFO);
const { violations } = await run();
const first = drawn.splice(0);
await run();
await new Promise((resolve) => setTimeout(resolve, 10));
const isHosts = randomUUID() !== randomUUID() && hrtime()[0] > 0;
console.log(JSON.stringify({ first, second: drawn, violations, isHosts }));

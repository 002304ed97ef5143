import { describe, expect, test } from "@jest/globals";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));

/** A program for a worker thread: a server, a crash that is told, and an orderly stop. */
const program = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData).then(async ({ createNode }) => {
    const node = createNode({ name: "worker", logger: false });
    const server = node.spawn({
      init: () => 0,
      message: (count, message, self) => {
        if (message === "explode") throw new Error("boom");
        self.reply(message.from, count + 1);
        return count + 1;
      },
    });
    const reply = await node.call(server, "count");
    node.send(server, "explode");
    const reason = await node.whenExited(server);
    const { killed } = await node.stop();
    parentPort.postMessage({ reply, reason: reason.error.message, killed: killed.length });
  });
`;

describe("in a worker thread", () => {
  test("a node runs as anywhere else", async () => {
    const worker = new Worker(program, { eval: true, workerData: pathToFileURL(built).href });
    const result = await new Promise((resolve, reject) => {
      worker.on("message", resolve);
      worker.on("error", reject);
    });
    expect(result).toEqual({ reply: 1, reason: "boom", killed: 0 });
    await worker.terminate();
  });
});
